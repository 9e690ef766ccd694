"""The program that readers are forked from (`infra.forking`): it has their libraries in memory.

Its arguments are what its readers read (`Program`) and how much memory each may take, in bytes. A reader
walls itself in (`infra.reader_walls`) before its first file.
"""

from __future__ import annotations

import json
import os
import sys
from enum import StrEnum
from importlib import import_module

from infra.forking import serve_forks
from infra.reader_walls import MEMORY_BYTES, raise_walls

READY = "ready "
"""How a reader's first line begins; the walls that its system does not have follow, as JSON."""


class Program(StrEnum):
    """What readers read, and by which module: it has `warm_up()` and `serve(requests, replies)`."""

    DOCUMENTS = "domain.documents.reader"
    PICTURES = "domain.vision.reader"


def main() -> None:
    program = import_module(Program(sys.argv[1]) if len(sys.argv) > 1 else Program.DOCUMENTS)
    memory_bytes = int(sys.argv[2]) if len(sys.argv) > 2 else MEMORY_BYTES

    def read(serving: int, _: int) -> None:
        with os.fdopen(serving) as requests, os.fdopen(os.dup(serving), "w") as replies:
            missing = raise_walls(memory_bytes)
            replies.write(f"{READY}{json.dumps(missing)}\n")
            replies.flush()
            program.serve(requests, replies)

    serve_forks(program.warm_up, read)


if __name__ == "__main__":
    main()
