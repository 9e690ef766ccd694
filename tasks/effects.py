"""What strategies wish for is done here, once: an outcome is kept before it is handed over."""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from domain.errors import SettingError
from domain.identity import fingerprint
from domain.language_models import Answered, AskModel, Request
from infra.embeddings import embed
from infra.settings import load_settings
from strategies.base import Ask, Effect, Outcome


def perform(wish: Effect, scratch: Path, ask: AskModel) -> Outcome:
    """The outcome of a wish, from `scratch` or the reply table where it was granted before."""
    if isinstance(wish, Ask):
        return tuple(ask(wish.requests))
    return embed_once(list(wish.texts), wish.model, scratch)


def embed_once(texts: list[str], model: str, scratch: Path) -> np.ndarray:
    """Remote embeddings, float32 (len(texts), d); the same texts are paid for once."""
    settings = load_settings()
    key = fingerprint([settings.embeddings_base_url, model, texts])
    kept = scratch / "embeddings" / f"{key}.npy"
    if kept.exists():
        return np.load(kept, allow_pickle=False)  # type: ignore[no-any-return]
    if settings.embeddings_api_key is None and settings.embeddings_base_url is None:
        raise SettingError(
            "neither TRAINYARD_EMBEDDINGS_API_KEY nor TRAINYARD_EMBEDDINGS_BASE_URL is set: "
            "export one, or use a local encoder (--set encoder=auto)"
        )
    vectors = embed(
        texts,
        model=model,
        base_url=settings.embeddings_base_url,
        api_key=settings.embeddings_api_key,
    )
    kept.parent.mkdir(parents=True, exist_ok=True)
    content = io.BytesIO()
    np.save(content, vectors, allow_pickle=False)
    half = kept.with_suffix(f".{os.getpid()}.part")
    half.write_bytes(content.getvalue())
    half.replace(kept)
    return vectors


def ask_nobody(requests: Sequence[Request]) -> Sequence[Answered]:
    """For places without a language model."""
    raise SettingError(
        f"{len(requests)} questions to a language model, but none is set: export TRAINYARD_OPENAI_API_KEY"
    )
