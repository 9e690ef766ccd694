"""The program that readers are forked from (`infra.forking`): it has the formats' libraries in memory.

A reader walls itself in (`infra.reader_walls`) before its first file.
"""

from __future__ import annotations

import json
import os
import sys

from domain.documents.reader import serve, warm_up
from infra.forking import serve_forks
from infra.reader_walls import MEMORY_BYTES, raise_walls

READY = "ready "
"""How a reader's first line begins; the walls that its system does not have follow, as JSON."""


def main() -> None:
    memory_bytes = int(sys.argv[1]) if len(sys.argv) > 1 else MEMORY_BYTES

    def read(serving: int, _: int) -> None:
        with os.fdopen(serving) as requests, os.fdopen(os.dup(serving), "w") as replies:
            missing = raise_walls(memory_bytes)
            replies.write(f"{READY}{json.dumps(missing)}\n")
            replies.flush()
            serve(requests, replies)

    serve_forks(warm_up, read)


if __name__ == "__main__":
    main()
