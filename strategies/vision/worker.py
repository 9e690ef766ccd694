"""One of the processes that share an iteration: `torchrun -m strategies.vision.worker FOLDER`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from strategies.vision.distributed import design_of_strategy, work

if __name__ == "__main__":
    work(Path(sys.argv[1]), design_of_strategy)
    # The work is written. At exit the threads of gloo are now and then destroyed while they run, which
    # aborts the process ("terminate called without an active exception") and would fail the iteration.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)
