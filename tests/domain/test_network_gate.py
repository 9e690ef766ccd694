"""What generated network code may say, and what it finds when it runs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from domain.errors import InputError
from domain.vision.gate import checked
from domain.vision.gate_namespace import entry

DATA = Path(__file__).parent.parent / "data"
HONEST = sorted((DATA / "networks").glob("*.py.txt"))
ATTACKS = json.loads((DATA / "network_attacks.json").read_text())
BEHIND_THE_GATE = {"giant integer", "infinite weights", "tensor bomb", "system exit", "endless loop"} | {
    "endless forward", "deep recursion", "memory bomb"
}  # fmt: skip
"""They say only what honest networks might say; walls and checks stop them."""


@pytest.mark.parametrize("path", HONEST, ids=lambda path: path.name.partition(".")[0])
def test_networks_as_language_models_write_them_pass(path: Path) -> None:
    module = entry(checked(path.read_text()))(7, 1, 16)
    assert isinstance(module, torch.nn.Module)


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack["name"])
def test_attacks_are_turned_away_where_their_words_tell(attack: dict[str, str]) -> None:
    if attack["name"] in BEHIND_THE_GATE:
        return
    with pytest.raises(InputError):
        checked(attack["code"])


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("import os", "line 1: import os is not allowed"),
        ("x = torch", "is not a value"),
        ("x = torch.load('f')", "torch.load is not allowed"),
        ("torch.nn.Linear = 3", "may not be changed"),
        ("x = ().__class__", "attribute __class__ is not allowed"),
        ("def open(): pass", "open is a builtin"),
        ("open('f')", "open is neither defined nor allowed"),
        ("x = '__globals__'", "text '__globals__' is not allowed"),
        ("class A(metaclass=type): pass", "classes may have bases only"),
        ("torch = 3", "is imported: choose another name"),
    ],
)
def test_a_refusal_names_the_line_the_thing_and_the_remedy(line: str, message: str) -> None:
    imports = "" if line.startswith("import") else "import torch\n"
    with pytest.raises(InputError, match=message.replace("(", r"\(")):
        checked(f"{imports}{line}\ndef build_model(num_classes, channels, size):\n    return None\n")


def test_code_without_an_entry_is_refused_with_its_name() -> None:
    with pytest.raises(InputError, match="must define build_model"):
        checked("x = 1")


@pytest.mark.parametrize("name", ["forward", "__class__", "_modules", "training"])
def test_getattr_finds_only_what_a_network_was_given(name: str) -> None:
    built = " + ".join(repr(letter) for letter in name)
    code = (
        "import torch.nn as nn\n"
        "def build_model(num_classes, channels, size):\n"
        f"    return getattr(nn.Linear(1, 1), {built}, 'nothing')\n"
    )
    assert entry(checked(code))(1, 1, 1) in ("nothing", True)


def test_setattr_gives_a_network_layers_but_replaces_nothing() -> None:
    code = (
        "import torch.nn as nn\n"
        "def build_model(num_classes, channels, size):\n"
        "    net = nn.Module()\n"
        "    setattr(net, f'conv{1}', nn.Linear(1, 2))\n"
        "    setattr(net, 'for' + 'ward', nn.Linear(1, 2))\n"
        "    return net\n"
    )
    with pytest.raises(AttributeError, match="setattr is for giving a network layers, not for 'forward'"):
        entry(checked(code))(1, 1, 1)


def test_imports_at_run_time_reach_listed_modules_only() -> None:
    code = checked("import math\ndef build_model(a, b, c):\n    return math.sqrt(a)\n")
    build = entry(code)
    assert build(4, 0, 0) == 2
    with pytest.raises(ImportError, match="os is not allowed"):
        build.__globals__["__builtins__"]["__import__"]("os")
