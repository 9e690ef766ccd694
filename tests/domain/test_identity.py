from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.identity import fingerprint, hash_bytes, hash_file, hash_text, normalise_text

GUIDE = "Question 1: Why do plants need light? (3 marks)\nThey turn light into chemical energy."


@pytest.mark.parametrize(
    "variant",
    [
        GUIDE.replace("\n", "\r\n"),
        GUIDE.replace("\n", "\r"),
        GUIDE.replace("\n", "   \n\n\n\t"),
        GUIDE.replace(" ", "\u00a0"),
        GUIDE.replace(" ", "  "),
        "\n\n" + GUIDE + " \n",
        GUIDE.replace("light into", "light\ninto").replace("\nThey", " They"),
        GUIDE.replace("plants", "\uff50lants"),
        GUIDE.replace("\n", "\n\f\n"),
    ],
    ids=[
        "crlf",
        "cr",
        "blank_lines",
        "hard_blanks",
        "double_blanks",
        "margins",
        "rewrapped",
        "wide_letter",
        "page_break",
    ],
)
def test_variants_in_blanks_and_line_ends_are_one_text(variant: str) -> None:
    assert hash_text(variant) == hash_text(GUIDE)


def test_bars_and_bullets_that_a_format_draws_do_not_count() -> None:
    drawn = "Item | Answer | Marks\n• light\n• water\n- carbon dioxide"
    assert hash_text(drawn) == hash_text("Item Answer Marks\nlight\nwater\ncarbon dioxide")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("the answer is 3", "the answer is 4"),
        ("x =\n- 3", "x =\n3"),
        ("a - b", "a b"),
        ("Light", "light"),
        ("in deed", "indeed"),
    ],
)
def test_texts_that_mean_something_else_differ(one: str, other: str) -> None:
    assert hash_text(one) != hash_text(other)


@given(st.text())
def test_normalising_twice_changes_nothing_more(text: str) -> None:
    once = normalise_text(text)
    assert normalise_text(once) == once


@given(st.text(alphabet="ab\u0301\u00e9\ufb01 \t\r\n\f\v\x85\u2028\u3000\u00a0|-•", max_size=40))
def test_normalised_and_original_have_one_identity(text: str) -> None:
    assert hash_text(normalise_text(text)) == hash_text(text)


def test_a_file_and_its_bytes_have_one_name(tmp_path) -> None:
    (tmp_path / "guide.bin").write_bytes(b"\x00guide" * 1000)
    assert hash_file(tmp_path / "guide.bin") == hash_bytes(b"\x00guide" * 1000)


def test_a_fingerprint_ignores_the_order_of_keys_but_not_of_lists() -> None:
    assert fingerprint({"a": 1, "b": [1, 2]}) == fingerprint({"b": [1, 2], "a": 1})
    assert fingerprint({"b": [2, 1], "a": 1}) != fingerprint({"b": [1, 2], "a": 1})


def test_a_fingerprint_refuses_what_json_cannot_say() -> None:
    with pytest.raises(TypeError):
        fingerprint({"a": {1, 2}})
