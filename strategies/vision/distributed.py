"""One iteration spread over several processes (torchrun): each takes its part of every batch.

The processes get the checkpoint and the data as files, and give the next checkpoint back as one; so an
iteration stays a function from checkpoint to checkpoint, wherever it runs.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from torch import distributed
from torch.nn.parallel import DistributedDataParallel

from domain.errors import StrategyError
from domain.kinds import Kind, Split
from strategies.base import Checkpoint, Surroundings, VisionData
from strategies.vision.crew import Crew, end_with_launcher
from strategies.vision.hyperparameters import LoopHyperparameters
from strategies.vision.learner import new_learner
from strategies.vision.loop import Position, Share, train_pass
from strategies.vision.pace import Pace
from strategies.vision.pixels import read_pixels
from strategies.vision.training import Design, course_of, judged_checkpoint, seeded, train_iteration

_PLACE = Path(__file__).resolve().parents[2]
_SILENCE = timedelta(minutes=10)
"""After which a process that waits for another's part of a batch gives up."""


def next_checkpoint(
    checkpoint: Checkpoint, config: LoopHyperparameters, data: VisionData, design: Design, strategy: str
) -> Checkpoint:
    """One iteration, in this process or in several. Raises StrategyError when the training diverges."""
    workers = n_workers(config, data.surroundings.device)
    if workers > 1:
        return spread_iteration(checkpoint, data, strategy, workers)
    return train_iteration(checkpoint, config, data, design)


def n_workers(config: LoopHyperparameters, device: str) -> int:
    """How many processes train: the user's number, or one a CUDA device, or one."""
    if config.workers:
        return config.workers
    return max(1, torch.cuda.device_count()) if torch.device(device).type == "cuda" else 1


def spread_iteration(checkpoint: Checkpoint, data: VisionData, strategy: str, workers: int) -> Checkpoint:
    """The next checkpoint, made by `workers` processes; what they say when they fail is in the StrategyError.

    `strategy` is the name in the registry whose design they build.
    """
    data.surroundings.scratch.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=data.surroundings.scratch, prefix="spread-") as made:
        folder = Path(made)
        (folder / "before").write_bytes(checkpoint.to_bytes())
        data.rows.to_json(folder / "rows.json", orient="columns")
        (folder / "task.json").write_text(json.dumps(_described(data, strategy)), "utf-8")
        with Crew(workers, "strategies.vision.worker", [str(folder)], folder, _environment(workers)) as crew:
            code = crew.wait(data.surroundings.heed_stop)
        if (folder / "failure").is_file():
            raise StrategyError((folder / "failure").read_text("utf-8"))
        if code or not (folder / "after").is_file():
            raise StrategyError(f"{workers} processes could not train: {crew.last_words()}")
        return Checkpoint.from_file(folder / "after")


def _environment(workers: int) -> dict[str, str]:
    threads = max(1, torch.get_num_threads() // workers)
    # A user's network has to be found there as it was here.
    path = os.pathsep.join(dict.fromkeys([str(_PLACE), *filter(None, sys.path)]))
    return {**os.environ, "OMP_NUM_THREADS": str(threads), "PYTHONPATH": path}


def _described(data: VisionData, strategy: str) -> dict[str, Any]:
    # A part of an iteration has nobody to share it with.
    near = {name: value for name, value in vars(data.surroundings).items() if name != "spread"}
    return {
        "strategy": strategy,
        "images_path": str(data.images_path.resolve()),
        "classes": list(data.classes),
        "fingerprint": data.fingerprint,
        "promised_accuracy": data.promised_accuracy,
        # This process looks whether it is to stop, and ends the others.
        "surroundings": {**near, "scratch": str(data.surroundings.scratch.resolve()), "stop": None},
    }


def work(folder: Path, design_of: Callable[[str, Checkpoint, VisionData], tuple[Any, Design]]) -> None:
    """What each process does in `folder`; the first one writes the next checkpoint."""
    end_with_launcher()
    rank, local = int(os.environ["RANK"]), int(os.environ["LOCAL_RANK"])
    task = json.loads((folder / "task.json").read_text("utf-8"))
    on_cuda = torch.device(task["surroundings"]["device"]).type == "cuda"
    device = f"cuda:{local}" if on_cuda else "cpu"
    distributed.init_process_group("nccl" if on_cuda else "gloo", timeout=_SILENCE)
    try:
        data = _data(task, pd.read_json(folder / "rows.json", orient="columns", dtype=False), device)
        checkpoint = Checkpoint.from_file(folder / "before")
        config, design = design_of(task["strategy"], checkpoint, data)
        after = _trained(checkpoint, config, data, design, rank)
        if after is not None:
            (folder / "after").write_bytes(after.to_bytes())
    except StrategyError as error:
        (folder / "failure").write_text(str(error), "utf-8")
        raise  # so that torchrun ends the processes that wait for this one
    finally:
        distributed.destroy_process_group()


def _data(task: Mapping[str, Any], rows: pd.DataFrame, device: str) -> VisionData:
    near = {**task["surroundings"], "scratch": Path(task["surroundings"]["scratch"]), "device": device}
    near["language_models"] = tuple(near["language_models"])
    return VisionData(
        images_path=Path(task["images_path"]),
        rows=rows,
        classes=tuple(task["classes"]),
        fingerprint=task["fingerprint"],
        surroundings=Surroundings(**near),
        promised_accuracy=task["promised_accuracy"],
    )


def _trained(
    checkpoint: Checkpoint, config: LoopHyperparameters, data: VisionData, design: Design, rank: int
) -> Checkpoint | None:
    """As `training.train_iteration`, of one process among several; None but in the first."""
    device, n = data.surroundings.device, distributed.get_world_size()
    if torch.device(device).type == "cuda":
        torch.cuda.set_device(device)
    torch.set_flush_denormal(True)
    train = read_pixels(data, Split.TRAIN, device)
    pace = Pace.begin(config, len(train), checkpoint.state)
    position = Position(**checkpoint.state["position"])
    with seeded(config.seed, position.step * n + rank, device):
        learner = new_learner(design.build(), config, checkpoint.tensors, device, design.rate)
        wrapped = DistributedDataParallel(learner.network)
        course = replace(course_of(config, checkpoint.state, train, len(data.classes)), share=Share(rank, n))

        def agreed(ends: bool) -> bool:
            # Clocks differ a little: without asking, one process would wait for ever.
            if not config.budget_seconds:
                return ends
            told = torch.tensor([float(ends)], device=device)
            distributed.all_reduce(told, distributed.ReduceOp.MAX)
            return bool(told.item())

        position, loss = train_pass(learner, train, course, pace, position, wrapped, agreed)
    mean_loss = torch.tensor([loss], device=device)
    distributed.all_reduce(mean_loss)
    if rank:
        return None
    single = replace(course, share=Share())
    loss = float(mean_loss.item()) / n
    return judged_checkpoint(checkpoint, config, data, learner, single, pace, position, loss)


def design_of_strategy(
    name: str, checkpoint: Checkpoint, data: VisionData
) -> tuple[LoopHyperparameters, Design]:
    """What a strategy of the registry trains at this checkpoint."""
    from strategies.registry import strategy

    found: Any = strategy(Kind.VISION, name)
    config = found.Hyperparameters(**checkpoint.config)
    return config, found.design(checkpoint, config, data)
