import zlib
from itertools import pairwise

import numpy as np
import pytest
from PIL import Image

from domain.errors import InputError
from domain.vision.images import Decoded, Shape, decode
from tests.data.pictures import encoded, picture, png

COLOUR, GREY = Shape(24, 3), Shape(24, 1)


def points(decoded: Decoded, shape: Shape = COLOUR) -> np.ndarray:
    return np.frombuffer(decoded.points, np.uint8).reshape(shape.size, shape.size, shape.channels)


def test_a_picture_of_the_right_size_is_its_points() -> None:
    assert np.array_equal(points(decode(png(1), COLOUR)), np.asarray(picture(1)))
    grey = picture(1, channels=1)
    assert np.array_equal(points(decode(encoded(grey), GREY), GREY)[..., 0], np.asarray(grey))


@pytest.mark.parametrize("form", ["JPEG", "GIF", "BMP", "WEBP", "TIFF", "PPM"])
def test_every_format_is_read_whatever_the_name_says(form: str) -> None:
    seen = points(decode(encoded(picture(1), form), COLOUR)).astype(int)
    assert np.abs(seen - np.asarray(picture(1))).mean() < 20


def test_a_wide_picture_is_scaled_to_cover_the_square_and_its_middle_kept() -> None:
    drawn = Image.new("RGB", (90, 30), "red")
    drawn.paste("blue", (30, 0, 60, 30))
    decoded = decode(encoded(drawn), COLOUR)
    assert (decoded.look.width, decoded.look.height) == (90, 30)
    assert (points(decoded)[:, 3:-3] == (0, 0, 255)).all()


def test_a_photo_is_turned_as_its_camera_was_held() -> None:
    drawn = Image.new("RGB", (48, 24), "black")
    drawn.paste("white", (0, 0, 24, 24))
    exif = Image.Exif()
    exif[0x0112] = 6
    decoded = decode(encoded(drawn, "JPEG", exif=exif), COLOUR)
    assert decoded.look.notes == ("turned",)
    assert (decoded.look.width, decoded.look.height) == (24, 48)
    assert points(decoded)[0].mean() > 200 > 50 > points(decoded)[-1].mean()


def test_transparent_parts_become_white() -> None:
    drawn = Image.new("RGBA", (24, 24), (255, 0, 0, 0))
    drawn.paste((0, 0, 255, 255), (0, 0, 12, 24))
    decoded = decode(encoded(drawn), COLOUR)
    assert decoded.look.notes == ("transparent",)
    assert (points(decoded)[:, 12:] == 255).all() and (points(decoded)[:, :12] == (0, 0, 255)).all()


def test_prints_are_turned_from_cmyk_to_colours() -> None:
    decoded = decode(encoded(Image.new("CMYK", (24, 24), (0, 255, 255, 0)), "JPEG"), COLOUR)
    assert decoded.look.notes == ("CMYK",)
    red, green, blue = points(decoded).mean(axis=(0, 1))
    assert red > 150 and green < 100 and blue < 100


def test_16_bits_become_8_alike_for_every_picture() -> None:
    ramp = (np.arange(24 * 24, dtype=np.uint16).reshape(24, 24)) * 100
    decoded = decode(encoded(Image.fromarray(ramp)), GREY)
    assert decoded.look.notes == ("16 bits",)
    assert np.array_equal(points(decoded, GREY)[..., 0], (ramp >> 8).astype(np.uint8))


def test_of_an_animation_the_first_frame_counts() -> None:
    frames = [picture(1), picture(2)]
    content = encoded(frames[0], "WEBP", save_all=True, append_images=frames[1:], lossless=True)
    decoded = decode(content, COLOUR)
    assert decoded.look.notes == ("animated",)
    assert np.abs(points(decoded).astype(int) - np.asarray(frames[0])).mean() < 5


def test_colour_that_is_lost_is_told() -> None:
    assert decode(png(1), GREY).look.notes == ("colour made grey",)
    assert decode(encoded(picture(1, channels=1).convert("RGB")), GREY).look.notes == ()


@pytest.mark.parametrize("form", ["PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF"])
@pytest.mark.parametrize("keep", [0.2, 0.6, 0.95])
def test_a_picture_that_is_cut_off_is_refused(form: str, keep: float) -> None:
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8))
    content = encoded(noise, form)
    with pytest.raises(InputError, match=r"damaged or cut off|no picture"):
        decode(content[: int(len(content) * keep)], COLOUR)


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"<!DOCTYPE html><html>404", "but a web page"),
        (b"%PDF-1.7", "but a PDF"),
        (b"to be added", "but text"),
        (bytes(100), "of a known format:"),
        (b"", "is empty"),
    ],
)
def test_what_is_no_picture_is_said_to_be_what_it_is(content: bytes, what: str) -> None:
    with pytest.raises(InputError, match=what):
        decode(content, COLOUR)


def test_a_picture_that_explodes_is_refused_before_it_is_unpacked() -> None:
    def chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return len(data).to_bytes(4, "big") + body + zlib.crc32(body).to_bytes(4, "big")

    header = (60_000).to_bytes(4, "big") * 2 + bytes([8, 2, 0, 0, 0])
    bomb = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(1000)))
    with pytest.raises(InputError, match="60000 by 60000 points, more than the 50 million"):
        decode(bomb + chunk(b"IEND", b""), COLOUR)


def test_a_strip_is_refused() -> None:
    with pytest.raises(InputError, match="a strip of 600 by 2 points"):
        decode(encoded(Image.new("RGB", (600, 2))), COLOUR)


def test_no_damage_to_a_picture_raises_anything_but_a_reason() -> None:
    random = np.random.default_rng(0)
    for form in ("PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF", "PPM"):
        whole = encoded(picture(1), form)
        for _ in range(60):
            content = bytearray(whole)
            for at in random.integers(0, len(content), 4):
                content[at] = int(random.integers(0, 256))
            try:
                decoded = decode(bytes(content), COLOUR)
            except InputError as refusal:
                assert str(refusal).startswith("it ")
            else:
                assert len(decoded.points) == COLOUR.n_bytes


def test_the_same_picture_decodes_to_the_same_bytes_each_time() -> None:
    content = encoded(picture(3, 200), "JPEG")
    assert len({a.points == b.points for a, b in pairwise(decode(content, COLOUR) for _ in range(4))}) == 1
