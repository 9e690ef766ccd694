"""A small class set with known regularities, and a driver for strategies."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from strategies.base import Checkpoint, Embed, GradingData, Surroundings

GUIDES = {
    "plants": (
        "How do plants make food?",
        "Leaves absorb sunlight; roots take water; chlorophyll turns carbon dioxide into sugar.",
        ["leaves absorb sunlight", "roots take up water", "chlorophyll makes sugar of carbon dioxide"],
    ),
    "rust": (
        "Why does iron rust?",
        "Iron reacts with oxygen and moisture to form iron oxide.",
        ["reacts with oxygen", "needs moisture", "forms iron oxide"],
    ),
    "tides": (
        "What causes the tides?",
        "The gravity of the moon pulls the ocean and the earth rotates beneath the bulge.",
        ["gravity of the moon", "pulls the ocean", "the earth rotates"],
    ),
    "sound": (
        "How does sound reach the ear?",
        "A vibrating source compresses the air and the wave travels to the eardrum.",
        ["source vibrates", "compresses the air", "wave travels to the eardrum"],
    ),
}
FILLERS = [
    "I think",
    "well",
    "because",
    "in my opinion",
    "as we learned",
    "probably",
    "maybe",
    "it is known that",
]
WRONG = [
    "magic happens",
    "nobody knows",
    "it is always so",
    "the wind does it",
    "it eats soil",
    "by friction",
]


def items(*names: str) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "item_id": name,
            "guide": "Science",
            "number": str(place),
            "question": GUIDES[name][0],
            "model_answer": GUIDES[name][1],
            "max_score": 3.0,
            "criteria": [{"text": text, "marks": 1.0} for text in GUIDES[name][2]],
            "alternatives": [],
        }
        for place, name in enumerate(names, 1)
    )


def answers(*names: str, n: int = 40, seed: int = 1) -> pd.DataFrame:
    """`n` answers an item: each says some of the three points, and earns a mark for each."""
    dice = np.random.default_rng(seed)
    rows = []
    for name in names:
        for student in range(n):
            said = dice.random(3) < 0.5
            parts = [text for text, is_said in zip(GUIDES[name][2], said, strict=True) if is_said]
            parts += [str(dice.choice(WRONG))] * int(dice.random() < 0.4 or not parts)
            dice.shuffle(parts)
            text = f"{dice.choice(FILLERS)} {', '.join(parts)} {dice.integers(10_000)}"
            rows.append((f"{name}-{seed}-{student}", name, f"s{student}", text, float(said.sum())))
    frame = pd.DataFrame(rows, columns=["answer_id", "item_id", "student", "text", "gold"])
    frame["split"] = np.where(np.arange(len(frame)) % 5 == 4, "validation", "train")
    return frame.assign(max_score=3.0, second_gold=np.nan)


def dataset(scratch: Path, *names: str, n: int = 40, **surroundings: Any) -> GradingData:
    names = names or ("plants", "rust", "tides")
    return GradingData(
        items=items(*names),
        answers=answers(*names, n=n),
        fingerprint="-".join(names),
        surroundings=Surroundings(scratch=scratch, **surroundings),
    )


def embeddings_of(wish: Embed) -> np.ndarray:
    """What a remote model might answer: words hashed into 64 directions, the same for the same text."""
    table = np.random.default_rng(0).normal(size=(997, 64)).astype(np.float32)
    rows = [[sum(word.encode()) % 997 for word in text.lower().split()] or [0] for text in wish.texts]
    return np.stack([table[row].mean(axis=0) for row in rows]).astype(np.float32)


def step(strategy: Any, checkpoint: Checkpoint, data: GradingData) -> Checkpoint:
    """One iteration, with every wish for embeddings granted."""
    iteration = strategy.iterate(checkpoint, data)
    try:
        wish = next(iteration)
        while True:
            wish = iteration.send(embeddings_of(wish))
    except StopIteration as end:
        return end.value


def train(
    strategy: Any, config: Any, data: GradingData, after: Callable[[Checkpoint], Checkpoint] = lambda c: c
) -> Checkpoint:
    """The best checkpoint of a whole training; `after` sees and may replace each checkpoint."""
    checkpoint = best = strategy.start(config, data)
    while not checkpoint.done:
        checkpoint = after(step(strategy, checkpoint, data))
        best = checkpoint if checkpoint.metrics[strategy.objective] == checkpoint.best else best
    return best


def unpacked(files: dict[str, bytes], folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder
