"""What asking language models costs: rate kept under a limit, overhead, repeats; and what training gains.

    python benchmarks/llm.py [--only rate|overhead|training] [--quick]

Against the simulator in a process of its own. Prints a line a measurement and, last, JSON:
rate_share, overhead_ratio, repeat_calls, repeat_time_share, qwk_gain_min, cost_usd (null for what was
not run).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from sqlalchemy import select

from domain.language_models import Message, Reply, Request
from infra.catalog import Catalog, upgrade
from infra.catalog.reply_tables import StoredReply
from infra.llm import LanguageModels
from infra.settings import Settings
from strategies.grading.llm.prompt import SCHEMA
from tests.llm_server import SimulatorProcess, simulator_process

LATENCY_SECONDS = 0.3
CONCURRENCY = 64
MODEL = "simulated-1"
SYSTEM = "Tick the marking points that the answer earns, with a quotation for each. " * 8


def requests(tag: str, n: int) -> list[Request]:
    """Requests as grading makes them: about 350 tokens, each its own."""
    return [
        Request(
            (
                Message("system", SYSTEM),
                Message("user", f"{tag}, answer {i}: plants turn light into sugar. " * 12),
            ),
            schema=SCHEMA,
            schema_name="benchmark",
            purpose="benchmark",
        )
        for i in range(n)
    ]


def database(folder: Path) -> str:
    return f"sqlite:///{folder / 'catalog.db'}"


@contextmanager
def client(
    server: SimulatorProcess, folder: Path, concurrency: int = CONCURRENCY
) -> Iterator[LanguageModels]:
    """Our client with a catalog of its own, its endpoint probed."""
    upgrade(database(folder))
    settings = Settings(
        _env_file=None,
        home=folder,
        llm_base_url=server.base_url,
        llm_models=f"compatible:{MODEL}",
        llm_concurrency=concurrency,
    )
    with Catalog.open(database(folder)) as catalog:
        models = LanguageModels.open(settings, catalog)
        models.complete(requests("warming up", 1))
        try:
            yield models
        finally:
            models.close()


@dataclass(frozen=True)
class Rate:
    share: float
    overall: float
    n_lost: int
    n_paid_twice: int
    n_limited: int
    repeat_calls: int
    repeat_time_share: float


def measure_rate(limit: float, n: int) -> Rate:
    """The rate kept under `limit` requests a second, and what the same run costs again."""
    with (
        tempfile.TemporaryDirectory() as folder,
        simulator_process(latency=LATENCY_SECONDS, requests_per_second=limit, burst_seconds=0.5) as server,
        client(server, Path(folder)) as models,
    ):
        asked = requests("rate", n)
        answered, seconds = timed(lambda: models.complete(asked))
        counts = server.counts()
        arrived = arrivals(database(Path(folder)))
        again, seconds_again = timed(lambda: models.complete(asked))
        after = server.counts()
    lost = sum(not isinstance(one, Reply) for one in answered)
    if answered != again:
        raise SystemExit("the repeat gave other replies")
    # The first replies come in a burst, before the limit is known: the rest is what can be sustained.
    steady = arrived[len(arrived) // 10 :]
    return Rate(
        share=(len(steady) - 1) / (steady[-1] - steady[0]) / limit,
        overall=n / seconds / limit,
        n_lost=lost,
        n_paid_twice=counts["answered_twice"],
        n_limited=counts["by_outcome"].get("over_limit", 0),
        repeat_calls=after["received"] - counts["received"],
        repeat_time_share=seconds_again / seconds,
    )


def arrivals(database: str) -> list[float]:
    """When each reply came, in seconds, from the reply table."""
    with Catalog.open(database) as catalog, catalog.reading() as connection:
        moments = connection.execute(
            select(StoredReply.created_at).where(StoredReply.purpose == "benchmark")
        ).scalars()
        return sorted(moment.timestamp() for moment in moments)[1:]


def measure_overhead(latency: float, n: int, concurrency: int, turns: int) -> tuple[float, list[str]]:
    """Our wall time a request over a bare loop's on the same SDK, the median of interleaved turns."""
    ratios, lines = [], []
    with (
        tempfile.TemporaryDirectory() as folder,
        simulator_process(latency=latency) as server,
        client(server, Path(folder), concurrency) as models,
    ):
        bare(server.base_url, requests("bare warming up", concurrency), concurrency)
        for turn in range(turns):
            theirs, ours = requests(f"bare {turn}", n), requests(f"ours {turn}", n)
            order: list[Callable[[], float]] = [
                lambda theirs=theirs: timed(lambda: bare(server.base_url, theirs, concurrency))[1],  # type: ignore[misc]
                lambda ours=ours: timed(lambda: models.complete(ours))[1],  # type: ignore[misc]
            ]
            if turn % 2:
                bare_seconds, our_seconds = reversed([work() for work in reversed(order)])
            else:
                bare_seconds, our_seconds = (work() for work in order)
            ratios.append(our_seconds / bare_seconds)
            lines.append(
                f"    bare {bare_seconds / n * 1000:.2f} ms, ours {our_seconds / n * 1000:.2f} ms a request"
            )
    return statistics.median(ratios), lines


def bare(base_url: str, asked: list[Request], concurrency: int) -> list[Any]:
    """The least one can do with the SDK: a semaphore, a gather, no table, no retry, no check."""
    from openai import AsyncOpenAI

    form = {"type": "json_schema", "json_schema": {"name": "benchmark", "schema": SCHEMA, "strict": True}}

    async def run() -> list[Any]:
        slots = asyncio.Semaphore(concurrency)
        async with AsyncOpenAI(api_key="none", base_url=base_url, max_retries=0) as sdk:

            async def one(request: Request) -> Any:
                async with slots:
                    reply = await sdk.chat.completions.create(
                        model=MODEL,
                        messages=[{"role": m.role, "content": m.content} for m in request.messages],  # type: ignore[misc]
                        max_tokens=request.max_tokens,
                        temperature=request.temperature,
                        response_format=form,  # type: ignore[arg-type]
                    )
                    return json.loads(reply.choices[0].message.content or "")

            return await asyncio.gather(*(one(request) for request in asked))

    return asyncio.run(run())


def timed(work: Callable[[], Any]) -> tuple[Any, float]:
    begun = time.perf_counter()
    done = work()
    return done, time.perf_counter() - begun


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=("rate", "overhead", "training"))
    parser.add_argument("--quick", action="store_true", help="a quarter of the requests")
    options = parser.parse_args()
    size = 0.25 if options.quick else 1.0
    result: dict[str, Any] = dict.fromkeys(
        ("rate_share", "overhead_ratio", "repeat_calls", "repeat_time_share", "qwk_gain_min", "cost_usd")
    )
    if options.only in (None, "rate"):
        result |= rates(size)
    if options.only in (None, "overhead"):
        result["overhead_ratio"] = overheads(size)
    if options.only in (None, "training"):
        from benchmarks.llm_training import measure_gain

        gain = measure_gain()
        result |= {name: gain[name] for name in ("qwk_gain_min", "cost_usd")}
    print(json.dumps(result))


def rates(size: float) -> dict[str, Any]:
    shares, calls, times = [], 0, []
    for limit, n in ((100.0, 2000), (20.0, 600)):
        n = int(n * size)
        told = measure_rate(limit, n)
        print(
            f"limit {limit:g}/s, {n} requests: {told.share:.1%} of it sustained ({told.overall:.1%} from "
            f"first to last), {told.n_lost} lost, {told.n_paid_twice} paid twice, {told.n_limited} early; "
            f"again: {told.repeat_calls} calls, {told.repeat_time_share:.2%} of the time"
        )
        if told.n_lost or told.n_paid_twice:
            raise SystemExit("replies were lost or paid for twice")
        shares.append(min(told.share, told.overall))
        times.append(told.repeat_time_share)
        calls += told.repeat_calls
    return {
        "rate_share": round(min(shares), 4),
        "repeat_calls": calls,
        "repeat_time_share": round(max(times), 4),
    }


def overheads(size: float) -> float:
    ratio, lines = measure_overhead(LATENCY_SECONDS, int(640 * size), CONCURRENCY, 4)
    print(f"overhead at {LATENCY_SECONDS * 1000:.0f} ms, {CONCURRENCY} at once: {ratio:.3f} of a bare loop")
    print(*lines, sep="\n")
    bound, lines = measure_overhead(0.0, int(640 * size), 16, 4)
    print(f"overhead without latency, 16 at once (the processor is the limit): {bound:.3f} of a bare loop")
    print(*lines, sep="\n")
    return round(ratio, 4)


if __name__ == "__main__":
    main()
