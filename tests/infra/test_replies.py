"""The reply table: what was paid for is found again, counted, and purged by student."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from infra.catalog import (
    Catalog,
    ReplyRow,
    Spent,
    add_subjects,
    costs_of,
    find_replies,
    models_seen,
    purge,
    save_replies,
    spent,
)


def reply(key: str, **changes: object) -> ReplyRow:
    told = {
        "provider": "openai", "base_url": "https://a/v1", "model": "m", "mode": "schema",
        "text": f"said {key}", "n_prompt_tokens": 100, "n_completion_tokens": 20, "cost_usd": 0.5,
        "payer": "job",
    }  # fmt: skip
    return ReplyRow(key=key, **{**told, **changes})  # type: ignore[arg-type]


def test_a_kept_reply_is_found_by_its_key_and_others_are_not(catalog: Catalog) -> None:
    kept = reply("a", refusal="no", finish_reason="stop", n_cached_tokens=7, seconds=1.5, subjects=("s1",))
    save_replies(catalog, [kept, reply("b")])
    found = find_replies(catalog, ["a", "c"])
    assert list(found) == ["a"]
    assert found["a"].text == "said a"
    assert (found["a"].refusal, found["a"].n_cached_tokens, found["a"].seconds) == ("no", 7, 1.5)


def test_thousands_of_keys_are_looked_up_at_once(catalog: Catalog) -> None:
    save_replies(catalog, [reply(str(n)) for n in range(2500)])
    assert len(find_replies(catalog, (str(n) for n in range(5000)))) == 2500


def test_of_two_replies_to_one_request_the_first_stands(catalog: Catalog) -> None:
    save_replies(catalog, [reply("a", text="first")])
    save_replies(catalog, [reply("a", text="second"), reply("b")])
    assert {key: row.text for key, row in find_replies(catalog, "ab").items()} == {
        "a": "first",
        "b": "said b",
    }
    assert spent(catalog, "job").n_replies == 2


def test_text_that_no_database_takes_is_kept_without_the_offence(catalog: Catalog) -> None:
    save_replies(catalog, [reply("a", text="nul \0 and \ud800 surrogate")])
    assert find_replies(catalog, "a")["a"].text == "nul  and \ufffd surrogate"


def test_what_a_payer_spent_counts_unknown_prices_apart(catalog: Catalog) -> None:
    save_replies(
        catalog,
        [
            reply("a", n_cached_tokens=40, seconds=1.0),
            reply("b", cost_usd=None, n_prompt_tokens=None, seconds=2.0),
            reply("c", payer="another"),
        ],
    )
    told = spent(catalog, "job")
    assert told == Spent(2, 100, 40, 40, 0.5, 1, 3.0)
    assert told.n_tokens == 140
    assert spent(catalog, "nobody") == Spent()


def test_costs_are_told_by_purpose_and_occasion(catalog: Catalog) -> None:
    rows = [("a", "grade", "iteration 1"), ("b", "grade", "iteration 1"), ("c", "reflect", "iteration 1")]
    save_replies(catalog, [reply(key, purpose=purpose, occasion=when) for key, purpose, when in rows])
    told = {(c.purpose, c.occasion): c.spent.cost_usd for c in costs_of(catalog, "job")}
    assert told == {("grade", "iteration 1"): 1.0, ("reflect", "iteration 1"): 0.5}


def test_purging_a_student_removes_the_texts_and_keeps_what_they_cost(catalog: Catalog) -> None:
    save_replies(
        catalog,
        [
            reply("a", subjects=("s1",)),
            reply("both", subjects=("s1", "s2"), refusal="I will not mark s1"),
            reply("other", subjects=("s2",)),
            reply("none"),
        ],
    )
    before = spent(catalog, "job")
    assert purge(catalog, ["s1"], dry_run=True) == 2
    assert set(find_replies(catalog, ["a", "both", "other", "none"])) == {"a", "both", "other", "none"}
    assert purge(catalog, ["s1"]) == 2
    assert set(find_replies(catalog, ["a", "both", "other", "none"])) == {"other", "none"}
    assert spent(catalog, "job") == before
    with catalog.reading() as connection:
        left = connection.execute(text("SELECT text, refusal FROM replies ORDER BY text")).all()
    assert [tuple(row) for row in left] == [("", ""), ("", ""), ("said none", ""), ("said other", "")]
    assert purge(catalog, ["s1"]) == 0


def test_a_purged_request_can_be_asked_and_kept_again(catalog: Catalog) -> None:
    save_replies(catalog, [reply("a", subjects=("s1",))])
    purge(catalog, ["s1"])
    save_replies(catalog, [reply("a", text="anew", subjects=("s1",))])
    assert find_replies(catalog, "a")["a"].text == "anew"
    assert purge(catalog, ["s1"]) == 1


def test_a_reply_found_for_another_student_is_purged_with_them_too(catalog: Catalog) -> None:
    save_replies(catalog, [reply("a", subjects=("s1",))])
    add_subjects(catalog, {"a": ("s2",), "not there": ("s2",)})
    assert purge(catalog, ["s2"]) == 1
    assert find_replies(catalog, "a") == {}


@pytest.mark.parametrize("fingerprint", ["", "fp_2"])
def test_a_model_that_changed_behind_its_name_is_seen(catalog: Catalog, fingerprint: str) -> None:
    days = [datetime(2026, 10, day, tzinfo=UTC) for day in (1, 2, 3)]
    save_replies(
        catalog,
        [
            reply("a", response_model="m-old", created_at=days[0]),
            reply("b", response_model="m-new", fingerprint=fingerprint, created_at=days[2]),
            reply("c", response_model="m-old", created_at=days[1]),
        ],
    )
    seen = [
        (s.response_model, s.fingerprint, s.n_replies, s.first_at, s.last_at) for s in models_seen(catalog)
    ]
    assert seen == [("m-old", "", 2, days[0], days[1]), ("m-new", fingerprint, 1, days[2], days[2])]
