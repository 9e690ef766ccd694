"""This side of the fence: sends programs to walled children, believes nothing that comes back."""

from __future__ import annotations

import atexit
import json
import logging
import math
import os
import secrets
import sys
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar, get_args

import numpy as np

from domain.errors import InputError, OutsideError
from domain.vision.graph import LONGEST_JSON, NetworkGraph, parse_graph
from domain.vision.programs import Figures, NetworkLimits, Program, Refused, Stage, Traced
from domain.vision.weights import arrays
from infra.fork_server import ForkServer
from infra.sandbox.messages import LENGTH
from infra.sandbox.properties import PROPERTIES, WALLS

log = logging.getLogger(__name__)

_T = TypeVar("_T")
DEFAULT_SECONDS = 60.0
_ROOT = Path(__file__).parent.parent.parent
_START = "import sys; sys.path.insert(0, sys.argv[1]); from infra.sandbox.server import main; main()"
_START_SECONDS = 180.0
"""Importing torch and warming up takes 5 to 15 s, more on a busy machine."""
_HEEDED_EVERY = 0.2
_LONGEST_ANSWER = 2 * LONGEST_JSON
"""Bytes: a graph as text inside JSON, in which its quotation marks are escaped."""


def trace(
    programs: Sequence[Program],
    limits: NetworkLimits | None = None,
    *,
    seconds: float = DEFAULT_SECONDS,
    cpu_seconds: float | None = None,
    without: Collection[str] = (),
    gated: bool = True,
    n_children: int | None = None,
    heed: Callable[[], None] = lambda: None,
) -> list[Traced | Refused]:
    """Each program as graphs and initial weights, or refused; in order.

    `seconds` are each program's, of the wall clock, `cpu_seconds` of the processor (None for as many).
    `without` names walls that are not put up and properties that need not hold (`properties.WALLS`,
    `PROPERTIES`): the user's own choice. `gated=False` leaves the gate out, which serves to measure what the
    walls stop alone. `heed` is called all the while: what it raises ends the children. Raises OutsideError
    when the server does not start, InputError for an unknown name in `without`.
    """
    if unknown := sorted(set(without) - {*WALLS, *PROPERTIES}):
        known = ", ".join((*WALLS, *PROPERTIES))
        raise InputError(f"the sandbox has no wall or property {unknown[0]!r} to do without: use {known}")
    terms = _Terms(limits or NetworkLimits(), seconds, cpu_seconds or seconds, tuple(sorted(without)), gated)
    n = n_children or max(1, min(len(programs), (os.cpu_count() or 2) // 2))
    with ThreadPoolExecutor(n, thread_name_prefix="sandbox") as threads:
        try:
            _awaited([threads.submit(_ready)], heed)
            return _awaited([threads.submit(_traced, program, terms) for program in programs], heed)
        except BaseException:
            threads.shutdown(wait=False, cancel_futures=True)
            # The threads wait for the answers of its children.
            stop()
            raise


def _awaited(found: Sequence[Future[_T]], heed: Callable[[], None]) -> list[_T]:
    while wait(found, _HEEDED_EVERY).not_done:
        heed()
    return [one.result() for one in found]


def warm_up() -> None:
    """Begins the start of the server, which takes seconds; returns at once."""
    _server().start()


def stop() -> None:
    """Ends the server and its children; the next `trace` starts it again."""
    _server().stop()
    _ready.cache_clear()


@dataclass(frozen=True)
class _Terms:
    limits: NetworkLimits
    seconds: float
    cpu_seconds: float
    without: tuple[str, ...]
    gated: bool


class _EndedError(Exception):
    """The child ended, or was ended, without an answer. `late`: its time was over."""

    def __init__(self, *, late: bool = False) -> None:
        self.late = late


@lru_cache(maxsize=1)
def _server() -> ForkServer:
    server = ForkServer((sys.executable, "-I", "-X", "utf8", "-c", _START, str(_ROOT)), _environment)
    atexit.register(server.stop)
    return server


def _environment() -> Mapping[str, str]:
    """Nothing but what keeps linear algebra from starting threads, and how libraries are found."""
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    kept = {name: os.environ[name] for name in ("LD_LIBRARY_PATH",) if name in os.environ}
    return {**threads, **kept}


@lru_cache(maxsize=1)
def _ready() -> None:
    """Waits until the server has warmed up, so that no program pays for it. Raises OutsideError."""
    try:
        with _Child(_START_SECONDS) as child:
            child.send({"memory_bytes": 1 << 30, "seconds": 60, "without": [], "gated": True})
            child.receive(_LONGEST_ANSWER)
    except _EndedError as error:
        _server().stop()
        raise OutsideError(
            "the sandbox for generated code does not start: "
            f"`{sys.executable} -c 'from infra.sandbox.server import warm_up; warm_up()'` says why"
        ) from error


class _Child:
    """One walled process, ended when left."""

    def __init__(self, seconds: float) -> None:
        self._deadline = time.monotonic() + seconds
        self._number, self._socket = _server().fork()

    def __enter__(self) -> _Child:
        return self

    def __exit__(self, *_: object) -> None:
        # Always: what it may have started ends with it.
        _server().kill(self._number)
        self._socket.close()

    def send(self, told: Mapping[str, Any], content: bytes | None = None) -> None:
        messages = [json.dumps(told).encode(), *([content] if content is not None else [])]
        try:
            for message in messages:
                self._wait()
                self._socket.sendall(LENGTH.pack(len(message)))
                self._socket.sendall(message)
        except TimeoutError as error:
            raise _EndedError(late=True) from error
        except OSError as error:
            raise _EndedError from error

    def receive(self, longest: int) -> bytes:
        """The next message. Raises _EndedError; a message longer than `longest` ends the child too."""
        (length,) = LENGTH.unpack(self._exactly(LENGTH.size))
        if length > longest:
            raise _EndedError
        return self._exactly(length)

    def _exactly(self, length: int) -> bytes:
        parts = []
        while length:
            self._wait()
            try:
                part = self._socket.recv(min(length, 1 << 20))
            except TimeoutError as error:
                raise _EndedError(late=True) from error
            except OSError as error:
                raise _EndedError from error
            if not part:
                raise _EndedError
            parts.append(part)
            length -= len(part)
        return b"".join(parts)

    def _wait(self) -> None:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise _EndedError(late=True)
        self._socket.settimeout(left)


def _traced(program: Program, terms: _Terms) -> Traced | Refused:
    try:
        with _Child(terms.seconds) as child:
            answer = _asked(child, program, terms)
            if isinstance(answer, Refused):
                return answer
            graph, weights = _claimed(child, answer, terms.limits)
    except _EndedError as error:
        return _ended(error, terms)
    except InputError as error:
        return Refused(str(error), "graph")
    return _examined(program, graph, weights, terms)


def _ended(error: _EndedError, terms: _Terms) -> Refused:
    if error.late:
        return Refused(
            f"the program took more than {terms.seconds:.0f} s: make the network smaller", "limits"
        )
    return Refused(
        "the program's process was ended: it took too much memory or time, or did what is not allowed",
        "limits",
    )


def _asked(
    child: _Child, program: Program, terms: _Terms, graph: str | None = None, weights: bytes | None = None
) -> dict[str, Any] | Refused:
    """The child's answer to a job, once its walls are proved."""
    limits = terms.limits
    settings = {
        "memory_bytes": limits.memory_bytes,
        "seconds": math.ceil(terms.cpu_seconds),
        "without": [name for name in terms.without if name in WALLS],
        "gated": terms.gated,
    }
    child.send(settings)
    if refused := _unproved(json.loads(child.receive(_LONGEST_ANSWER)), terms.without):
        return refused
    nonce = secrets.token_hex(16)
    job: dict[str, Any] = {"nonce": nonce, "limits": asdict(limits), "program": asdict(program)}
    if graph is not None:
        job |= {"graph": graph, "program": asdict(replace(program, code=""))}
    child.send(job, weights)
    return _answer(child.receive(_LONGEST_ANSWER), nonce)


def _unproved(proof: Mapping[str, Any], without: Collection[str]) -> Refused | None:
    lacking = {name: what for name, what in proof["lacking"].items() if name not in without}
    for problem in proof["missing"]:
        _tell_missing(problem)
    if not lacking:
        return None
    found = "; ".join(f"{PROPERTIES[name]} ({what})" for name, what in lacking.items())
    walls = f" [{'; '.join(proof['missing'])}]" if proof["missing"] else ""
    return Refused(
        f"generated code is not run on this system, as it could not be walled in: {found}{walls}. Use Linux "
        f"with seccomp and Landlock, or do without by name: {', '.join(lacking)}",
        "walls",
    )


@lru_cache(maxsize=16)
def _tell_missing(problem: str) -> None:
    log.warning("generated code runs behind one wall less: %s", problem)


def _answer(content: bytes, nonce: str) -> dict[str, Any] | Refused:
    """What a child says, as far as it has the form of an answer. Raises InputError."""
    try:
        told = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise InputError("the program's process gave an answer that is not JSON") from error
    if not isinstance(told, dict) or not secrets.compare_digest(
        str(told.get("nonce")).encode(), nonce.encode()
    ):
        raise InputError("the program's process gave an answer that is not to this job")
    refused = told.get("refused")
    if refused is None:
        return told
    if not isinstance(refused, dict) or refused.get("stage") not in get_args(Stage):
        raise InputError("the program's process gave a refusal without a reason")
    return Refused(str(refused.get("reason"))[:500], refused["stage"], str(refused.get("detail"))[:2000])


def _claimed(
    child: _Child, answer: Mapping[str, Any], limits: NetworkLimits
) -> tuple[NetworkGraph, dict[str, np.ndarray]]:
    """The graph and weights of a trace, checked. Raises InputError, _EndedError."""
    text = answer.get("graph")
    if not isinstance(text, str):
        raise InputError("the program's process gave an answer without a graph")
    graph = parse_graph(text, limits.n_nodes, limits.n_parameters)
    content = child.receive(sum(spec.n_bytes for spec in graph.tensors.values()))
    return graph, arrays(graph, content)


def _examined(
    program: Program, graph: NetworkGraph, weights: Mapping[str, np.ndarray], terms: _Terms
) -> Traced | Refused:
    """The graph with what another child found of it, which never ran the program."""
    content = b"".join(weights[name].tobytes() for name in graph.tensors)
    try:
        with _Child(terms.seconds) as child:
            answer = _asked(child, program, terms, graph.to_json(), content)
            if isinstance(answer, Refused):
                return answer
            figures, warnings = Figures(**answer["figures"]), tuple(answer["warnings"])
    except _EndedError as error:
        return _ended(error, terms)
    # An operator that goes wrong can only have spoilt the answer of its own process.
    except (InputError, KeyError, TypeError) as error:
        return Refused("the graph could not be examined: use usual layers", "graph", str(error)[:500])
    return Traced(graph, weights, figures, warnings)
