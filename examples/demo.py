"""What `make demo` runs: both kinds of work, one after the other, as `trainyard pipeline` does them.

In one process, so that Prefect's temporary server is started once.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from make_digits import write_digits

from flows.__main__ import app, main

HERE = Path(__file__).resolve().parent
GRADING = (
    "--guides", HERE / "guides", "--submissions", HERE / "submissions", "--answers", HERE / "answers.csv",
    "--dataset", "demo", "--allow-rejects",
)  # fmt: skip
DIGITS = (
    "--dataset", "digits", "--strategy", "native",
    # Mirrored digits are none, and eight passes are enough to see the line at work.
    "--set", "flip=false", "--set", "epochs=8",
)  # fmt: skip


def run(*arguments: str | Path) -> None:
    print(f"\n$ trainyard pipeline {' '.join(map(_told, arguments))}", flush=True)
    main(lambda: app(["pipeline", *map(str, arguments)], standalone_mode=False))


def _told(argument: str | Path) -> str:
    return os.path.relpath(argument) if isinstance(argument, Path) else argument


if __name__ == "__main__":
    # Commands that are told to be copied name the program, not this file.
    sys.argv[0] = os.path.relpath(Path(sys.executable).with_name("trainyard"))
    home = Path(os.environ.get("TRAINYARD_HOME", Path.cwd() / ".trainyard"))
    run(*GRADING)
    run("--images", write_digits(home / "digits.zip"), *DIGITS)
