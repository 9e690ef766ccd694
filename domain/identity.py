"""Names by content: the same content has the same name on every machine.

Files are SHA-256 of their bytes; documents SHA-256 of their normalised text; structured values
SHA-256 of their canonical JSON.
"""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from pathlib import Path

_BLANKS = re.compile(r"[ \t\f\v\u00a0]+")
_BLANK_LINES = re.compile(r"\n\s*\n+")
_DRAWN = frozenset("|•◦▪■●‣")
# Before a word only: "- 3" and "- x" may be answers.
_LIST_DASH = re.compile(r"^[-–*] (?=[^\W\d_]{2})", re.MULTILINE)

_BLOCK_BYTES = 65_536


def hash_bytes(content: bytes) -> str:
    """SHA-256 as 64 lower-case hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def hash_file(path: Path) -> str:
    """SHA-256 of a file, read in blocks so that its size does not matter."""
    digest = hashlib.sha256()
    # Not hashlib.file_digest: its buffer of 256 KB costs more than a short file.
    with open(path, "rb", buffering=0) as file:  # noqa: PTH123 - as fast as it gets
        while block := file.read(_BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()


def normalise_text(text: str) -> str:
    """NFKC, Unix line ends, runs of blanks collapsed, no blank lines, no blanks at line ends.

    Two files that differ only in these are one document.
    """
    text = unicodedata.normalize("NFKC", text).replace("\r\n", "\n").replace("\r", "\n")
    lines = (_BLANKS.sub(" ", line).strip() for line in text.split("\n"))
    return _BLANK_LINES.sub("\n", "\n".join(lines)).strip()


def hash_text(text: str) -> str:
    """The identity of a text: SHA-256 of the words of its normalised form, in UTF-8.

    Where lines end, and what one format draws and another writes (table bars, list bullets), does not
    count, so a guide is one document whether it is saved as DOCX or as PDF.
    """
    words = _LIST_DASH.sub("", normalise_text(text)).split()
    return hash_bytes(" ".join(word for word in words if word not in _DRAWN).encode("utf-8", "surrogatepass"))


def fingerprint(value: object) -> str:
    """SHA-256 of a value's canonical JSON (sorted keys, no blanks).

    Raises TypeError for what JSON cannot say, so that no identity depends on a `repr`.
    """
    canonical = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hash_bytes(canonical.encode())
