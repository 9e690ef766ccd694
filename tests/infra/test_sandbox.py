"""The fence around generated networks: what crosses it, what does not, and what holds while code runs."""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import torch

from benchmarks.sandbox import Place, escaped, left_behind
from domain.errors import InputError
from domain.vision.gate_names import words
from domain.vision.graph_modules import TracedNetwork
from domain.vision.programs import NetworkLimits, Program, Refused, Traced
from infra.sandbox import stop, trace

DATA = Path(__file__).parent.parent / "data"
HONEST = sorted((DATA / "networks").glob("*.py.txt"))
ATTACKS = json.loads((DATA / "network_attacks.json").read_text())
WALLS_CANNOT_STOP = {"format reads attributes", "format of a built text", "match takes attributes"}
"""They look at attributes and touch nothing outside of their process."""

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() not in ("x86_64", "aarch64"),
    reason="the walls are Linux's",
)


@pytest.fixture(scope="module", autouse=True)
def sandbox() -> Iterator[None]:
    # Its server starts here, so that no test's time is measured with it.
    traced(small())
    yield
    stop()


def small(forward: str = "self.fc(x.flatten(1))", init: str = "pass", top: str = "") -> str:
    return (
        f"import torch\nimport torch.nn as nn\n{top}\n"
        "class Net(nn.Module):\n"
        "    def __init__(self, num_classes, channels, size):\n"
        "        super().__init__()\n"
        "        self.fc = nn.Linear(channels * size * size, num_classes)\n"
        f"        {init}\n"
        "    def forward(self, x):\n"
        f"        return {forward}\n"
        "def build_model(num_classes, channels, size):\n"
        "    return Net(num_classes, channels, size)\n"
    )


def traced(code: str, **options: Any) -> Traced | Refused:
    (outcome,) = trace([Program(code, 10, 3, 32)], **options)
    return outcome


def refused(code: str, **options: Any) -> Refused:
    outcome = traced(code, **options)
    assert isinstance(outcome, Refused)
    return outcome


def losses(network: torch.nn.Module) -> list[float]:
    network.train()
    torch.manual_seed(1)
    steps = torch.optim.SGD(network.parameters(), 0.05, momentum=0.9)
    told = []
    for n_images in (6, 5, 6):
        logits = network(torch.rand(n_images, 3, 32, 32))
        loss = torch.nn.functional.cross_entropy(logits, torch.randint(10, (n_images,)))
        steps.zero_grad()
        loss.backward()
        steps.step()
        told.append(loss.item())
    return told


@pytest.mark.parametrize("path", HONEST, ids=lambda path: path.name.partition(".")[0])
def test_a_network_crosses_the_fence_equal_to_eager_and_learns_alike(path: Path) -> None:
    code = path.read_text()
    outcome = traced(code)
    assert isinstance(outcome, Traced), outcome
    names: dict[str, Any] = {"__name__": "eager"}
    sys.modules["eager"] = type(sys)("eager")
    exec(code, names)
    eager = names["build_model"](10, 3, 32)
    with torch.no_grad():
        eager.eval()(torch.rand(3, 3, 32, 32))
        for name, tensor in (*eager.named_parameters(), *eager.named_buffers()):
            tensor.copy_(torch.tensor(outcome.weights[name]))
    rebuilt = TracedNetwork(outcome.graph, outcome.weights)
    for n_images in (1, 2, 7):
        images = torch.rand(n_images, 3, 32, 32)
        with torch.no_grad():
            assert torch.allclose(eager.eval()(images), rebuilt.eval()(images), rtol=0, atol=1e-5)
    assert losses(rebuilt) == pytest.approx(losses(eager), abs=1e-4)


ARCHITECTURES = words(
    """resnet18 densenet121 mobilenet_v2 mobilenet_v3_small shufflenet_v2_x0_5 efficientnet_b0 convnext_tiny
    vit_b_32 swin_t squeezenet1_1 googlenet mnasnet0_5 regnet_y_400mf vgg11_bn alexnet"""
)


@pytest.mark.parametrize("name", sorted(ARCHITECTURES))
def test_an_architecture_of_torchvision_crosses_the_fence_equal_to_eager(name: str) -> None:
    models = pytest.importorskip("torchvision").models
    options = {"vit_b_32": "image_size=64", "googlenet": "aux_logits=False, init_weights=False"}.get(name, "")
    code = (
        f"from torchvision.models import {name}\n"
        "def build_model(num_classes, channels, size):\n"
        f"    return {name}(num_classes=num_classes, {options})\n"
    )
    limits = NetworkLimits(n_parameters=200_000_000, flops_per_image=10**11)
    (outcome,) = trace([Program(code, 5, 3, 64)], limits, seconds=200)
    assert isinstance(outcome, Traced), outcome
    eager = eval(f"models.{name}(num_classes=5, {options})", {"models": models})
    with torch.no_grad():
        for key, tensor in (*eager.named_parameters(), *eager.named_buffers()):
            tensor.copy_(torch.tensor(outcome.weights[key]))
    rebuilt = TracedNetwork(outcome.graph, outcome.weights)
    images = torch.rand(2, 3, 64, 64)
    for training in (False, True):
        told = []
        for network in (eager, rebuilt):
            torch.manual_seed(0)
            with torch.no_grad():
                told.append(network.train(training)(images))
        assert torch.allclose(*told, rtol=0, atol=1e-5)


def test_initial_weights_are_the_programs_own_and_follow_its_seed() -> None:
    code = small(init="nn.init.zeros_(self.fc.bias)")
    first, again, other = (
        trace([Program(code, 10, 3, 32, seed=seed)])[0] for seed in (1, 1, 2)
    )  # fmt: skip
    assert isinstance(first, Traced) and isinstance(again, Traced) and isinstance(other, Traced)
    assert np.array_equal(first.weights["fc.weight"], again.weights["fc.weight"])
    assert not np.array_equal(first.weights["fc.weight"], other.weights["fc.weight"])
    assert not first.weights["fc.bias"].any()
    assert first.graph.fingerprint == other.graph.fingerprint


def test_outcomes_come_in_the_order_of_the_programs() -> None:
    codes = [small(), "import os", small("self.fc(x)"), small()]
    outcomes = trace([Program(code, 10, 3, 32) for code in codes], n_children=2)
    assert [type(outcome) for outcome in outcomes] == [Traced, Refused, Refused, Traced]


@pytest.mark.parametrize(
    ("code", "stage", "words"),
    [
        ("import os", "gate", "import os is not allowed"),
        (small(top="1 / 0"), "build", "fails before build_model"),
        (small("self.fc(x)"), "build", "forward fails"),
        (small("x.flatten(1)"), "shapes", "it must give [3, 10]"),
        (small("[x]"), "shapes", "it must give one tensor"),
        (
            small("self.fc(x.flatten(1)) if x.sum() > 0 else 0 * self.fc(x.flatten(1))"),
            "trace",
            "decides by values",
        ),
        (small("self.fc(x.reshape(3, -1))"), "shapes", "take sizes from x.shape"),
        (small("self.fc(x.flatten(1)).flip(0)"), "mixing", "other images of its batch"),
        (small("torch.linalg.norm(self.fc(x.flatten(1)))"), "shapes", "it must give [3, 10]"),
        (small(init="self.big = nn.Linear(20000, 20000)"), "limits", "more memory"),
        (small("x[0].sum().item()"), "shapes", "it must give one tensor"),
    ],
)
def test_a_broken_design_is_refused_with_what_to_change(code: str, stage: str, words: str) -> None:
    outcome = refused(code, limits=NetworkLimits(memory_bytes=1 << 30))
    assert (outcome.stage, words in outcome.reason) == (stage, True), outcome


def test_the_line_that_failed_is_told() -> None:
    assert "RuntimeError (line 10)" in refused(small("self.fc(x)")).detail


def test_a_program_that_takes_too_long_is_ended() -> None:
    code = small(init="\n        while True:\n            pass")
    outcome = refused(code, seconds=2)
    assert outcome.stage == "limits" and "more than 2 s" in outcome.reason
    assert not left_behind()


def test_a_network_over_its_budget_is_refused() -> None:
    for limits in (
        NetworkLimits(n_parameters=100),
        NetworkLimits(flops_per_image=100),
        NetworkLimits(activations_per_image=5),
        NetworkLimits(n_nodes=1),
    ):
        assert refused(small(), limits=limits).stage in ("budget", "graph")


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack["name"])
def test_an_attack_gets_nowhere_where_only_walls_stand(attack: dict[str, Any]) -> None:
    if attack["name"] not in WALLS_CANNOT_STOP:
        found, outcome = escaped(attack, gated=False, seconds=2)
        assert not found, outcome


def test_the_walls_that_stop_attacks_let_honest_networks_through() -> None:
    # Without this, a sandbox that starts nothing would look like one that stops everything.
    assert isinstance(traced(small(), gated=False), Traced)


def test_the_harness_of_attacks_sees_an_attack_that_succeeds() -> None:
    place = Place()
    try:
        code = "import os\ndef build_model(a, b, c):\n    raise RuntimeError('OUT' + '-7f3a')\n"
        attack = {"name": "told", "code": code, "evidence": {"marker": "OUT-7f3a"}}
        assert escaped(attack, gated=False, seconds=5)[0] == "marker"
    finally:
        place.close()


@pytest.mark.parametrize(
    ("without", "open_to"),
    [(["filter"], "it can start processes"), (["filter", "limits"], "it can use the network")],
)
def test_code_is_refused_where_walls_are_missing_and_the_reason_names_what_is_open(
    without: list[str], open_to: str
) -> None:
    outcome = refused(small(), without=without)
    assert outcome.stage == "walls"
    assert open_to in outcome.reason and "do without by name: " in outcome.reason


@pytest.mark.parametrize("wall", ["landlock", "user"])
def test_files_stay_closed_without(wall: str) -> None:
    without = [wall, "root"] if wall == "user" else [wall]
    assert isinstance(traced(small(), without=without), Traced)
    attack = next(attack for attack in ATTACKS if attack["name"] == "read a secret")
    place = Place()
    try:
        (outcome,) = trace([Program(place.filled(attack["code"]), 10, 3, 32)], without=without, gated=False)
    finally:
        place.close()
    assert isinstance(outcome, Refused) and "PermissionError" in outcome.detail


def test_a_wall_can_be_done_without_only_by_a_name_that_exists() -> None:
    with pytest.raises(InputError, match="no wall or property 'moat'"):
        trace([Program(small(), 10, 3, 32)], without=["moat"])


def test_a_user_who_does_without_properties_by_name_gets_graphs() -> None:
    properties = ("network", "processes", "signals", "bounds", "root", "reading", "writing")
    assert isinstance(traced(small(), without=["filter", *properties]), Traced)


def test_the_server_has_an_empty_environment_and_is_started_again_when_it_died() -> None:
    os.environ["TRAINYARD_CANARY"] = "SECRET-91c4"
    try:
        traced(small())
        children = psutil.Process().children()
        (server,) = [child for child in children if "infra.sandbox.server" in " ".join(child.cmdline())]
        assert not [name for name in server.environ() if name.startswith(("TRAINYARD", "HOME", "PATH"))]
        server.kill()
        server.wait()
        assert isinstance(traced(small()), Traced)
    finally:
        del os.environ["TRAINYARD_CANARY"]


ENDLESS = "import torch\ndef build_model(num_classes, channels, size):\n    while True:\n        1 + 1\n"


def test_a_program_that_never_ends_costs_its_processor_seconds_however_long_the_clock_may_run() -> None:
    outcome = traced(ENDLESS, seconds=3600, cpu_seconds=1)
    assert isinstance(outcome, Refused) and outcome.stage == "limits"


def test_tracing_ends_as_soon_as_it_is_asked_to_and_leaves_no_process() -> None:
    class Stopped(BaseException):
        pass

    looks = iter(range(5))

    def heed() -> None:
        if next(looks, None) is None:
            raise Stopped

    with pytest.raises(Stopped):
        traced(ENDLESS, seconds=3600, heed=heed)
    assert not [one for one in psutil.Process().children(recursive=True) if "-I" in one.cmdline()]
