"""A process that is killed among thousands of requests has paid for nothing that the next one pays again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from domain.language_models import Reply
from infra.catalog import Catalog, upgrade
from tests.llm_client import language_models, questions
from tests.llm_server import simulator_process

N = 2000
CONCURRENCY = 32
ROOT = Path(__file__).parent.parent.parent

ASK = f"""
import sys
from pathlib import Path
from infra.catalog import Catalog
from tests.llm_client import language_models, questions
with Catalog.open(sys.argv[1]) as catalog:
    with language_models(sys.argv[2], catalog, Path(sys.argv[3]), llm_concurrency={CONCURRENCY}) as models:
        models.complete(questions({N}))
"""


def test_after_a_kill_only_what_was_under_way_is_asked_again(empty_catalog_url: str, tmp_path: Path) -> None:
    upgrade(empty_catalog_url)
    with simulator_process(latency=0.1) as server:
        command = [sys.executable, "-c", ASK, empty_catalog_url, server.base_url, str(tmp_path)]
        process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)})
        try:
            while server.counts()["received"] < N // 3:
                assert process.poll() is None
                time.sleep(0.05)
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()
        time.sleep(0.3)
        n_before = server.counts()["received"]
        assert N // 3 <= n_before < N * 0.9
        with (
            Catalog.open(empty_catalog_url) as catalog,
            language_models(server.base_url, catalog, tmp_path, llm_concurrency=CONCURRENCY) as models,
        ):
            answered = models.complete(questions(N))
        counts = server.counts()
    assert all(isinstance(one, Reply) for one in answered)
    assert sum(isinstance(one, Reply) and one.reused for one in answered) >= n_before - 1 - CONCURRENCY
    asked = counts["received"] - counts["by_schema"]["probe"]
    assert N <= asked <= N + CONCURRENCY
