"""Requests on their way: the channels that may serve each, and what the reply table holds of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from domain.errors import ReplyError
from domain.language_models import Answered, Reply, Request
from infra.catalog import Catalog, ReplyRow, add_subjects, find_replies
from infra.llm.channels import Channel
from infra.llm.judging import judge, reply
from infra.llm.structured import UnreadableError, repair


@dataclass
class Order:
    """One request. `keys` are its keys in the reply table, one a channel; `found` the rows it has there."""

    request: Request
    channels: tuple[Channel, ...]
    keys: tuple[str, ...]
    found: dict[str, ReplyRow] = field(default_factory=dict)

    @staticmethod
    def of(request: Request, channels: tuple[Channel, ...]) -> Order:
        return Order(request, channels, tuple(channel.key(request) for channel in channels))


def answers_from_table(catalog: Catalog, orders: Sequence[Order]) -> list[Answered | None]:
    """What the table answers, None for what must be asked; each order learns the rows that concern it."""
    answered = _look_up(catalog, orders, [key for order in orders for key in order.keys])
    unrepaired = {key for one in answered if isinstance(one, _Unrepaired) for key in [one.key]}
    if unrepaired:
        answered = _look_up(catalog, orders, unrepaired)
    _note_subjects(catalog, orders)
    return [None if isinstance(one, _Unrepaired) else one for one in answered]


@dataclass(frozen=True)
class _Unrepaired:
    """The first reply is unreadable; the second turn would be under this key."""

    key: str


def _look_up(
    catalog: Catalog, orders: Sequence[Order], keys: Iterable[str]
) -> list[Reply | ReplyError | _Unrepaired | None]:
    rows = find_replies(catalog, keys)
    answered = []
    for order in orders:
        known = [key for key in order.keys if key in rows]
        order.found.update({key: rows[key] for key in known})
        one = _answer(order)
        if isinstance(one, _Unrepaired) and one.key in rows:
            order.found[one.key] = rows[one.key]
            one = _answer(order)
        answered.append(one)
    return answered


def _answer(order: Order) -> Reply | ReplyError | _Unrepaired | None:
    """By the first channel that has replied: what it said then is what it says now."""
    for channel, key in zip(order.channels, order.keys, strict=True):
        first = order.found.get(key)
        if first is None:
            continue
        try:
            return reply([first], judge(first, order.request), reused=True)
        except ReplyError as error:
            return error
        except UnreadableError as error:
            again = repair(order.request, first.text, str(error))
        second_key = channel.key(again)
        second = order.found.get(second_key)
        return (
            _Unrepaired(second_key) if second is None else judged_again(channel, again, [first, second], True)
        )
    return None


def judged_again(
    channel: Channel, request: Request, rows: Sequence[ReplyRow], reused: bool
) -> Reply | ReplyError:
    """What the second turn came to: the last one there is."""
    try:
        return reply(rows, judge(rows[-1], request), reused=reused)
    except ReplyError as error:
        return error
    except UnreadableError as error:
        return ReplyError(f"{channel.name} gave no usable reply, asked twice: {error}", "unreadable")


def _note_subjects(catalog: Catalog, orders: Sequence[Order]) -> None:
    """A reply found for another student is about that one too, and goes when either is purged."""
    subjects: dict[str, set[str]] = {}
    for order in orders:
        for key in order.found:
            subjects.setdefault(key, set()).update(order.request.subjects)
    if any(subjects.values()):
        add_subjects(catalog, subjects)
