"""Weights of trained networks: found, checked by hash, and read without running what they hold."""

from __future__ import annotations

import re
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import torch

from domain.errors import SettingError
from domain.identity import hash_file
from strategies.vision.networks import HOW_TO_INSTALL, TORCHVISION

CACHED, HUB = "cached", "hub"
_HASH_IN_NAME = re.compile(r"-([0-9a-f]{8,64})\.")
_WRAPPERS = ("state_dict", "model")
_PREFIXES = ("average.", "module.")
"""Of a checkpoint of the strategy `native`, and of networks trained by several processes."""


def weights_file(weights: str, backbone: str) -> Path:
    """The file that `weights` means for `backbone`, which is on this machine. Downloads nothing.

    Raises SettingError with the way to get it where there is none.
    """
    if weights not in (CACHED, HUB):
        path = Path(weights).expanduser()
        if not path.is_file():
            raise SettingError(f"weights {weights!r} is no file: set weights to a .safetensors or .pth file")
        return path
    place = _hub_place(backbone)[1]
    if not place.is_file():
        name = backbone.partition(":")[2]
        raise SettingError(
            f"no weights of {name} on this machine: set weights=hub to download them, or copy {place.name} "
            f"to {place.parent}, or set weights to a .safetensors or .pth file of yours"
        )
    return place


def download(backbone: str) -> Path:
    """The hub's file for `backbone`, downloaded if it is not here. Raises SettingError if that fails."""
    url, place = _hub_place(backbone)
    if not place.is_file():
        place.parent.mkdir(parents=True, exist_ok=True)
        found = _HASH_IN_NAME.search(place.name)
        try:
            torch.hub.download_url_to_file(url, str(place), found and found[1], progress=False)
        except Exception as error:  # urllib's, the system's, and RuntimeError for a wrong hash
            raise SettingError(
                f"the weights of {backbone} cannot be downloaded from {url} ({error}): copy {place.name} to "
                f"{place.parent}, or set weights to a file"
            ) from error
    return place


def check_hash(path: Path, sha256: str) -> str:
    """The file's SHA-256. Raises SettingError where it is not `sha256`, or not the one in its name."""
    actual, named = hash_file(path), _HASH_IN_NAME.search(path.name)
    expected = sha256.lower() or (named[1] if named else "")
    if not actual.startswith(expected) or (sha256 and len(sha256) != len(actual)):
        raise SettingError(
            f"{path} has SHA-256 {actual}, not {expected}: remove it and get it again, or correct "
            "weights_sha256"
        )
    return actual


def read_weights(path: Path) -> dict[str, torch.Tensor]:
    """Names and tensors of a .safetensors file (a checkpoint of ours, too) or of a state dict of torch's.

    Raises SettingError for a file that is neither, or that holds more than tensors.
    """
    try:
        if path.suffix == ".safetensors" or not path.suffix:
            from safetensors.torch import load_file

            found = load_file(path)
        else:
            # Only tensors and plain containers: whatever else a pickle names is refused.
            found = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # each format's own errors
        raise SettingError(
            f"{path} holds no weights that can be read safely ({error}): give a .safetensors file, or a "
            "state dict saved by torch"
        ) from error
    for wrapper in _WRAPPERS:
        if isinstance(found, dict) and isinstance(found.get(wrapper), dict):
            found = found[wrapper]
    if not isinstance(found, dict) or not all(isinstance(t, torch.Tensor) for t in found.values()):
        raise SettingError(f"{path} holds more than names and tensors: save the network's state_dict() alone")
    return _unprefixed(found)


def _unprefixed(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    for prefix in _PREFIXES:
        inside = {n.removeprefix(prefix): t for n, t in tensors.items() if n.startswith(prefix)}
        if inside:
            return inside
    return tensors


def _hub_place(backbone: str) -> tuple[str, Path]:
    """Address of torchvision's best weights of a backbone, and where torch keeps them."""
    family, _, name = backbone.partition(":")
    if family != TORCHVISION:
        raise SettingError(f"backbone {backbone!r} is on no hub: set weights to a .safetensors or .pth file")
    if find_spec("torchvision") is None:
        raise SettingError(HOW_TO_INSTALL)
    try:
        url = str(import_module("torchvision.models").get_model_weights(name).DEFAULT.url)
    except (ValueError, AttributeError) as error:
        raise SettingError(
            f"torchvision has no weights of {name!r} ({error}): see torchvision.models.list_models()"
        ) from error
    return url, Path(torch.hub.get_dir()) / "checkpoints" / url.rpartition("/")[2]
