"""How many items and marks of marking guides the parser gets right.

    python benchmarks/guides.py [FOLDER]

Without FOLDER the ground-truth set of `tests/data/make_guides.py` is made and read. FOLDER holds guides, each
with `NAME.truth.json` beside it: {"items": [{"number", "max_score"}], "total", "balances"}. Numbers count in
their normal form ("Q1 (a)(i)" is "1ai"). Prints a line a layout and what was missed, and last JSON:
items_found_share, marks_right_share (both of all true items), unbalanced_flagged_share.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))
sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "data"))

from domain.documents.reading import extract
from domain.errors import InputError
from domain.grading.guides import parse_guide
from domain.grading.numbering import normalise_number


@dataclass(frozen=True)
class Outcome:
    """What came of one guide; `missed` says in words what went wrong."""

    name: str
    n_items: int
    n_found: int
    n_right: int
    n_spurious: int
    balances: bool
    flagged: bool
    missed: tuple[str, ...]


def outcome(path: Path) -> Outcome:
    """Extracts and parses one guide, and holds it against its truth."""
    truth = json.loads(path.with_name(f"{path.name}.truth.json").read_text(encoding="utf-8"))
    wanted = {normalise_number(one["number"]): float(one["max_score"]) for one in truth["items"]}
    try:
        guide = parse_guide(extract(path), path.name)
    except InputError as refusal:
        return Outcome(path.name, len(wanted), 0, 0, 0, truth["balances"], True, (str(refusal),))
    found: dict[str, float] = {}
    for item in guide.items:
        found.setdefault(normalise_number(item.number), item.max_score)
    missed = [f"no item {number}" for number in wanted if number not in found]
    missed += [
        f"item {n}: {found[n]:g} marks, not {wanted[n]:g}"
        for n in wanted
        if n in found and found[n] != wanted[n]
    ]
    missed += [f"no such item: {n}" for n in found if n not in wanted]
    right = sum(found.get(n) == marks for n, marks in wanted.items())
    spurious = len(guide.items) - sum(n in wanted for n in found)
    flagged = bool(guide.problems)
    if truth["balances"] and flagged and right == len(wanted) and not spurious:
        missed.append(f"false alarm: {guide.problems[0]}")
    if not truth["balances"] and not flagged:
        missed.append("imbalance not flagged")
    n_found = sum(n in found for n in wanted)
    return Outcome(
        path.name, len(wanted), n_found, right, spurious, truth["balances"], flagged, tuple(missed)
    )


def show(outcomes: list[Outcome]) -> dict[str, float]:
    """Prints the table and what was missed; returns the figures."""
    groups: dict[str, list[Outcome]] = defaultdict(list)
    for one in outcomes:
        groups["-".join(one.name.split("-")[:2]) + Path(one.name).suffix].append(one)
    print(f"{'layout':28}{'guides':>7}{'items':>7}{'found':>8}{'right':>8}{'others':>8}")
    for name, some in sorted(groups.items()):
        n = sum(one.n_items for one in some)
        found, right, others = (
            sum(getattr(one, key) for one in some) for key in ("n_found", "n_right", "n_spurious")
        )
        print(f"{name:28}{len(some):7}{n:7}{found / n:8.1%}{right / n:8.1%}{others:8}")
    for one in outcomes:
        if one.missed:
            print(f"{one.name}: {'; '.join(one.missed[:6])}")
    n = sum(one.n_items for one in outcomes)
    unbalanced = [one for one in outcomes if not one.balances]
    alarms = sum(any("false alarm" in text for text in one.missed) for one in outcomes)
    print(f"{len(outcomes)} guides, {n} items, {alarms} false alarms on guides that were read right")
    return {
        "items_found_share": round(sum(one.n_found for one in outcomes) / n, 4),
        "marks_right_share": round(sum(one.n_right for one in outcomes) / n, 4),
        "unbalanced_flagged_share": round(
            sum(one.flagged for one in unbalanced) / len(unbalanced) if unbalanced else 1.0, 4
        ),
    }


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("folder", type=Path, nargs="?")
    given = arguments.parse_args().folder
    with tempfile.TemporaryDirectory() as scratch:
        folder = given or Path(scratch)
        if given is None:
            from make_guides import make

            make(folder)
        paths = sorted(p.with_name(p.name.removesuffix(".truth.json")) for p in folder.glob("*.truth.json"))
        if not paths:
            raise SystemExit(f"{folder} holds no *.truth.json: put one beside each guide")
        print(json.dumps(show([outcome(path) for path in paths])))


if __name__ == "__main__":
    main()
