"""Networks by name, with fresh weights: our own, torchvision's, or a user's."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any

import torch
from torch import nn

from domain.errors import SettingError

OWN, TORCHVISION = "residual", "torchvision"
HOW_TO_INSTALL = "torchvision missing: pip install 'trainyard[vision]'"


class ThreeChannels(nn.Module):
    """A network of three channels, for grey images as well: the one channel is shown three times."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.network(x.expand(-1, 3, -1, -1))


def build_network(name: str, n_classes: int, channels: int, size: int, seed: int) -> nn.Module:
    """The network `name`, which maps float (b, channels, size, size) to logits (b, n_classes).

    `residual:WIDTH`, `torchvision:NAME`, or `MODULE:FUNCTION`. Raises SettingError for a name that
    means nothing here or a network that does not give such logits.
    """
    family, _, choice = name.partition(":")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        try:
            network = _built(family, choice, n_classes, channels, size)
        except SettingError:
            raise
        except Exception as error:  # a user's function or an architecture of torchvision may raise anything
            raise SettingError(f"network {name!r} cannot be built ({error}): {_known()}") from error
    _check(name, network, n_classes, channels, size)
    return network


def lacking(name: str) -> str | None:
    """What has to be installed or corrected before `name` can be built; None if nothing."""
    family, _, choice = name.partition(":")
    if name == "auto" or family == OWN:
        return None
    if not choice:
        return f"network {name!r} is unknown: {_known()}"
    if family == TORCHVISION and find_spec("torchvision") is None:
        return HOW_TO_INSTALL
    return None


def _built(family: str, choice: str, n_classes: int, channels: int, size: int) -> nn.Module:
    if family == OWN and choice.isdigit() and 0 < int(choice) <= 512:
        from strategies.vision.residual import Residual

        return Residual(n_classes, channels, size, int(choice))
    if family == TORCHVISION:
        network = torchvision_network(choice, n_classes)
        return network if channels == 3 else ThreeChannels(network)
    if not choice or family == OWN:
        raise SettingError(f"network {family + ':' + choice!r} is unknown: {_known()}")
    built = getattr(import_module(family), choice)(n_classes, channels, size)
    if not isinstance(built, nn.Module):
        raise SettingError(f"{family}:{choice} gave a {type(built).__name__}, not a torch.nn.Module")
    return built


def torchvision_network(name: str, n_classes: int, **more: Any) -> nn.Module:
    """An architecture of torchvision with fresh weights. Raises SettingError where torchvision is missing."""
    if find_spec("torchvision") is None:
        raise SettingError(HOW_TO_INSTALL)
    from torchvision.models import get_model, list_models

    if name not in list_models(import_module("torchvision.models")):
        raise SettingError(f"torchvision has no classifier {name!r}: see torchvision.models.list_models()")
    network: nn.Module = get_model(name, weights=None, num_classes=n_classes, **more)
    return network


def _check(name: str, network: nn.Module, n_classes: int, channels: int, size: int) -> None:
    was_training = network.training
    with torch.no_grad():
        try:
            shape = tuple(network.eval()(torch.zeros(2, channels, size, size)).shape)
        except Exception as error:  # whatever its layers raise for images of this size
            raise SettingError(
                f"network {name!r} does not take {channels} x {size} x {size} images ({error}): "
                "choose another, or prepare the dataset with larger images"
            ) from error
    network.train(was_training)
    if shape != (2, n_classes):
        raise SettingError(f"network {name!r} gives {shape} for two images, not logits (2, {n_classes})")


def _known() -> str:
    return "use auto, residual:WIDTH, torchvision:NAME or MODULE:FUNCTION"
