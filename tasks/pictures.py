"""Archives of pictures in: listed, laid out, decoded in parts by reader processes, each part once."""

from __future__ import annotations

import json
import logging
import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from prefect.runtime import flow_run

from domain.identity import fingerprint
from domain.kinds import Role
from domain.vision.archives import Form, form_of
from domain.vision.images import Shape, is_grey
from domain.vision.layout import Placed, lay_out
from domain.vision.listings import placed_in, refused_in, to_text
from domain.vision.records import ArchiveLimits, Member, Refusal
from domain.vision.shapes import SAMPLE, choose_shape
from domain.vision.tar_archives import unpack
from infra import catalog as records
from infra.catalog import PartRow, TensorRow
from infra.picture_readers import PicturePool, Seen, Unseen, picture_pool
from tasks.materials import FileChunk, Wanted
from tasks.outcome import Ingested
from tasks.policy import code_of
from tasks.progress import progress
from tasks.workplace import Workplace

log = logging.getLogger(__name__)

DECODER = ("domain.vision.images",)
"""Whose code decides a picture's points."""
_MOST_PART_BYTES = 2 << 30
_N_CHUNKS = 16
"""Of an archive at most: each is a task run, which costs Prefect's server what decoding 2,000 small pictures
costs."""


def pool_of(place: Workplace) -> PicturePool:
    settings = place.settings
    return picture_pool(
        settings.workers, settings.reader_seconds, memory_bytes=settings.reader_memory_mb << 20
    )


def find_pictures(place: Workplace, path: str, wanted: Wanted) -> list[FileChunk]:
    """The archive's pictures in chunks: listed, laid out by class and split, and a shape chosen for them.

    Raises InputError for an archive that is refused as a whole, or has no classes to tell apart.
    """
    given = Path(path).expanduser().resolve()
    source = reachable(place, given)
    pool = pool_of(place)
    members: list[Member] = []
    refused: list[Refusal] = []
    skipped: Counter[str] = Counter()
    for one in pool.list_archive(source):
        if isinstance(one, Member):
            members.append(one)
        elif isinstance(one, Refusal):
            refused.append(one)
        else:
            skipped[one.what] += 1
    layout = lay_out(members, from_table=form_of(given) is Form.TABLE)
    text = to_text(layout.placed, [*refused, *layout.refused])
    n_pictures = len(layout.placed)
    shape = _shape(pool, source, layout.placed, wanted)
    tensor = records.begin_tensor(
        place.catalog,
        place.store.put_bytes(text.encode()),
        code_of(*DECODER),
        shape.size,
        shape.channels,
        n_pictures,
    )
    log.info(
        "%s: %d pictures of %d classes, %d refused, %d other files; decoded to %d by %d points, %d channels",
        given.name, n_pictures, len(layout.classes), len(refused) + len(layout.refused), skipped.total(),
        shape.size, shape.size, shape.channels,
    )  # fmt: skip
    return _chunks(place, given, source, tensor, skipped)


def _chunks(
    place: Workplace, given: Path, source: Path, tensor: TensorRow, skipped: Counter[str]
) -> list[FileChunk]:
    n_bytes = tensor.size * tensor.size * tensor.channels
    size = max(place.settings.chunk_size, -(-tensor.n_members // _N_CHUNKS))
    size = max(1, min(size, _MOST_PART_BYTES // n_bytes))
    chunks = []
    for start in range(0, tensor.n_members, size):
        names: dict[str, Any] = {
            "tensor": tensor.id,
            "start": start,
            "stop": min(start + size, tensor.n_members),
        }
        if start == 0:
            names |= {"archive": given.name, "skipped": dict(skipped)}
        chunks.append(
            FileChunk(
                role=Role.IMAGES.value, root=str(source), names=json.dumps(names), n_total=tensor.n_members
            )
        )
    return chunks


def ingest_pictures(place: Workplace, chunk: FileChunk) -> Ingested:
    """Decodes a chunk's pictures and keeps the points, unless that was done before."""
    names = json.loads(chunk["names"])
    start, stop = int(names["start"]), int(names["stop"])
    tensor = records.find_tensor(place.catalog, names["tensor"])
    listing = place.store.get_bytes(tensor.listing_key).decode()
    done = {part.start: part for part in records.find_parts(place.catalog, tensor.id)}
    n_new = 0
    rejected: list[dict[str, str]] = []
    if start == 0:
        rejected = [{"name": one.name, "reason": one.reason} for one in refused_in(listing)]
    if not tensor.is_whole and (start not in done or done[start].stop != stop):
        placed = placed_in(listing, start, stop)
        outcomes = _decode(place, tensor, Path(chunk["root"]), placed, start, chunk["n_total"])
        rejected += [
            {"name": one.member.name, "reason": outcome}
            for one, outcome in zip(placed, outcomes, strict=True)
            if isinstance(outcome, str)
        ]
        n_new = stop - start
    return Ingested(
        role=chunk["role"],
        n_files=stop - start,
        n_new=n_new,
        n_known=stop - start - n_new,
        n_read=n_new,
        document_ids=[tensor.id],
        duplicates=[],
        rejected=rejected,
        skipped=names.get("skipped", {}),
    )


def _decode(
    place: Workplace, tensor: TensorRow, source: Path, placed: Sequence[Placed], start: int, n_total: int
) -> list[Any]:
    """What became of each picture: [width, height, notes] or the reason why it is not used."""
    seen = progress(str(flow_run.id), "decoding pictures", n_total)
    outcomes: list[Any] = []
    with aside(place) as path:
        members = [one.member for one in placed]
        with path.open("wb") as file:
            for outcome in pool_of(place).decode(source, members, shape_of(tensor), seen.advance):
                if isinstance(outcome, Unseen):
                    outcomes.append(outcome.reason)
                else:
                    file.write(outcome.points)
                    outcomes.append([outcome.look.width, outcome.look.height, list(outcome.look.notes)])
        points_key = place.store.take_file(path)
    outcomes_key = place.store.put_bytes(json.dumps(outcomes).encode())
    records.save_part(place.catalog, tensor.id, PartRow(start, start + len(placed), points_key, outcomes_key))
    return outcomes


def shape_of(tensor: TensorRow) -> Shape:
    return Shape(tensor.size, tensor.channels)


@contextmanager
def aside(place: Workplace) -> Iterator[Path]:
    """A path for a file that comes to be; what is still there afterwards is removed."""
    folder = place.settings.home / "scratch"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"unfinished-{uuid.uuid4().hex}"
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)


def reachable(place: Workplace, given: Path) -> Path:
    """The archive itself, or a plain copy of a compressed tar, whose members can be reached one by one."""
    if form_of(given) is not Form.PACKED_TAR:
        return given
    state = given.stat()
    name = fingerprint([str(given), state.st_size, state.st_mtime_ns])
    plain = place.settings.home / "scratch" / f"{name[:32]}.tar"
    if not plain.exists():
        seen = progress(str(flow_run.id), f"unpacking {given.name}", state.st_size)
        with aside(place) as path:
            unpack(given, path, ArchiveLimits(), seen.advance)
            path.replace(plain)
    return plain


def _shape(pool: PicturePool, source: Path, placed: Sequence[Placed], wanted: Wanted) -> Shape:
    """From a sample evenly spread over the archive."""
    sample = [one.member for one in placed[:: max(1, len(placed) // SAMPLE)][:SAMPLE]]
    small = Shape(32, 3)
    outcomes = [one for one in pool.decode(source, sample, small) if isinstance(one, Seen)]
    greys = [
        is_grey(np.frombuffer(one.points, np.uint8).reshape(small.size, small.size, 3)) for one in outcomes
    ]
    return choose_shape([one.look for one in outcomes], greys, wanted["size"], wanted["channels"])
