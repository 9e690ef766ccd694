"""One round of the search: candidates asked for, gated and traced, repaired, tried by successive halving.

Whatever happens to a candidate is written into the journal; only a place where no generated code can run at
all ends the search.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from domain.errors import ReplyError, StrategyError
from domain.language_models import Answered, Request
from domain.vision.programs import NetworkLimits, Program, Refused, Traced
from strategies.base import Checkpoint, Effect, Outcome, Trace, VisionData
from strategies.vision.llm.asking import Asking
from strategies.vision.llm.dropout import with_dropout
from strategies.vision.llm.halving import Ground, Tried, halved
from strategies.vision.llm.hyperparameters import LlmHyperparameters
from strategies.vision.llm.journal import Entry, Origin, best_first, own_recipe, shown_journal
from strategies.vision.llm.own_network import own_code
from strategies.vision.llm.prompt import design_request, edited, patch_request, repair_request
from strategies.vision.llm.recipe import Recipe
from strategies.vision.llm.sameness import LONGEST_CODE
from strategies.vision.llm.trial import Contender
from strategies.vision.training import channels_and_size

PATCH_STAGE = "patch"
"""Where a candidate fails whose edits do not fit the code that they are to change."""
_NO_PROGRAM = (PATCH_STAGE, "reply", "budget", "duplicate")
"""Where a candidate fails that was no program of its own."""
_TURNS, _REPAIRS = 1000, 100
"""Numbers of requests that a round may have, and of each time of repairs: all ask with their own number."""


@dataclass(frozen=True)
class Round:
    """The round's candidates, and the best of them with what its longest trial left (None if all failed)."""

    entries: tuple[Entry, ...]
    contender: Contender | None
    checkpoint: Checkpoint | None


@dataclass(frozen=True)
class Wanted:
    """A request with what becomes of its reply: an entry of that origin and parent."""

    request: Request
    origin: Origin
    parent: Entry | None = None


@dataclass(frozen=True)
class Search:
    """`own_width` is of our own network, the first candidate of the first round."""

    config: LlmHyperparameters
    data: VisionData
    limits: NetworkLimits
    facts: Mapping[str, Any]
    own_width: int
    ground: Ground

    def round(
        self, asking: Asking, journal: Sequence[Entry], number: int
    ) -> Generator[Effect, Outcome, Round]:
        """Round `number`, from 1, after what `journal` holds. Raises StrategyError where nothing can run."""
        entries = [] if journal else [self._own()]
        wanted = self._wanted(journal, number)
        answered = yield from asking.ask([one.request for one in wanted])
        for one, reply in zip(wanted, answered, strict=True):
            entries.append(self._entry(one, reply, len(journal) + len(entries), number))
        entries = unrepeated(entries, journal)
        traced = yield from self._traced(asking, entries, journal, number)
        tried = halved(self.ground, _distinct(traced))
        known = {one.entry.number: one.entry for one in tried}
        found = tuple(known.get(entry.number, entry) for entry in entries)
        best = best_first(known.values())
        if not best and not journal:
            raise StrategyError(f"not even our own network could be tried: {found[0].failure}")
        top = next((one for one in tried if best and one.entry is best[0]), None)
        return Round(found, top.contender if top else None, top.checkpoint if top else None)

    def _own(self) -> Entry:
        return Entry(
            number=0,
            iteration=1,
            origin="own",
            idea="our own residual network",
            code=own_code(self.own_width),
            recipe=Recipe.of_loop(self.config).described(),
        )

    def _wanted(self, journal: Sequence[Entry], number: int) -> list[Wanted]:
        """New designs at first; later patches of the best ones for half of the candidates."""
        config, shown = self.config, shown_journal(journal)
        parents = best_first(journal)[:2]
        n_patches = (config.candidates + 1) // 2 if parents else 0
        found = []
        for place in range(config.candidates):
            turn = number * _TURNS + place
            if place < n_patches:
                # Mostly the best one, sometimes the second: a search that knows one way only is stuck soon.
                parent = parents[1] if place % 3 == 2 and len(parents) > 1 else parents[0]
                found.append(Wanted(patch_request(config, self.facts, shown, parent, turn), "patch", parent))
            else:
                direction = (number - 1) * config.candidates + place
                found.append(Wanted(design_request(config, self.facts, shown, direction, turn), "design"))
        return found

    def _entry(self, wanted: Wanted, reply: Answered, place: int, number: int) -> Entry:
        parent = wanted.parent
        entry = Entry(
            number=place,
            iteration=number,
            origin=wanted.origin,
            idea="",
            code=parent.code if parent else "",
            recipe=Recipe.of_loop(self.config).described(),
            parent=parent.number if parent else None,
        )
        if isinstance(reply, ReplyError):
            return replace(entry, stage="budget" if reply.kind == "budget" else "reply", failure=str(reply))
        told = reply.data
        recipe = Recipe.of(told["hyperparameters"], self.config.epochs) if self.config.tune else None
        entry = replace(entry, idea=str(told["idea"])[:500])
        if recipe is not None:
            entry = replace(entry, recipe=recipe.described())
        try:
            code = edited(parent.code, told["edits"]) if parent else str(told["code"])
        except ValueError as error:
            return replace(entry, stage=PATCH_STAGE, failure=str(error))
        return with_code(entry, code)

    def _traced(
        self, asking: Asking, entries: list[Entry], journal: Sequence[Entry], number: int
    ) -> Generator[Effect, Outcome, list[Tried]]:
        """The candidates that came through the sandbox; `entries` is told of what became of the others."""
        found: list[Tried] = []
        at = {entry.number: place for place, entry in enumerate(entries)}
        waiting = [entry.number for entry in entries if not entry.failure]
        refused = [entry for entry in entries if entry.stage == PATCH_STAGE]
        for attempt in range(self.config.repairs + 1):
            programs = tuple(self.program(entries[at[n]].code, self.config.seed) for n in waiting)
            outcomes = (yield Trace(programs, self.limits)) if programs else ()
            for n, outcome in zip(waiting, outcomes, strict=True):
                if isinstance(outcome, Traced):
                    entries[at[n]] = entry = _figured(entries[at[n]], outcome)
                    found.append(Tried(contender_of(entry, outcome), entry))
                else:
                    entries[at[n]] = entry = _refused(entries[at[n]], outcome)
                    refused.append(entry)
            _refuse_place(refused)
            # What took all its time or memory may do so again: one more chance is enough.
            refused = [entry for entry in refused if entry.stage != "limits" or not entry.n_repairs]
            if attempt == self.config.repairs or not refused:
                break
            turn = number * _TURNS + (attempt + 1) * _REPAIRS
            waiting = yield from self._repaired(asking, entries, at, refused, journal, turn)
            refused = []
        return sorted(found, key=lambda one: one.entry.number)

    def _repaired(
        self,
        asking: Asking,
        entries: list[Entry],
        at: Mapping[int, int],
        refused: Sequence[Entry],
        journal: Sequence[Entry],
        turn: int,
    ) -> Generator[Effect, Outcome, list[int]]:
        """The numbers of those that were written anew, in `entries`."""
        requests = [
            repair_request(self.config, self.facts, entry, turn + place)
            for place, entry in enumerate(refused)
        ]
        answered = yield from asking.ask(requests)
        for entry, reply in zip(refused, answered, strict=True):
            if isinstance(reply, ReplyError) or str(reply.data["code"]) == entry.code:
                continue
            anew = replace(entry, n_repairs=entry.n_repairs + 1, stage="", failure="", detail="")
            entries[at[entry.number]] = with_code(anew, str(reply.data["code"]))
        entries[:] = unrepeated(entries, journal)
        return [entry.number for entry in refused if not entries[at[entry.number]].failure]

    def program(self, code: str, seed: int) -> Program:
        channels, size = channels_and_size(self.data)
        return Program(code, len(self.data.classes), channels, size, seed)


def with_code(entry: Entry, code: str) -> Entry:
    if len(code) > LONGEST_CODE:
        return replace(entry, stage="gate", failure=f"the code is longer than {LONGEST_CODE:,} characters")
    return replace(entry, code=code)


def contender_of(entry: Entry, traced: Traced) -> Contender:
    recipe = own_recipe(entry)
    graph = with_dropout(traced.graph, recipe.dropout)
    return Contender(entry.number, graph, traced.weights, traced.figures, recipe)


def unrepeated(entries: Sequence[Entry], journal: Sequence[Entry]) -> list[Entry]:
    """The entries; those that would be trained as an earlier one was, failed or not, say so."""
    seen = {entry.same_as: entry.number for entry in journal if entry.stage not in _NO_PROGRAM}
    found = []
    for entry in entries:
        same = seen.get(entry.same_as)
        if not entry.failure and same is not None:
            entry = replace(entry, stage="duplicate", failure=f"it is the same as number {same}")
        elif not entry.failure:
            seen[entry.same_as] = entry.number
        found.append(entry)
    return found


def _distinct(traced: Sequence[Tried]) -> list[Tried]:
    """Programs that differ may still be one network: the graph tells."""
    seen: dict[tuple[str, Recipe], int] = {}
    for one in traced:
        key = (one.contender.graph.fingerprint, one.contender.recipe)
        if key in seen:
            reason = f"its graph is the same as number {seen[key]}'s"
            one.entry = replace(one.entry, stage="duplicate", failure=reason)
        seen.setdefault(key, one.entry.number)
    return list(traced)


def _figured(entry: Entry, traced: Traced) -> Entry:
    return replace(entry, figures=asdict(traced.figures), warnings=tuple(traced.warnings))


def _refused(entry: Entry, refused: Refused) -> Entry:
    return replace(entry, stage=refused.stage, failure=refused.reason, detail=refused.detail[:1000])


def _refuse_place(refused: Sequence[Entry]) -> None:
    """Raises StrategyError where not the candidates but the place is at fault."""
    for entry in refused:
        if entry.stage == "walls" or entry.origin == "own":
            raise StrategyError(f"{entry.failure}, or use --strategy transfer or native")
