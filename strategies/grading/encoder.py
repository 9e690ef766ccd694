"""Sentence embeddings by onnxruntime, from an encoder that was exported once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from strategies.grading.features import Floats

_TOKENS_AT_ONCE = 4096
Tokens = tuple[list[int], list[int]]
"""Ids and type ids of a text."""


def rounded(embeddings: np.ndarray) -> Floats:
    """Unit rows, through half precision: what is stored in a model equals what is computed anew."""
    wide = np.asarray(embeddings, np.float32)
    unit = wide / (np.linalg.norm(wide, axis=1, keepdims=True) + 1e-9)
    return np.asarray(unit.astype(np.float16), np.float32)


@dataclass(frozen=True)
class Encoder:
    """Texts to embeddings of unit length, (n, d)."""

    session: Any
    tokenizer: Any

    @staticmethod
    def from_files(network: Path, tokenizer: Path, described: Mapping[str, Any]) -> Encoder:
        import onnxruntime
        from tokenizers import Tokenizer

        reader = Tokenizer.from_file(str(tokenizer))
        reader.enable_truncation(int(described["max_tokens"]))
        reader.no_padding()
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        session = onnxruntime.InferenceSession(str(network), options, providers=["CPUExecutionProvider"])
        return Encoder(session, reader)

    def __call__(self, texts: Sequence[str], heed: Callable[[], None] = lambda: None) -> Floats:
        """Rounded embeddings of `texts`; `heed` is called before each batch, what it raises ends it."""
        found = np.zeros((len(texts), self.session.get_outputs()[0].shape[1]), np.float32)
        tokens = self._tokens(texts)
        for batch in _batches(tokens):
            heed()
            found[batch] = self._run([tokens[row] for row in batch])
        return rounded(found)

    def batches(self, texts: Sequence[str]) -> list[np.ndarray]:
        """The rows of `texts` that are embedded together."""
        return [np.asarray(batch, np.int64) for batch in _batches(self._tokens(texts))]

    def _tokens(self, texts: Sequence[str]) -> list[Tokens]:
        return [(one.ids, one.type_ids) for one in self.tokenizer.encode_batch(list(texts))]

    def _run(self, tokens: list[Tokens]) -> np.ndarray:
        ids = np.array([one for one, _ in tokens], np.int64)
        feed = {
            "input_ids": ids,
            "attention_mask": np.ones_like(ids),
            "token_type_ids": np.array([types for _, types in tokens], np.int64),
        }
        wanted = {one.name for one in self.session.get_inputs()}
        return np.asarray(self.session.run(None, {k: v for k, v in feed.items() if k in wanted})[0])


def _batches(tokens: Sequence[Tokens]) -> Iterator[list[int]]:
    """Rows of texts of equal length, so that no padding can change an embedding from batch to batch."""
    by_length: dict[int, list[int]] = {}
    for row, (ids, _) in enumerate(tokens):
        by_length.setdefault(len(ids), []).append(row)
    for length, rows in by_length.items():
        at_once = max(1, _TOKENS_AT_ONCE // max(length, 1))
        for start in range(0, len(rows), at_once):
            yield rows[start : start + at_once]
