"""Computations in parts: what travels comes back as it was, and the whole equals one process's."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from domain.errors import StrategyError
from domain.kinds import Split
from strategies.base import Surroundings
from strategies.grading.encoder_export import exported_encoder, find_encoder
from strategies.grading.spread_embedding import embed, embed_part
from strategies.spreading import Part, Work, name_of, work_named
from strategies.vision.loop import Course
from strategies.vision.networks import build_network
from strategies.vision.pixels import channel_moments, read_pixels
from strategies.vision.spread_features import Origin, features
from tests.strategies.gallery import gallery

TEXTS = [f"{'roots take up water ' * (n % 7)}{n} leaves absorb sunlight" for n in range(60)]


class Courier:
    """Others' processes, as far as a strategy sees of them: parts and names go there as bytes."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.n_parts = folder, 0

    def __call__(
        self, work: Work, files: Mapping[str, Path], parts: Iterable[Part], heed: Callable[[], None]
    ) -> list[np.ndarray]:
        found = []
        for part in reversed(list(parts)):
            self.n_parts += 1
            place = self.folder / f"part-{self.n_parts}"
            place.write_bytes(part.to_bytes())
            # Files come under the names of a store, which has no suffixes.
            copies = {name: place.with_name(f"{place.name}-{n}") for n, name in enumerate(files)}
            for name, copy in copies.items():
                copy.write_bytes(files[name].read_bytes())
            found.append(work_named(name_of(work))(copies, Part.from_file(place)))
        return found[::-1]


def test_texts_embedded_in_parts_are_embedded_as_by_one_process(tmp_path: Path) -> None:
    encoder = exported_encoder(find_encoder("auto"), tmp_path)
    courier = Courier(tmp_path)
    shared = embed(TEXTS, encoder, Surroundings(tmp_path, spread=courier))
    assert np.array_equal(shared, embed(TEXTS, encoder, Surroundings(tmp_path)))
    assert courier.n_parts > 1


def test_pictures_are_seen_in_parts_as_by_one_process(tmp_path: Path) -> None:
    data = gallery(tmp_path)
    network = build_network("residual:16", 10, 1, 8, seed=0)
    torch.save(network.state_dict(), tmp_path / "weights.pth")
    origin = Origin("residual:16", tmp_path / "weights.pth", 10, 1, 8, 0)
    mean, deviation = channel_moments(data)
    course = Course(0, torch.tensor(mean), torch.tensor(deviation), None, None, bf16=False)
    pixels = read_pixels(data, Split.TRAIN, "cpu")
    courier = Courier(tmp_path)
    shared, alone = (
        features(origin.build(), origin, course, pixels, replace(data.surroundings, spread=spread))
        for spread in (courier, None)
    )
    assert np.array_equal(shared, alone)
    assert courier.n_parts > 1


def test_a_part_comes_back_as_it_was_and_no_two_are_equal(tmp_path: Path) -> None:
    part = Part({"texts": ["a", "ü"]}, {"rows": np.arange(6, dtype=np.uint8).reshape(2, 3)})
    (tmp_path / "part").write_bytes(part.to_bytes())
    back = Part.from_file(tmp_path / "part")
    assert back.told == part.told
    assert np.array_equal(back.arrays["rows"], part.arrays["rows"])
    assert part.to_bytes() != part.to_bytes()


@pytest.mark.parametrize("name", ["os:system", "strategies.spreading:nothing", "infra.store:Store", ""])
def test_only_functions_of_strategies_are_called_by_name(name: str) -> None:
    with pytest.raises((StrategyError, ModuleNotFoundError)):
        work_named(name)


def test_a_function_is_found_by_its_name() -> None:
    assert work_named(name_of(embed_part)) is embed_part
