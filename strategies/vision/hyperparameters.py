"""What a user may choose about the training of an image classifier."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from strategies.base import Hyperparameters

Optimiser = Literal["sgd", "adamw", "adam", "nadam", "radam", "rmsprop"]


class LoopHyperparameters(Hyperparameters):
    """Of the loop that trains networks on images, whichever strategy builds the network.

    Flat, and without optional values: forms and command lines show them as they are.
    """

    iterations: int = Field(1000, ge=1, le=1000, description="most iterations (an epoch each) to train")
    epochs: int = Field(
        16, ge=1, le=1000, description="passes over the training images; a budget overrules it"
    )
    budget_seconds: float = Field(
        0, ge=0, description="seconds that training may take, validation included; 0 for no limit but epochs"
    )
    budget_clock: Literal["cpu", "wall"] = Field(
        "wall", description="what budget_seconds are of: the processor's time or the wall clock's"
    )
    target: float = Field(0, ge=0, le=1, description="validation accuracy that ends the training; 0 for none")
    optimiser: Optimiser = Field("sgd", description="sgd is with Nesterov's momentum")
    learning_rate: float = Field(0.4, gt=0, le=10, description="highest step size, for a batch of 256")
    momentum: float = Field(0.9, ge=0, lt=1, description="of sgd")
    weight_decay: float = Field(5e-4, ge=0, le=1, description="pull to zero of weights with two or more axes")
    schedule: Literal["linear", "cosine"] = Field("linear", description="fall of the step size after warm-up")
    warmup: float = Field(0.2, ge=0, lt=1, description="share of the training in which the step size rises")
    batch: int = Field(256, ge=4, le=65_536, description="most images in a batch; few images make it smaller")
    accumulate: int = Field(
        1, ge=1, le=4096, description="parts in which a batch goes through the network, to save memory"
    )
    label_smoothing: float = Field(0.1, ge=0, lt=1, description="share of the truth spread over all classes")
    imbalance: Literal["auto", "ignore", "weight", "oversample"] = Field(
        "auto", description="of classes: auto weighs the loss where the largest has 3 times the smallest"
    )
    flip: bool = Field(True, description="mirror images left to right every other epoch; not for text")
    mirrored: bool = Field(
        True, description="whether the model also looks at the mirror image, where that helps on validation"
    )
    shift: int = Field(0, ge=0, le=64, description="most pixels by which images are moved at random")
    cutout: int = Field(0, ge=0, le=256, description="side in pixels of a square that is blanked at random")
    ema_steps: int = Field(
        50, ge=0, le=100_000, description="steps over which weights are averaged for the model; 0 for none"
    )
    precision: Literal["auto", "fp32", "bf16"] = Field(
        "auto", description="of the arithmetic in training; auto takes the faster, measured at the start"
    )
    workers: int = Field(
        0, ge=0, le=64, description="processes that share each batch; 0 for one a CUDA device, or one"
    )


class NativeHyperparameters(LoopHyperparameters):
    """As of the loop, and which network."""

    network: str = Field(
        "auto",
        min_length=1,
        description="auto (a residual network sized to data and budget), residual:WIDTH, "
        "torchvision:NAME, or MODULE:FUNCTION called with (n_classes, channels, size)",
    )
