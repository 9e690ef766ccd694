"""Pages of the reports' look, and files written whole.

Texts are untrusted: a page escapes everything and asks for nothing outside itself.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from domain.errors import InputError

_STYLE = Path(__file__).with_name("style.css")


_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def place(contents: dict[str, str], folder: Path, what: str) -> None:
    """Writes texts by name into `folder`: a new folder whole or not at all, an old one's page last.

    Raises InputError, which calls them `what`, where they cannot be written.
    """
    try:
        _place(contents, folder)
    except OSError as error:
        raise InputError(f"{what} cannot be written to {folder} ({error}): choose another folder") from error


def _place(contents: dict[str, str], folder: Path) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        draft.chmod(0o755)
        for name, text in contents.items():
            (draft / name).write_text(_clean(text), encoding="utf-8", newline="")
        if not folder.exists():
            draft.rename(folder)
            return
        # The page last: whoever sees the new page sees the rest of it too.
        for name in reversed(contents):
            (draft / name).replace(folder / name)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def page_of(template: Path, **values: object) -> str:
    """A page of the reports' look: `template` filled in, everything escaped but our own pictures."""
    # Late: the command line starts without it.
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        # Only for `macros.html.j2`, which the reports share.
        loader=FileSystemLoader(_STYLE.parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    style = _STYLE.read_text(encoding="utf-8")
    return environment.from_string(template.read_text(encoding="utf-8")).render(style=style, **values)


def disarmed(text: str) -> str:
    """A text that no spreadsheet takes for a formula."""
    return "'" + text if text.startswith(_FORMULA_STARTS) else text


def _clean(text: str) -> str:
    """Without what UTF-8 cannot say (lone surrogates) and what no page may hold (control characters)."""
    text = text.encode("utf-8", "replace").decode("utf-8")
    return text.translate(_CONTROLS)


_CONTROLS = dict.fromkeys((*range(9), 11, 12, *range(14, 32), 127), "�")
