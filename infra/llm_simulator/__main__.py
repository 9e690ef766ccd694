"""`python -m infra.llm_simulator --port 0 --options '{"latency": 0.3}'`: a server in a process of its own.

Says its address in one line, then serves until its standard input closes or it is ended.
"""

from __future__ import annotations

import argparse
import json
import sys

from infra.llm_simulator.behaviour import behaviour_of
from infra.llm_simulator.server import Simulator


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--options", type=json.loads, default={})
    given = parser.parse_args()
    simulator = Simulator(behaviour_of(given.options), given.port).start()
    sys.stdout.write(f"{simulator.base_url}\n")
    sys.stdout.flush()
    # Whoever started it may be killed: then its end of the pipe closes, and no server is left behind.
    sys.stdin.read()
    simulator.stop()


if __name__ == "__main__":
    main()
