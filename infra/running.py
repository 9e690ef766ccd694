"""Which servers are up for a home: `home/servers.json`, believed only where its processes live."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from infra.processes import Identity


@dataclass(frozen=True)
class Running:
    """Servers that answer. `processes` are those that are ours; `supervisor` is who stops them."""

    prefect_url: str
    mlflow_url: str
    supervisor: Identity
    processes: tuple[Identity, ...]

    @property
    def prefect_api_url(self) -> str:
        return f"{self.prefect_url}/api"


def running(home: Path) -> Running | None:
    """What `up` started for this home and is still there; None when nothing is, or only remains."""
    found = recorded(home)
    if found is None or not all(one.process() for one in (found.supervisor, *found.processes)):
        return None
    return found


def state_file(home: Path) -> Path:
    return home / "servers.json"


def record(home: Path, running_now: Running) -> None:
    fresh = state_file(home).with_suffix(".new")
    fresh.write_text(json.dumps(asdict(running_now), indent=2))
    fresh.replace(state_file(home))


def recorded(home: Path) -> Running | None:
    try:
        told = json.loads(state_file(home).read_text())
        return Running(
            told["prefect_url"],
            told["mlflow_url"],
            Identity(**told["supervisor"]),
            tuple(Identity(**one) for one in told["processes"]),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None
