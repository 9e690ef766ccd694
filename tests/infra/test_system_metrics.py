"""System metrics of a run."""

from __future__ import annotations

import time
from pathlib import Path

from infra.system_metrics import unwatch, watch
from infra.tracking import Tracking


def test_a_run_has_the_machines_load_while_it_runs(tmp_path: Path) -> None:
    tracking = Tracking(f"sqlite:///{tmp_path}/mlflow.db", str(tmp_path / "artifacts"))
    run_id = tracking.start_or_reopen("grading", "native", {})
    watch(tracking.tracking_uri, run_id, seconds=0.5)
    watch(tracking.tracking_uri, run_id, seconds=0.5)
    deadline = time.monotonic() + 60
    while "system/cpu_utilization_percentage" not in tracking.metrics(run_id):
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.5)
    unwatch(run_id)
    unwatch(run_id)
    assert tracking.metrics(run_id)["system/system_memory_usage_percentage"] > 0
