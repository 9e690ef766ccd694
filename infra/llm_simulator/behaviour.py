"""How the simulator behaves: every option, its unit and its default."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal

from domain.errors import SettingError
from infra.llm_simulator.architect import KINDS, MIXED
from infra.llm_simulator.gullible import Gullible

STATUS_FAULTS: Mapping[str, int] = {
    "error_500": 500,
    "error_502": 502,
    "error_503": 503,
    "error_529": 529,
    "burst": 503,
    "rate_limited": 429,
    "rate_limited_long": 429,
    "rate_limited_date": 429,
    "rate_limited_ms": 429,
    "quota": 429,
}
"""Answered with an error: "burst" takes the next `burst_length` requests with it, the 429s differ in how
they say when to come back (0.2 s, 150 s, an HTTP date, `retry-after-ms`), "quota" says never."""

TRANSPORT_FAULTS = ("hang", "drop_before", "drop_in_body")
"""Never answered; the connection closed before the headers, or half-way through the body."""

BODY_FAULTS = ("truncated_body", "invalid_body", "web_page", "error_in_200")
"""Status 200 with JSON cut short, with what is no JSON, with a gateway's web page, with an error object."""

CONTENT_FAULTS = (
    "truncated_content",
    "invalid_content",
    "fenced",
    "prose",
    "refusal",
    "content_filter",
    "wrong_shape",
    "empty_content",
)
"""A well-formed reply whose content is cut off, is no JSON, is wrapped in ``` or in prose, is refused
(two ways), is JSON of another shape, or is nothing. "fenced" and "prose" still hold the right answer."""

FAULTS = (*STATUS_FAULTS, *TRANSPORT_FAULTS, *BODY_FAULTS, *CONTENT_FAULTS)

Support = Literal["supported", "ignored", "rejected"]
Responder = Callable[[list[dict[str, Any]], "dict[str, Any] | None", Any], "dict[str, Any] | None"]
"""See `responders`; None where it has no answer, and a made-up one is given."""


@dataclass(frozen=True)
class Behaviour:
    """One server's manners. Shares are 0..1; a fault's number is its probability."""

    seed: int = 0
    mode: Literal["marker", "architect", "generic"] = "marker"
    """"generic" answers every schema with made-up values, "marker" asks the responders first, and so does
    "architect", whose networks may be of every kind in `designs` (a marker's are honest)."""
    designs: Mapping[str, float] = field(default_factory=lambda: dict(MIXED))
    """Of an architect's networks, the shares that are good, bad, broken, slow and hostile."""
    responders: Mapping[str, Responder] = field(default_factory=dict)
    """Schema name → responder, over the built-in ones; only in this process."""
    models: tuple[str, ...] = ("simulated-1", "simulated-2")
    retiring: Mapping[str, str] = field(default_factory=lambda: {"simulated-old": "2026-12-31"})
    """Further models, with the date on which they shut down."""
    gullible: Gullible = "none"
    """Whether it obeys attacks in what it is to mark: see `gullible`."""
    bad_keys: tuple[str, ...] = ("bad-key",)
    require_key: bool = False

    latency: float = 0.0
    """Median seconds until a reply; errors come at once."""
    latency_spread: float = 0.0
    """Sigma of the lognormal distribution; 0 for always the same."""
    requests_per_second: float | None = None
    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None
    burst_seconds: float = 1.0
    """How many seconds' worth of requests the bucket holds (at least one request)."""

    faults: Mapping[str, float] = field(default_factory=dict)
    fault_times: int = 0
    """0: each try draws anew. n: a content that draws a fault fails its first 1..n tries, then never."""
    poison: float = 0.0
    """Share of contents that fail at every try, by a fault of `faults` (error_500 if none is given)."""
    burst_length: int = 10
    retry_after: float = 0.2
    retry_after_long: float = 150.0

    schemas: Support = "supported"
    json_mode: Support = "supported"
    tools: Support = "supported"
    swap_after: int | None = None
    """After so many replies another model answers under the same name."""
    swapped_model: str = "simulated-1-next"

    def __post_init__(self) -> None:
        unknown = sorted(set(self.faults) - set(FAULTS))
        if unknown:
            raise SettingError(
                f"{unknown[0]!r} is no fault of the simulator: take one of {', '.join(FAULTS)}"
            )
        wrong = {name: share for name, share in self.faults.items() if not 0 <= share <= 1}
        if wrong or sum(self.faults.values()) > 1 + 1e-9:
            raise SettingError(f"the faults' probabilities are {dict(self.faults)}: give 0..1 each, 1 in all")
        if self.mode not in ("marker", "architect", "generic"):
            raise SettingError(f"the simulator's mode is {self.mode!r}: take marker, architect or generic")
        if strange := sorted(set(self.designs) - set(KINDS)):
            raise SettingError(f"{strange[0]!r} is no kind of design: take one of {', '.join(KINDS)}")
        if not 0 <= self.poison <= 1:
            raise SettingError(f"poison is {self.poison}: give a share, 0..1")


def behaviour_of(options: Mapping[str, Any], over: Behaviour | None = None) -> Behaviour:
    """`over`, or the default, with the options (lists where the fields are tuples will do).

    Raises SettingError for an option that there is not.
    """
    known = {option.name for option in fields(Behaviour)}
    unknown = sorted(set(options) - known)
    if unknown:
        raise SettingError(f"{unknown[0]!r} is no option of the simulator: take one of {sorted(known)}")
    told = {name: tuple(value) if isinstance(value, list) else value for name, value in options.items()}
    before = {name: getattr(over, name) for name in known} if over else {}
    return Behaviour(**{**before, **told})


def mixed(share: float, *names: str) -> dict[str, float]:
    """The faults, all of them or those named, in equal parts that add up to `share`."""
    chosen = names or FAULTS
    return {name: share / len(chosen) for name in chosen}
