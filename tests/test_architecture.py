"""The shape of the house, held by a test."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
ROOMS = ("flows", "tasks", "infra", "strategies", "domain")
VAGUE = {"utils", "common", "helpers", "core", "manager", "service", "misc"}


def test_imports_go_only_downward() -> None:
    done = subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_no_file_has_a_vague_name() -> None:
    named = {path.stem for room in ROOMS for path in (ROOT / room).rglob("*.py")}
    assert not named & VAGUE


def test_no_file_pickles() -> None:
    sources = {path: path.read_text() for room in ROOMS for path in (ROOT / room).rglob("*.py")}
    guilty = [
        str(path.relative_to(ROOT))
        for path, text in sources.items()
        if "import pickle" in text
        or re.search(r"torch\.load\((?!.*weights_only=True)", text)
        or "allow_pickle=True" in text
    ]
    assert guilty == []


def test_pins_have_no_address() -> None:
    pins = (ROOT / "constraints.txt").read_text()
    assert "://" not in pins
    assert all("==" in line for line in pins.splitlines() if line and not line.startswith("#"))


def test_every_dependency_is_pinned_and_has_a_reason() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"].values()
    asked = [one for group in (project["dependencies"], *extras) for one in group]
    pins = (ROOT / "constraints.txt").read_text().splitlines()
    pinned = {canonicalize_name(name): version for name, version in (line.split("==") for line in pins)}
    lines = (ROOT / "pyproject.toml").read_text().splitlines()
    for requirement in asked:
        parsed = Requirement(requirement)
        assert pinned[canonicalize_name(parsed.name)] in parsed.specifier, requirement
        (line,) = [line for line in lines if line.strip().startswith(f'"{requirement}"')]
        assert "#" in line, f"{requirement} has no reason beside it"


def test_help_needs_none_of_the_heavy_libraries() -> None:
    code = (
        "import sys\n"
        "sys.argv = ['trainyard', '--help']\n"
        "from flows.__main__ import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "heavy = {'prefect', 'mlflow', 'torch', 'pandas', 'sqlalchemy', 'numpy'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "pipeline" in done.stdout
