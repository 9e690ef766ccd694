"""What names a cached result, and which failures are tried again."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from prefect.states import Failed

from domain.errors import InputError, OutsideError
from tasks import policy
from tasks.policy import code_of, is_outside, keyed_by


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A package of two modules, the thin one importing the deciding one."""
    folder = tmp_path / "thin_over_deep"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "thin.py").write_text(
        "from thin_over_deep.deep import answer\n\ndef ask():\n    return answer()\n"
    )
    (folder / "deep.py").write_text('def answer():\n    """Says it."""\n    return 1\n')
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(policy, "FOLLOWED", ("thin_over_deep",))
    yield folder
    for name in [n for n in sys.modules if n.startswith("thin_over_deep")]:
        del sys.modules[name]


def digest() -> str:
    code_of.cache_clear()
    return code_of("thin_over_deep.thin")


def test_a_change_below_a_thin_module_changes_its_code(package: Path) -> None:
    before = digest()
    (package / "deep.py").write_text('def answer():\n    """Says it."""\n    return 2\n')
    assert digest() != before


def test_comments_and_docstrings_do_not_change_the_code(package: Path) -> None:
    before = digest()
    (package / "deep.py").write_text('# why\ndef answer():\n    """Says it well."""\n    return 1\n')
    assert digest() == before


def test_a_module_that_is_not_imported_does_not_change_the_code(package: Path) -> None:
    before = digest()
    (package / "other.py").write_text("x = 1\n")
    assert digest() == before


def test_a_strategys_code_holds_the_metrics_it_imports() -> None:
    code_of.cache_clear()
    assert code_of("strategies.grading.native") != code_of("strategies.grading.llm")


def test_a_module_that_does_not_exist_is_an_error() -> None:
    with pytest.raises(ModuleNotFoundError):
        code_of("domain.nowhere")


def key(**parameters: object) -> str:
    named = keyed_by("content", code=("domain.identity",))
    return named(SimpleNamespace(task=SimpleNamespace(name="t")), parameters)


def test_only_the_named_parameters_are_in_the_key() -> None:
    assert key(content="a", job="1") == key(content="a", job="2")
    assert key(content="a") != key(content="b")


def test_results_of_another_catalog_are_not_taken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    before = key(content="a")
    monkeypatch.setenv("TRAINYARD_HOME", str(tmp_path))
    assert key(content="a") != before


@pytest.mark.parametrize(("error", "again"), [(OutsideError("down"), True), (InputError("bad"), False)])
def test_only_failures_from_outside_are_tried_again(error: Exception, again: bool) -> None:
    state = Failed(data=error)
    assert is_outside(None, None, state) is again


def test_a_strangers_error_is_not_tried_again() -> None:
    assert is_outside(None, None, Failed(data=ValueError("what"))) is False
