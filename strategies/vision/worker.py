"""One of the processes that share an iteration: `torchrun -m strategies.vision.worker FOLDER`."""

from __future__ import annotations

import sys
from pathlib import Path

from strategies.vision.distributed import design_of_strategy, work

if __name__ == "__main__":
    work(Path(sys.argv[1]), design_of_strategy)
