"""Processes that share one iteration (torchrun): started, waited for, and gone when this one is.

Their standard input is the reading end of a pipe that only this process can write to. The kernel closes
it when this process ends, with -9 too; every one of them that sees the end of its input ends itself.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[2]
_ASKED_EVERY = 0.1
_GRACE = 5.0
"""Seconds in which a crew whose pipe is closed has to be gone before its launcher is killed."""
_MOST_TOLD = 2000


class Crew:
    """`n` processes of the module `member`, each called with `arguments`; at the end of `with` they end."""

    def __init__(
        self, n: int, member: str, arguments: Sequence[str], place: Path, environment: Mapping[str, str]
    ) -> None:
        self._said = place / "said"
        command = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
        command += ["--nproc-per-node", str(n), "-m", member, *arguments]
        with self._said.open("wb") as output:
            self._launcher = subprocess.Popen(
                command,
                cwd=_ROOT,
                env=dict(environment),
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=output,
                # Ctrl-C is for this process alone, which then ends the crew.
                start_new_session=True,
            )

    def __enter__(self) -> Crew:
        return self

    def __exit__(self, *_: object) -> None:
        if self._launcher.stdin:
            self._launcher.stdin.close()
        self._launcher.terminate()
        try:
            self._launcher.wait(_GRACE)
        except subprocess.TimeoutExpired:
            self._launcher.kill()
            self._launcher.wait()

    def wait(self, check: Callable[[], None]) -> int:
        """The launcher's exit code. `check` is called all the while: what it raises ends the waiting."""
        while self._launcher.poll() is None:
            check()
            time.sleep(_ASKED_EVERY)
        return self._launcher.returncode

    def last_words(self) -> str:
        return self._said.read_text("utf-8", "replace").strip()[-_MOST_TOLD:]


def end_with_launcher() -> None:
    """In a member of a crew: from now on this process ends as soon as the one that wants its work has."""

    def watch() -> None:
        while os.read(0, 1):
            pass
        os._exit(1)

    threading.Thread(target=watch, name="launcher", daemon=True).start()
