"""Makes files that no reader should trust: cut off, flipped, misnamed, bombs, nested and absurd ones.

    python tests/data/hostile_files.py FOLDER [N] [SEED]

Always the same for a seed. They are made from the examples' own files.
"""

from __future__ import annotations

import io
import random
import struct
import sys
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

EXAMPLES = Path(__file__).parent.parent.parent / "examples"
SUFFIXES = (
    ".pdf",
    ".docx",
    ".txt",
    ".md",
    ".html",
    ".rtf",
    ".json",
    ".csv",
    ".xlsx",
    ".png",
    ".xml",
    ".zip",
    "",
)
Maker = Callable[[random.Random, list[Path]], tuple[bytes, str]]
"""Content, and the ending of the name."""


def flipped(rng: random.Random, sources: list[Path]) -> tuple[bytes, str]:
    """Some bits turned."""
    path = rng.choice(sources)
    content = bytearray(path.read_bytes())
    for _ in range(rng.choice((1, 3, 20, 300))):
        content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
    return bytes(content), path.suffix


def cut(rng: random.Random, sources: list[Path]) -> tuple[bytes, str]:
    """The end is missing, or the beginning."""
    path = rng.choice(sources)
    content = path.read_bytes()
    at = rng.randrange(1, len(content))
    return (content[:at] if rng.random() < 0.8 else content[at:]), path.suffix


def misnamed(rng: random.Random, sources: list[Path]) -> tuple[bytes, str]:
    """The name promises another format."""
    return rng.choice(sources).read_bytes(), rng.choice(SUFFIXES)


def spliced(rng: random.Random, sources: list[Path]) -> tuple[bytes, str]:
    """Two files in one."""
    one, other = rng.choice(sources), rng.choice(sources)
    first, second = one.read_bytes(), other.read_bytes()
    return first[: rng.randrange(len(first))] + second[rng.randrange(len(second)) :], one.suffix


def noise(rng: random.Random, sources: list[Path]) -> tuple[bytes, str]:
    """Bytes of no meaning, perhaps below a known beginning."""
    heads = (
        b"",
        b"%PDF-1.7\n",
        b"PK\x03\x04",
        b"{\\rtf1 ",
        b"<html>",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        b"{",
        b"[",
    )
    return rng.choice(heads) + rng.randbytes(rng.choice((0, 1, 100, 5000))), rng.choice(SUFFIXES)


def zip_bomb(rng: random.Random, sources: list[Path]) -> tuple[bytes, str]:
    """A document whose part unpacks to hundreds of megabytes."""
    stream = io.BytesIO()
    name = rng.choice(("word/document.xml", "xl/workbook.xml", "bomb.txt"))
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        with archive.open(name, "w", force_zip64=True) as part:
            for _ in range(rng.choice((300, 600))):
                part.write(b"\0" * 1_000_000 if rng.random() < 0.5 else b"<a>" * 333_333)
    return stream.getvalue(), rng.choice((".docx", ".zip", ".xlsx"))


def lying_zip(rng: random.Random, sources: list[Path]) -> tuple[bytes, str]:
    """A directory that states another size than its part has."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", "<a>" * 500_000)
    content = bytearray(stream.getvalue())
    at = content.rfind(b"PK\x01\x02")
    content[at + 24 : at + 28] = struct.pack("<I", rng.choice((1, 10, 2**31)))
    return bytes(content), ".docx"


def nested_archive(rng: random.Random, sources: list[Path]) -> tuple[bytes, str]:
    """Archives in archives, and a tar that leads out of its folder."""
    content = rng.choice(sources).read_bytes()
    for depth in range(rng.choice((2, 8))):
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w") as archive:
            archive.writestr(f"{'../' * depth}inner.zip", content)
        content = stream.getvalue()
    if rng.random() < 0.3:
        stream = io.BytesIO()
        with tarfile.open(fileobj=stream, mode="w:gz") as archive:
            told = tarfile.TarInfo("../../etc/passwd")
            told.size = len(content)
            archive.addfile(told, io.BytesIO(content))
        return stream.getvalue(), ".tar.gz"
    return content, rng.choice((".zip", ".docx"))


def deep(rng: random.Random, sources: list[Path]) -> tuple[bytes, str]:
    """Brackets, tags and groups nested far too deep."""
    n = rng.choice((1000, 100_000))
    kind = rng.choice(("json", "html", "rtf", "xml"))
    if kind == "json":
        return b"[" * n + b"]" * n, ".json"
    if kind == "rtf":
        return b"{\\rtf1 " + b"{" * n + b"x" + b"}" * n + b"}", ".rtf"
    return b"<html><body>" + b"<div>" * n + b"x" + b"</div>" * n, f".{kind}"


def entities(rng: random.Random, sources: list[Path]) -> tuple[bytes, str]:
    """A document that asks for the password file, or for a billion laughs."""
    laughs = "".join(f'<!ENTITY l{i} "{f"&l{i - 1};" * 10 if i else "ha"}">' for i in range(10))
    head = f'<?xml version="1.0"?><!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">{laughs}]>'
    space = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    text = "<w:p><w:r><w:t>&x; &l9;</w:t></w:r></w:p>"
    body = f'<w:document xmlns:w="{space}"><w:body>{text}</w:body></w:document>'
    if rng.random() < 0.3:
        return (head + body).encode(), ".xml"
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("word/document.xml", head + body)
    return stream.getvalue(), ".docx"


def looping_pdf(rng: random.Random, sources: list[Path]) -> tuple[bytes, str]:
    """Pages that are their own parents, streams that unpack to far more, a million pages promised."""
    kind = rng.choice(("loop", "bomb", "pages"))
    if kind == "bomb":
        stream = zlib.compress(b"(x) Tj " * 20_000_000)
        return _pdf([b"<</Type/Pages/Kids[3 0 R]/Count 1>>", _page(), _stream(stream)]), ".pdf"
    if kind == "pages":
        return _pdf(
            [b"<</Type/Pages/Kids[3 0 R]/Count 1000000>>", _page(), _stream(zlib.compress(b""))]
        ), ".pdf"
    return _pdf([b"<</Type/Pages/Kids[2 0 R]/Count 1/Parent 2 0 R>>", _page(), _stream(b"")]), ".pdf"


def _page() -> bytes:
    return b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 99999 99999]/Contents 4 0 R>>"


def _stream(content: bytes) -> bytes:
    return b"<</Filter/FlateDecode/Length %d>>stream\n%s\nendstream" % (len(content), content)


def _pdf(objects: list[bytes]) -> bytes:
    told = b"%PDF-1.7\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n"
    for number, content in enumerate(objects, 2):
        told += b"%d 0 obj%s\nendobj\n" % (number, content)
    return told + b"trailer<</Root 1 0 R>>\n%%EOF"


def huge_picture(rng: random.Random, sources: list[Path]) -> tuple[bytes, str]:
    """A PNG of 60,000 by 60,000 points in a few bytes."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        )

    size = rng.choice((60_000, 2**31 - 1))
    header = struct.pack(">IIBBBBB", size, size, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 1_000_000)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body, rng.choice((".png", ".jpg", ".pdf"))


def odd_text(rng: random.Random, sources: list[Path]) -> tuple[bytes, str]:
    """Text that is hard on whoever reads it: endless lines, odd characters, wrong encodings."""
    unit = rng.choice(
        ("1. ", "((((", "a" * 100, "|", "Question 1 [", "\u202e\u200b", "\ud7ff", "[1] ", "\x00a", "&#65;")
    )
    text = unit * (rng.choice((10, 20_000)) * 3 // len(unit) + 1)
    return text.encode(rng.choice(("utf-8", "utf-16", "utf-16-le")), "replace"), rng.choice(
        (".txt", ".md", ".html", ".csv")
    )


MAKERS: tuple[tuple[Maker, int], ...] = (
    (flipped, 30),
    (cut, 20),
    (misnamed, 10),
    (spliced, 10),
    (noise, 8),
    (zip_bomb, 1),
    (lying_zip, 2),
    (nested_archive, 4),
    (deep, 3),
    (entities, 3),
    (looping_pdf, 3),
    (huge_picture, 2),
    (odd_text, 4),
)
"""Each with its share in 100."""


def make(folder: Path, n: int, seed: int = 0) -> list[Path]:
    """Writes `n` hostile files into the folder, which is made."""
    rng = random.Random(f"hostile/{seed}")
    folder.mkdir(parents=True, exist_ok=True)
    sources = sorted(
        path
        for part in ("guides", "submissions")
        for path in (EXAMPLES / part).iterdir()
        if path.stat().st_size > 50
    )
    makers, shares = zip(*MAKERS, strict=True)
    # Of each kind at least one, however few are wanted.
    chosen = [*makers, *rng.choices(makers, shares, k=max(n - len(makers), 0))][:n]
    paths = []
    for i, maker in enumerate(chosen):
        content, suffix = maker(rng, sources)
        path = folder / f"{i:04d}-{maker.__name__}{suffix}"
        path.write_bytes(content)
        paths.append(path)
    return paths


if __name__ == "__main__":
    numbers = [int(given) for given in sys.argv[2:4]]
    made = make(Path(sys.argv[1]), *(numbers or [1000]))
    sys.stdout.write(f"{len(made)} files\n")
