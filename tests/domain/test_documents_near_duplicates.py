from __future__ import annotations

import random
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.documents.near_duplicates import (
    SIGNATURE_BYTES,
    NearPair,
    near_groups,
    near_pairs,
    signature,
)

WORDS = [f"word{n}" for n in range(5000)]


def prose(seed: int, n_words: int = 120) -> str:
    return " ".join(random.Random(seed).choices(WORDS, k=n_words))


def signed(**texts: str) -> dict[str, bytes]:
    return {key: signature(text) for key, text in texts.items()}


def test_a_guide_with_one_word_changed_is_a_near_copy_and_another_guide_is_not() -> None:
    words = prose(1).split()
    words[60] = "changed"
    pairs = near_pairs(signed(b=" ".join(words), a=prose(1), c=prose(2)))
    assert [(pair.first, pair.second) for pair in pairs] == [("a", "b")]
    assert 0.85 < pairs[0].similarity < 1


def test_case_punctuation_and_blanks_do_not_count() -> None:
    one, other = "The  ball rolls DOWN.", "the ball, rolls\ndown"
    assert near_pairs(signed(a=one, b=other)) == [NearPair("a", "b", 1.0)]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("it is hot", "it is cold"),
        ("yes", "no"),
        ("x + 2", "x - 2"),
        ("the ball falls because of gravity", "the ball floats because of gravity"),
        ("...", "?"),
    ],
)
def test_short_answers_that_say_something_else_stay_apart(one: str, other: str) -> None:
    assert near_pairs(signed(a=one, b=other)) == []


def test_short_answers_of_the_same_words_are_near() -> None:
    assert near_groups(signed(a="Gravity.", b="gravity", c="mass", d="It is hot", e="it is hot!")) == {
        "a": 0,
        "b": 0,
        "c": 1,
        "d": 2,
        "e": 2,
    }


def test_groups_join_what_is_connected_through_others() -> None:
    chain = [prose(1, 200)]
    for step in range(4):
        words = chain[-1].split()
        words[step * 40 : step * 40 + 4] = [f"new{step}{n}" for n in range(4)]
        chain.append(" ".join(words))
    texts = {f"k{n}": text for n, text in enumerate(chain)}
    signatures = signed(**texts, other=prose(9))
    direct = {(pair.first, pair.second) for pair in near_pairs(signatures)}
    assert ("k0", "k4") not in direct
    groups = near_groups(signatures)
    assert len({groups[f"k{n}"] for n in range(5)}) == 1
    assert groups["other"] != groups["k0"]


def test_many_copies_of_one_answer_make_one_group_and_few_pairs() -> None:
    signatures = {f"{n:04}": signature("I do not know") for n in range(3000)}
    pairs = near_pairs(signatures)
    assert len(pairs) == 2999
    assert {pair.first for pair in pairs} == {"0000"}
    assert set(near_groups(signatures).values()) == {0}


def test_the_order_in_which_texts_come_changes_nothing() -> None:
    signatures = signed(**{f"k{n}": prose(n // 2) + f" end{n}" for n in range(20)})
    shuffled = dict(random.Random(0).sample(list(signatures.items()), len(signatures)))
    assert near_pairs(signatures) == near_pairs(shuffled)
    assert near_groups(signatures) == near_groups(shuffled)
    assert len(near_pairs(signatures)) == 10


def test_nearly_every_pair_above_the_threshold_is_found() -> None:
    signatures = {}
    for n in range(200):
        words = prose(n, 100).split()
        signatures[f"{n:03}a"] = signature(" ".join(words))
        words[50] = words[75] = "changed"  # six runs of 98 differ: a Jaccard index of 0.88
        signatures[f"{n:03}b"] = signature(" ".join(words))
    found = {(pair.first, pair.second) for pair in near_pairs(signatures)}
    assert len(found & {(f"{n:03}a", f"{n:03}b") for n in range(200)}) >= 190
    assert len(found) <= 200


def test_five_thousand_short_texts_take_under_three_seconds() -> None:
    texts = {f"{n:04}": prose(n, 15) for n in range(5000)}
    signature("warm up")
    started = time.process_time()
    assert len(set(near_groups(signed(**texts)).values())) == 5000
    assert time.process_time() - started < 3


def test_a_signature_is_the_same_on_every_machine() -> None:
    written = signature("Plants turn light into chemical energy.")
    assert len(written) == SIGNATURE_BYTES
    assert written[:8].hex() == "fb9b9c22a2aaa228"


def test_a_foreign_signature_is_refused_by_its_key() -> None:
    with pytest.raises(ValueError, match="'b' has 3 bytes, not 512"):
        near_pairs({"a": signature("x"), "b": b"abc"})


@given(st.text())
def test_any_text_has_a_signature_and_is_near_itself(text: str) -> None:
    assert near_pairs(signed(a=text, b=text)) == [NearPair("a", "b", 1.0)]


@given(st.text(max_size=300))
def test_signatures_are_those_of_datasketch(text: str) -> None:
    from datasketch import MinHash

    from domain.documents.near_duplicates import _runs

    sketch = MinHash(128, seed=1, scheme="affine32")
    sketch.update_batch(_runs(text))
    assert signature(text) == sketch.hashvalues.astype("<u4").tobytes()


def test_a_text_of_many_runs_has_the_signature_of_all_of_them() -> None:
    from datasketch import MinHash

    words = [f"w{n}" for n in range(10_000)]
    sketch = MinHash(128, seed=1, scheme="affine32")
    sketch.update_batch(" ".join(words[n : n + 3]).encode() for n in range(9_998))
    assert signature(" ".join(words)) == sketch.hashvalues.astype("<u4").tobytes()
