"""What a user may choose about a search for a network."""

from __future__ import annotations

from pydantic import Field

from strategies.vision.hyperparameters import LoopHyperparameters


class LlmHyperparameters(LoopHyperparameters):
    """As of the loop (its values are our own network's, and hold where nothing is proposed), and the search.

    `epochs` are the most that the winner is trained; `budget_seconds` are of search and winner together.
    """

    model: str = Field(
        "", pattern=r"^$|^[a-z]+:.+", description="provider:name that designs; empty for the settings'"
    )
    rounds: int = Field(6, ge=1, le=1000, description="most rounds of the search")
    candidates: int = Field(4, ge=1, le=32, description="networks asked for in a round")
    repairs: int = Field(2, ge=0, le=5, description="times that a network which cannot be used is sent back")
    trial_images: int = Field(
        4000, ge=20, description="most training images of a trial, of all classes alike"
    )
    trial_epochs: int = Field(
        2, ge=1, le=100, description="passes of the first trial; the better half is then given twice as many"
    )
    tune: bool = Field(True, description="whether hyperparameters that are proposed with a network are taken")
    patience: int = Field(
        2, ge=1, le=100, description="rounds without a network that is better than by chance before it stops"
    )
    seeds: int = Field(2, ge=1, le=5, description="times that the winner is trained, each from other weights")
    search_share: float = Field(
        0.5, ge=0.05, le=0.95, description="of budget_seconds: the rest is the winner's, shared by its seeds"
    )
    max_calls: int = Field(200, ge=0, le=100_000, description="most requests to the model; 0 for no limit")
    max_usd: float = Field(0, ge=0, description="most money for requests; 0 for no limit but the settings'")
    max_tokens: int = Field(8192, ge=512, le=100_000, description="most tokens of a reply")
    temperature: float = Field(0.8, ge=0, le=2, description="of the designing model")
    most_parameters: int = Field(
        0, ge=0, le=500_000_000, description="of a network; 0 for ten times our own's, at least a million"
    )
    most_mflops: float = Field(
        0, ge=0, description="millions of operations for an image; 0 for ten times our own's, at least 20"
    )
