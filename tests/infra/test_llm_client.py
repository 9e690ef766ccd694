"""The one door to language models: what comes back, what it costs, and what is never said."""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import inspect, text

from domain.errors import OutsideError, ReplyError, SettingError
from domain.language_models import Reply, Request
from infra.catalog import Catalog, costs_of, purge, spent, upgrade
from infra.llm import Budget, LanguageModels
from infra.llm_simulator.server import Simulator
from tests.llm_client import MODEL, SCHEMA, language_models, question, questions, settings_for
from tests.llm_server import running_simulator

PRICES = """
[[model]]
provider = "compatible"
model = "simulated-*"
input = 1.0
output = 2.0
"""


@pytest.fixture
def server() -> Iterator[Simulator]:
    with running_simulator() as started:
        yield started


@pytest.fixture
def kept(sqlite_url: str) -> Iterator[Catalog]:
    upgrade(sqlite_url)
    with Catalog.open(sqlite_url) as catalog:
        yield catalog


@pytest.fixture
def prices(tmp_path: Path) -> Path:
    path = tmp_path / "prices.toml"
    path.write_text(PRICES)
    return path


def replies(answered: list[Any]) -> list[Reply]:
    assert all(isinstance(one, Reply) for one in answered), answered
    return answered


def errors(answered: list[Any]) -> list[ReplyError]:
    assert all(isinstance(one, ReplyError) for one in answered), answered
    return answered


def test_replies_come_in_the_order_of_the_requests_and_once_a_request(
    server: Simulator, catalog: Catalog
) -> None:
    asked = [*questions(30), *questions(10)]
    with language_models(server.base_url, catalog) as models:
        answered = replies(models.complete(asked, payer="job"))
        n_asked = server.counts()["received"] - 1
        again = replies(models.complete(asked, payer="another job"))
    assert n_asked == 30
    assert answered[:10] == answered[30:]
    assert answered == again
    assert {one.reused for one in again} == {True}
    assert [one.reused for one in answered] == [False] * 30 + [True] * 10
    assert len({one.text for one in answered[:30]}) > 20
    assert all(0 <= one.data["score"] <= 1 and one.mode == "schema" and one.n_turns == 1 for one in answered)
    assert server.counts()["received"] == 31
    told = spent(catalog, "job")
    assert (told.n_replies, told.n_unpriced) == (31, 31)
    assert spent(catalog, "another job").n_replies == 0


def test_a_second_process_finds_what_the_first_one_paid_for(server: Simulator, catalog: Catalog) -> None:
    with language_models(server.base_url, catalog) as models:
        first = models.complete(questions(5))
    n_received = server.counts()["received"]
    with language_models(server.base_url, catalog) as models:
        assert models.complete(questions(5)) == first
    assert server.counts()["received"] == n_received


def test_equal_requests_of_several_threads_share_one_call(kept: Catalog) -> None:
    with running_simulator(latency=0.2) as server, language_models(server.base_url, kept) as models:
        models.complete(questions(1, "first"))
        before = server.counts()["received"]
        answered: list[list[Any]] = []
        threads = [
            threading.Thread(target=lambda: answered.append(models.complete(questions(8)))) for _ in range(6)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert server.counts()["received"] - before == 8
    assert len(answered) == 6
    assert all(replies(one) == answered[0] for one in answered)


def test_another_sampling_or_repeat_is_another_request_but_another_purpose_is_not(
    server: Simulator, kept: Catalog
) -> None:
    with language_models(server.base_url, kept) as models:
        models.complete([question("a")])
        before = server.counts()["received"]
        models.complete([question("a", purpose="audit", subjects=("s1",))])
        assert server.counts()["received"] == before
        models.complete([question("a", repeat=1), question("a", temperature=0.5), question("a", seed=3)])
        models.complete([question("a", max_tokens=99), question("a", schema={**SCHEMA, "title": "other"})])
    assert server.counts()["received"] == before + 5


def test_plain_text_needs_no_schema_and_no_probe(server: Simulator, kept: Catalog) -> None:
    with language_models(server.base_url, kept) as models:
        (one,) = replies(models.complete([question("hello", schema=None)]))
    assert one.text and one.data is None
    assert server.counts()["received"] == 1


def test_an_unreadable_reply_is_shown_to_the_model_once_and_both_turns_are_paid(
    kept: Catalog, prices: Path
) -> None:
    with running_simulator(faults={"wrong_shape": 1.0}, fault_times=1) as server:
        server.set(faults={})
        with language_models(server.base_url, kept, llm_price_file=prices) as models:
            models.complete(questions(1, "first"))
            server.set(faults={"wrong_shape": 1.0}, fault_times=1)
            (one,) = replies(models.complete([question("a")], payer="job"))
            again = replies(models.complete([question("a")], payer="job"))
    assert one.n_turns == 2
    assert set(one.data) == {"score", "why"}
    told = spent(kept, "job")
    assert told.n_replies == 2
    assert (one.n_prompt_tokens, one.n_completion_tokens) == (told.n_prompt_tokens, told.n_completion_tokens)
    assert one.cost_usd == pytest.approx(told.cost_usd)
    assert again == [one] and again[0].reused


def test_a_reply_that_stays_unreadable_is_an_error_for_its_row_and_is_not_paid_for_again(
    server: Simulator, kept: Catalog
) -> None:
    with language_models(server.base_url, kept) as models:
        models.complete(questions(1, "first"))
        server.set(faults={"wrong_shape": 1.0})
        (error,) = errors(models.complete([question("a")]))
        n_received = server.counts()["received"]
        assert models.complete([question("a")]) == [error]
    assert error.kind == "unreadable"
    assert "asked twice: it does not fit the schema" in str(error)
    assert server.counts()["received"] == n_received


def test_limits_on_numbers_are_checked_here(server: Simulator, kept: Catalog) -> None:
    strict = {**SCHEMA, "properties": {**SCHEMA["properties"], "why": {"type": "string", "pattern": "^Z"}}}  # type: ignore[dict-item]
    with language_models(server.base_url, kept) as models:
        (error,) = errors(models.complete([question("a", schema=strict)]))
    assert error.kind == "unreadable" and "'why'" in str(error)


def test_a_request_that_the_server_rejects_concerns_that_request_alone(
    server: Simulator, kept: Catalog
) -> None:
    with language_models(server.base_url, kept) as models:
        good, bad, also_good = models.complete([question("a"), Request(()), question("b")])
    assert isinstance(good, Reply) and isinstance(also_good, Reply)
    assert isinstance(bad, ReplyError) and bad.kind == "rejected"
    assert "status 400: Missing required parameter: 'messages'" in str(bad)


@pytest.mark.parametrize(
    ("support", "mode"),
    [
        ({}, "schema"),
        ({"schemas": "rejected"}, "json"),
        ({"schemas": "ignored"}, "json"),
        ({"schemas": "ignored", "json_mode": "rejected"}, "tool"),
        ({"schemas": "rejected", "json_mode": "rejected", "tools": "rejected"}, "text"),
        ({"schemas": "ignored", "json_mode": "rejected", "tools": "ignored"}, "text"),
    ],
)
def test_the_best_way_that_an_endpoint_honours_is_found_once_and_remembered(
    support: dict[str, Any], mode: str, kept: Catalog
) -> None:
    with running_simulator(**support) as server:
        with language_models(server.base_url, kept) as models:
            answered = replies(models.complete(questions(10)))
        n_probes = server.counts()["by_schema"]["probe"]
        with language_models(server.base_url, kept) as models:
            replies(models.complete(questions(10, "more")))
        assert server.counts()["by_schema"]["probe"] == n_probes <= 6
    assert {one.mode for one in answered} == {mode}
    assert {one.n_turns for one in answered} == {1}


def test_an_endpoint_that_stops_honouring_schemas_is_demoted(server: Simulator, kept: Catalog) -> None:
    with language_models(server.base_url, kept, llm_concurrency=2) as models:
        assert replies(models.complete([question("a")]))[0].mode == "schema"
        server.set(schemas="ignored")
        later = models.complete(questions(60))
    assert all(isinstance(one, Reply) for one in later)
    assert [one.mode for one in replies(later)[-20:]] == ["json"] * 20


def test_an_endpoint_that_begins_to_reject_schemas_is_asked_otherwise(
    server: Simulator, kept: Catalog
) -> None:
    with language_models(server.base_url, kept) as models:
        models.complete([question("a")])
        server.set(schemas="rejected")
        assert {one.mode for one in replies(models.complete(questions(30)))} == {"json"}
        before = server.counts()["received"]
        models.complete(questions(30, "more"))
        assert server.counts()["received"] - before == 30


def test_groq_and_deepseek_are_asked_with_their_own_sdk_and_address(server: Simulator, kept: Catalog) -> None:
    with language_models(
        "http://127.0.0.1:1", kept, llm_models=f"groq:{MODEL},deepseek:{MODEL},openai:{MODEL}",
        groq_api_key="k1", groq_base_url=server.groq_url, deepseek_api_key="k2",
        deepseek_base_url=server.root_url, openai_api_key="k3", openai_base_url=server.base_url,
    ) as models:  # fmt: skip
        assert models.names == (f"groq:{MODEL}", f"deepseek:{MODEL}", f"openai:{MODEL}")
        names = ("groq", "deepseek", "openai")
        answered = replies(models.complete([question("a", model=f"{name}:{MODEL}") for name in names]))
        assert [one.provider for one in answered] == list(names)
        assert all(one.n_prompt_tokens and one.response_model == MODEL for one in answered)
        # What one provider said is no reply of another's.
        assert server.counts()["by_schema"]["mark"] == 3


def fallback(server: Simulator, other: Simulator, catalog: Catalog, **given: Any) -> Any:
    return language_models(
        server.base_url, catalog, llm_models=f"compatible:{MODEL},openai:{MODEL}", openai_api_key="k",
        openai_base_url=other.base_url, **given,
    )  # fmt: skip


@pytest.mark.parametrize("fault", ["quota", "rate_limited_long", "error_503"])
def test_where_one_provider_has_no_reply_the_next_one_is_asked(
    fault: str, server: Simulator, kept: Catalog
) -> None:
    with running_simulator(faults={fault: 1.0}) as broken:
        with fallback(broken, server, kept, llm_deadline_seconds=5.0) as models:
            answered = replies(models.complete(questions(40)))
        n_received = broken.counts()["received"], server.counts()["received"]
        assert {one.provider for one in answered} == {"openai"}
        with fallback(broken, server, kept) as models:
            assert models.complete(questions(40)) == answered
        assert (broken.counts()["received"], server.counts()["received"]) == n_received
        if fault == "error_503":
            # The open circuit spares the broken server the rest.
            assert n_received[0] < 40


def test_a_long_retry_after_without_another_provider_ends_soon_and_says_so(kept: Catalog) -> None:
    with (
        running_simulator(faults={"rate_limited_long": 1.0}) as server,
        language_models(server.base_url, kept, llm_deadline_seconds=20.0) as models,
    ):
        answered = errors(models.complete(questions(20)))
    assert {one.kind for one in answered} == {"unavailable"}
    assert "asks to come back in 150 s" in str(answered[0])


@pytest.mark.parametrize("limit", ["tokens", "usd"])
def test_a_budget_ends_a_run_cleanly_and_what_was_paid_counts_the_next_time(
    limit: str, kept: Catalog, prices: Path
) -> None:
    with (
        running_simulator(latency=0.01) as server,
        language_models(server.base_url, kept, llm_price_file=prices, llm_concurrency=8) as models,
    ):
        models.complete(questions(1, "first"))
        asked = questions(200, max_tokens=100)
        budget = Budget(tokens=5000) if limit == "tokens" else Budget(usd=0.006)
        answered = models.complete(asked, payer="job", budget=budget)
        told = spent(kept, "job")
        refused = [one for one in answered if isinstance(one, ReplyError)]
        assert 0 < len(refused) < 200
        assert {one.kind for one in refused} == {"budget"}
        assert "TRAINYARD_LLM_BUDGET_" in str(refused[0])
        used = told.n_tokens / 5000 if limit == "tokens" else told.cost_usd / 0.006
        assert 0.9 < used <= 1.0
        before = server.counts()["received"]
        again = models.complete(asked, payer="job", budget=budget)
        assert server.counts()["received"] - before <= 1
        assert sum(isinstance(one, Reply) for one in again) >= 200 - len(refused)
        # Another payer has a purse of its own.
        assert isinstance(models.complete([question("new")], payer="other", budget=budget)[0], Reply)


def test_a_budget_in_dollars_needs_a_price(server: Simulator, kept: Catalog) -> None:
    with language_models(server.base_url, kept) as models:
        with pytest.raises(SettingError, match=r"price of compatible:simulated-1 is unknown.*PRICE_FILE"):
            models.complete([question("a")], budget=Budget(usd=1.0))
        replies(models.complete([question("a")], budget=Budget(tokens=10_000)))


def test_costs_are_told_by_purpose_and_occasion(server: Simulator, kept: Catalog, prices: Path) -> None:
    with language_models(server.base_url, kept, llm_price_file=prices) as models:
        models.complete(questions(3), payer="job", occasion="iteration 1")
        models.complete([question("b", purpose="reflect")], payer="job", occasion="iteration 2")
    told = {(one.purpose, one.occasion): one.spent for one in costs_of(kept, "job")}
    assert told["grade", "iteration 1"].n_replies == 3
    assert told["reflect", "iteration 2"].n_replies == 1
    for one in told.values():
        assert one.cost_usd == pytest.approx((one.n_prompt_tokens + 2 * one.n_completion_tokens) / 1e6)


def test_a_purged_student_is_asked_about_anew(server: Simulator, kept: Catalog) -> None:
    with language_models(server.base_url, kept) as models:
        models.complete([question("a", subjects=("s1",)), question("b", subjects=("s2",))])
        # Found in the table for another student: it is about that one, too.
        models.complete([question("b", subjects=("s3",))])
        assert purge(kept, ["s1"]) == 1
        assert purge(kept, ["s3"]) == 1
        n_received = server.counts()["received"]
        models.complete([question("a"), question("b")])
    assert server.counts()["received"] == n_received + 2


def test_a_model_that_changes_behind_its_name_is_reported(
    server: Simulator, kept: Catalog, caplog: pytest.LogCaptureFixture
) -> None:
    with language_models(server.base_url, kept) as models:
        models.complete(questions(3))
        assert models.changed_models() == []
    server.set(swap_after=0)
    with language_models(server.base_url, kept) as models, caplog.at_level(logging.WARNING):
        models.complete(questions(5, "later"))
        assert [seen.response_model for seen in models.changed_models()] == [MODEL, "simulated-1-next"]
    warned = [record.message for record in caplog.records if "now answers as" in record.message]
    assert len(warned) == 1 and "simulated-1-next (before: simulated-1)" in warned[0]


def test_what_cannot_be_set_right_by_waiting_is_a_setting_error(server: Simulator, kept: Catalog) -> None:
    with (
        language_models(server.base_url, kept, llm_api_key="bad-key") as models,
        pytest.raises(SettingError, match=r"refuses the key of compatible .*TRAINYARD_LLM_API_KEY"),
    ):
        models.complete(questions(5))
    with (
        language_models(server.base_url, kept, llm_models="compatible:gpt-x") as models,
        pytest.raises(SettingError, match=r"knows no model 'gpt-x'.*trainyard models"),
    ):
        models.complete(questions(5))
    settings = settings_for(server.base_url, Path("x"), llm_base_url=None, llm_models="")
    models = LanguageModels.open(settings, kept)
    assert models.names == ()
    assert models.offered() == []
    with pytest.raises(SettingError, match=r"no language model is set up: export TRAINYARD_OPENAI_API_KEY"):
        models.complete(questions(1))


@pytest.mark.parametrize(
    ("named", "told"),
    [
        ("openai:gpt-6-luna", "TRAINYARD_OPENAI_API_KEY is not set"),
        ("gpt-6-luna", "write provider:model"),
        ("acme:best", "openai, deepseek, groq, compatible"),
    ],
)
def test_a_name_that_cannot_be_asked_is_refused_at_once(named: str, told: str, kept: Catalog) -> None:
    with pytest.raises(SettingError, match=told):
        LanguageModels.open(settings_for("http://127.0.0.1:1", Path("x"), llm_models=named), kept)


def test_a_server_with_one_model_needs_no_name_and_one_with_several_does(kept: Catalog) -> None:
    with running_simulator(models=("only",), retiring={}) as server:
        with language_models(server.base_url, kept, llm_models="") as models:
            assert models.names == ("compatible:only",)
            replies(models.complete(questions(2)))
        server.set(models=["one", "two"])
        with (
            language_models(server.base_url, kept, llm_models="") as models,
            pytest.raises(SettingError, match=r"offers 2 models \(one, two\).*compatible:NAME"),
        ):
            models.complete(questions(1))
    with (
        language_models("http://127.0.0.1:9/v1", kept, llm_models="") as models,
        pytest.raises(SettingError, match="does not say which models it offers"),
    ):
        models.complete(questions(1))


def test_what_endpoints_offer_is_listed_with_shutdowns_and_those_that_fail_with_the_reason(
    server: Simulator, kept: Catalog, prices: Path
) -> None:
    with language_models(
        server.base_url, kept, llm_price_file=prices, groq_api_key="k", groq_base_url="http://127.0.0.1:9",
        openai_api_key="bad-key", openai_base_url=server.base_url,
    ) as models:  # fmt: skip
        offered = models.offered()
    listed = {one.model: one for one in offered if one.provider == "compatible"}
    assert set(listed) == {"simulated-1", "simulated-2", "simulated-old"}
    assert str(listed["simulated-old"].shutdown) == "2026-12-31"
    assert listed[MODEL].in_use and not listed["simulated-2"].in_use
    assert (listed[MODEL].input_usd, listed[MODEL].output_usd) == (1.0, 2.0)
    problems = {one.provider: one.problem for one in offered if one.problem}
    assert set(problems) == {"groq", "openai"}
    assert "no connection" in problems["groq"]
    assert "status 401" in problems["openai"]


def test_no_key_or_password_is_in_any_log_error_or_table(
    kept: Catalog, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    secrets = ("sk-marked-0123456789", "pw-marked-42")
    caplog.set_level(logging.DEBUG)
    told: list[str] = []
    with running_simulator(faults={"error_500": 0.3, "error_in_200": 0.3}) as server:
        with_password = server.base_url.replace("http://", f"http://user:{secrets[1]}@")
        tries = [(server.base_url, ()), (with_password, ()), (server.base_url, secrets[:1])]
        for n, (address, bad) in enumerate(tries):
            server.set(bad_keys=list(bad))
            with language_models(address, kept, llm_api_key=secrets[0], llm_deadline_seconds=3.0) as models:
                told.append(repr(models.offered()))
                try:
                    told.append(repr(models.complete(questions(20, f"answer{n}"))))
                except SettingError as error:
                    told.append(str(error))
        assert server.counts()["received"] > 20
    told += [record.getMessage() for record in caplog.records] + list(capfd.readouterr())
    with kept.reading() as connection:
        for table in inspect(connection).get_table_names():
            told += [repr(row) for row in connection.execute(text(f"SELECT * FROM {table}"))]
    everything = "\n".join(told)
    found = [word for word in ("simulated-1", "refuses the key", *secrets) if word in everything]
    assert found == ["simulated-1", "refuses the key"]


def test_a_key_that_is_an_ordinary_word_changes_no_reply(server: Simulator, kept: Catalog) -> None:
    with language_models(server.base_url, kept, llm_api_key="score") as models:
        plain = models.complete(questions(3))
    assert all(isinstance(one, Reply) and "score" in one.text for one in plain), plain


def test_closing_keeps_what_has_arrived_and_can_be_done_twice(server: Simulator, kept: Catalog) -> None:
    models = LanguageModels.open(settings_for(server.base_url, Path("x")), kept)
    models.complete(questions(3), payer="job")
    models.close()
    models.close()
    assert spent(kept, "job").n_replies == 4
    assert all(one.reused for one in replies(models.complete(questions(3))))
    models.close()


def test_a_reply_that_cannot_be_kept_is_not_used_and_the_client_recovers(
    server: Simulator, sqlite_url: str
) -> None:
    upgrade(sqlite_url)
    holder = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)
    with (
        Catalog.open(sqlite_url, busy_seconds=0.2) as catalog,
        language_models(server.base_url, catalog) as models,
    ):
        models.complete(questions(1, "first"))
        holder.execute("BEGIN IMMEDIATE")
        with pytest.raises(OutsideError, match="locked by another process"):
            models.complete(questions(5))
        holder.execute("ROLLBACK")
        # Those that waited behind the one that failed may have been kept since: they are not lost either.
        assert sum(not one.reused for one in replies(models.complete(questions(5)))) >= 1
    holder.close()
