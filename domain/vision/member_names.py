"""Names inside archives: which are dangerous, which are litter, which may be pictures."""

from __future__ import annotations

import re
import unicodedata

PICTURES = frozenset({"png", "jpg", "jpeg", "jpe", "jfif", "gif", "bmp", "dib", "webp", "tif", "tiff"}) | {
    "pgm", "ppm", "pbm", "pnm",
}  # fmt: skip
_LITTER_FOLDERS = frozenset(
    {"__macosx", ".ipynb_checkpoints", "__pycache__", ".git", "@eadir", ".thumbnails"}
)
_LITTER_FILES = frozenset({"thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r"})
_DEVICE = re.compile(r"(?i)^(con|prn|aux|nul|clock\$|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])(\.|$)")
_DRIVE = re.compile(r"^[A-Za-z]:")
_MOST_CHARACTERS = 1024


def plain(name: str) -> str:
    """`name` with slashes, in Unicode's composed form: one name however the archive was made."""
    return unicodedata.normalize("NFC", name.replace("\\", "/")).removeprefix("./")


def objection(name: str) -> str | None:
    """Why a member of this (plain) name is dangerous, in words; None if it is not."""
    if name.startswith("/") or _DRIVE.match(name):
        return "its name is an absolute path: pack the folder again with paths relative to it"
    parts = name.split("/")
    if ".." in parts:
        return "its name leads out of the archive: pack the folder again"
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in name):
        return "its name has control characters: rename it and pack again"
    if any(_DEVICE.match(part.rstrip(" ")) for part in parts):
        return "its name is that of a device on Windows: rename it and pack again"
    if len(name) > _MOST_CHARACTERS:
        return f"its name is longer than {_MOST_CHARACTERS} characters: shorten it and pack again"
    return None


def litter(name: str) -> str | None:
    """What a member is counted as that systems and tools leave behind; None for one that people put there."""
    *folders, file = name.lower().split("/")
    for folder in folders:
        if folder in _LITTER_FOLDERS:
            return folder
    if file == ".ds_store":
        return file
    if file in _LITTER_FILES:
        return "thumbs.db" if file.endswith("thumbs.db") else file.strip()
    if file.startswith("."):
        return "hidden files"
    hidden = any(folder.startswith(".") and folder not in (".", "..") for folder in folders)
    return "hidden folders" if hidden else None


def other_file(name: str) -> str | None:
    """What a member is counted as that its ending tells to be no picture; None if it may be one."""
    _, dot, ending = name.rpartition("/")[2].rpartition(".")
    # Data sets of old often have no endings at all; decoding tells what those are. Nor is "img.0017" one.
    if not dot or ending.lower() in PICTURES or ending.isdigit() or not ending.isascii() or len(ending) > 8:
        return None
    return f"{ending.lower()} files"
