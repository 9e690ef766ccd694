"""What a reader process does: paths come in as JSON lines, extractions go out as JSON lines.

    {"path": "/…/guide.pdf"}  →  {"extraction": {…}, "text_sha256": "…", "signature": "…hex"}
                              →  {"refused": "guide.pdf is empty: …"}

Readers meet files that strangers made, so they are processes of their own: whatever a file does to
its reader, the run goes on. JSON and not pickle, since a reader's output is as untrusted as the file.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import IO

from domain.documents.language import language_of
from domain.documents.near_duplicates import signature
from domain.documents.reading import extract
from domain.errors import InputError
from domain.identity import hash_text


def warm_up() -> None:
    """Imports and loads what every file needs. Leaves no thread behind: readers are forked after it."""
    # Formats are readers' own: their libraries are imported where such a file turns up.
    from domain.documents import plain_text, structured  # noqa: F401

    sample = "Plants turn light into chemical energy."
    signature(sample)
    language_of(sample)


def read_one(path: Path) -> dict[str, object]:
    """What is sent back for one path; refusals are results, not exceptions."""
    try:
        extraction = extract(path)
    except InputError as refusal:
        return {"refused": str(refusal)}
    return {
        "extraction": extraction.to_fields(),
        "text_sha256": hash_text(extraction.text),
        "signature": signature(extraction.text).hex(),
    }


def serve(requests: Iterable[str], replies: IO[str]) -> None:
    """Answers each request line until the requests end (the parent closed the pipe, or died)."""
    for line in requests:
        replies.write(json.dumps(read_one(Path(json.loads(line)["path"]))) + "\n")
        replies.flush()
