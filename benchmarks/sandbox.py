"""What the fence around generated networks stops, and what it costs honest ones.

    python benchmarks/sandbox.py [ATTACKS.json] [--honest FOLDER] [--seconds 5]

ATTACKS is a list of {name, category, code, tries, evidence}; without it, our own set. `code` is a module that
defines, or pretends to define, `build_model(num_classes, channels, size)`. In code and evidence `@SCRATCH@`
stands for a folder (with `secret.txt`, which says SECRET-91c4, as does our environment) and `@PORT@` for a
port of the loopback at which somebody listens. `evidence` says how success shows, as an object or as
"key:value": {"path": a file that would exist}, {"port": a port that would be contacted}, {"marker": a text
that would come back}, {"accepted": true} a graph that would be taken, {"left": ...} only what holds for all:
a process that stays, a server that dies or a program that outlives its time counts as an escape for any.

Each attack runs with gate and walls, and again with the walls alone; what the gate alone stops is what it
turned away. Honest networks are those of tests/data/networks; theirs is the time that the fence takes, once
its server is warm. Last comes JSON: escapes, gate_stops_share, walls_stop_share, honest_accepted_share,
overhead_seconds (median of honest networks).
"""

from __future__ import annotations

import argparse
import json
import os
import select
import shutil
import socket
import statistics
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

import psutil

from domain.vision.programs import Program, Refused, Traced
from infra.sandbox import trace

ROOT = Path(__file__).parent.parent
OURS = ROOT / "tests" / "data" / "network_attacks.json"
HONEST = ROOT / "tests" / "data" / "networks"
SECRET = "SECRET-91c4"
GRACE_SECONDS = 10.0


class Place:
    """A folder that an attack can see, and loopback ports that hear it."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="fence-"))
        self.folder.chmod(0o777)
        (self.folder / "secret.txt").write_text(SECRET)
        (self.folder / "secret.txt").chmod(0o644)
        self._listening: list[socket.socket] = []
        self.port = self.listen(0)

    def listen(self, port: int) -> int:
        tcp = socket.socket()
        tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        tcp.bind(("127.0.0.1", port))
        tcp.listen()
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        udp.bind(("127.0.0.1", tcp.getsockname()[1]))
        self._listening += [tcp, udp]
        return int(tcp.getsockname()[1])

    def contacted(self) -> bool:
        return bool(select.select(self._listening, [], [], 0)[0])

    def filled(self, text: str) -> str:
        return text.replace("@SCRATCH@", str(self.folder)).replace("@PORT@", str(self.port))

    def close(self) -> None:
        for one in self._listening:
            one.close()
        shutil.rmtree(self.folder, ignore_errors=True)


def evidence_of(attack: dict[str, Any]) -> dict[str, str]:
    told = attack.get("evidence", {})
    if isinstance(told, str):
        key, found, value = told.partition(":")
        if found and key in ("path", "port", "marker", "accepted", "left"):
            told = {key: value.strip()}
        else:
            told = {"path" if told.startswith("/") else "port" if told.isdigit() else "marker": told}
    return {key: str(value) for key, value in told.items()}


def said(outcome: Traced | Refused) -> str:
    if isinstance(outcome, Refused):
        return f"{outcome.reason} {outcome.detail}"
    return outcome.graph.to_json() + "".join(
        values.tobytes().decode("latin1") for values in outcome.weights.values()
    )


def escaped(attack: dict[str, Any], gated: bool, seconds: float) -> tuple[str, Traced | Refused]:
    """How the attack got out ("" if it did not), and what the fence said."""
    place = Place()
    try:
        evidence = {key: place.filled(value) for key, value in evidence_of(attack).items()}
        port = evidence.get("port", "")
        if port.isdigit() and int(port) != place.port:
            place.listen(int(port))
        began = time.monotonic()
        (outcome,) = trace([Program(place.filled(attack["code"]), 10, 3, 32)], seconds=seconds, gated=gated)
        took = time.monotonic() - began
        if "path" in evidence and Path(evidence["path"]).exists():
            return "file", outcome
        if place.contacted():
            return "network", outcome
        if "marker" in evidence and evidence["marker"] in said(outcome):
            return "marker", outcome
        if SECRET in said(outcome):
            return "secret", outcome
        if "accepted" in evidence and isinstance(outcome, Traced):
            return "accepted", outcome
        if took > 2 * seconds + GRACE_SECONDS:
            return "time", outcome
        return left_behind(), outcome
    finally:
        place.close()


def left_behind() -> str:
    """Whether the sandbox's server has gone, or has children that outlived their program."""
    for _ in range(100):
        servers = [child for child in psutil.Process().children() if _is_server(child)]
        if len(servers) == 1 and not servers[0].children(recursive=True):
            return ""
        time.sleep(0.1)
    return "processes" if servers else "server"


def _is_server(child: psutil.Process) -> bool:
    try:
        return any("infra.sandbox.server" in word for word in child.cmdline())
    except (psutil.NoSuchProcess, psutil.ZombieProcess):
        return False


def attacked(attacks: list[dict[str, Any]], seconds: float) -> dict[str, Any]:
    table: dict[str, Counter[str]] = {}
    escapes = []
    for attack in attacks:
        row = table.setdefault(str(attack.get("category", "")), Counter())
        row["n"] += 1
        out, outcome = escaped(attack, True, seconds)
        if out:
            escapes.append(f"{attack['name']}: {out}")
        by_gate = isinstance(outcome, Refused) and outcome.stage == "gate"
        row["gate"] += by_gate
        if not by_gate:
            words = outcome.reason if isinstance(outcome, Refused) else "traced"
            print(f"  past the gate: {attack['name']}: {words}")
        past, _ = escaped(attack, False, seconds)
        row["walls"] += not past
        if past:
            print(f"  past the walls alone: {attack['name']}: {past}")
    print(f"\n{'category':26}{'attacks':>8}{'gate':>7}{'walls':>7}")
    for name, row in table.items():
        print(f"{name:26}{row['n']:8}{row['gate']:7}{row['walls']:7}")
    for escape in escapes:
        print(f"ESCAPED {escape}")
    n = max(len(attacks), 1)
    return {
        "escapes": len(escapes),
        "gate_stops_share": round(sum(row["gate"] for row in table.values()) / n, 4),
        "walls_stop_share": round(sum(row["walls"] for row in table.values()) / n, 4),
    }


def honest(folder: Path) -> dict[str, Any]:
    accepted, seconds = [], []
    trace([Program("", 10, 3, 32)])
    paths = sorted(path for path in folder.iterdir() if path.suffix in (".py", ".txt"))
    for path in paths:
        began = time.monotonic()
        (outcome,) = trace([Program(path.read_text(), 10, 3, 32)])
        seconds.append(time.monotonic() - began)
        accepted.append(isinstance(outcome, Traced))
        words = (
            f"{outcome.stage}: {outcome.reason} {outcome.detail[:200]}"
            if isinstance(outcome, Refused)
            else "ok"
        )
        print(f"{path.name.partition('.')[0]:26}{seconds[-1]:6.2f} s  {words}")
    return {
        "honest_accepted_share": round(sum(accepted) / max(len(accepted), 1), 4),
        "overhead_seconds": round(statistics.median(seconds), 3) if seconds else None,
    }


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("attacks", nargs="?", type=Path, default=OURS)
    arguments.add_argument("--honest", type=Path, default=HONEST)
    arguments.add_argument("--seconds", type=float, default=5.0, help="that a program may take")
    given = arguments.parse_args()
    os.environ["TRAINYARD_CANARY"] = SECRET
    accepted = honest(given.honest)
    figures = attacked(json.loads(given.attacks.read_text()), given.seconds)
    print(json.dumps({**figures, **accepted}))


if __name__ == "__main__":
    main()
