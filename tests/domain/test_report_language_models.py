"""What a report says of language models, and what one wrote in it."""

import json
from dataclasses import replace

import pandas as pd
import pytest
from selectolax.lexbor import LexborHTMLParser as HTMLParser

from domain.grading.facts import facts_of
from domain.grading.findings import find
from domain.grading.language_model_use import (
    Instruction,
    LanguageModelSection,
    ModelUse,
    RenamedModel,
    Ungraded,
)
from domain.grading.language_model_view import changes_of
from domain.grading.report import write_report
from domain.grading.report_input import ReportInput
from domain.grading.written_report import write_text
from domain.grading.written_text import WrittenText
from domain.reports.wording import money
from infra.llm_simulator.responders.report_text import slipping
from tests.domain.test_report import ATTACK, a_report
from tests.domain.test_written_report import Writer

SECTION = LanguageModelSection(
    uses=(
        ModelUse("openai:m-mini", "grade", 420, 310_000, 41_000, 0.31),
        ModelUse("groq:other", "grade", 31, 21_000, 2_000, 0.0, n_unpriced=31),
    ),
    n_asked=200, n_valid_at_once=188, n_repaired=9, n_without_reply=3, n_reused=40, saved_usd=0.034,
    seconds_per_reply=0.84, tokens_per_answer=812.3,
    renamed=(RenamedModel("openai:m-mini", (("m-03", "2026-11-02"), ("m-11", "2026-11-19"))),),
    ungraded=(Ungraded("a41", f"no answer {ATTACK}"),),
    instruction_before="Tick a point.", instruction_after="Tick a point strictly.",
    history=(
        Instruction(1, "Be kind.", 0.58), Instruction(2, "Tick a point strictly.", 0.74, 0.02, kept=True),
    ),
    injection_success_rate=0.0, injection_false_alarm_rate=0.025,
)  # fmt: skip


def with_models(section=SECTION, **more):
    return a_report(language_models=section, strategy="llm", **more)


def with_text(report=None, slip=None):
    report = report or with_models()
    writer = Writer(slipping(slip, corrects=False)) if slip else Writer()
    return replace(report, written=write_text(facts_of(report, find(report)), writer))


def page_of(report, folder):
    return HTMLParser(write_report(report, folder).html.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    return write_report(with_text(slip="invented"), tmp_path_factory.mktemp("reports") / "report")


def test_a_report_without_language_models_has_none_of_it(tmp_path):
    page = page_of(a_report(), tmp_path / "report")
    assert not page.css("#models, #written")
    assert "Language model" not in page.css_first("nav").text()
    assert "Language model" not in (tmp_path / "report" / "report.md").read_text()


def test_the_page_tells_models_tokens_cost_and_validity(written):
    page = HTMLParser(written.html.read_text(encoding="utf-8"))
    said = page.css_first("#models").text()
    for told in ("openai:m-mini", "310,000", "$0.31", "94% (188 of 200)", "$0.034", "0.84 s", "m-11", "a41"):
        assert told in said, told
    assert page.css_first("#models ins").text().strip() == "strictly"


def test_an_unknown_price_is_unknown_and_never_nought(written):
    page = HTMLParser(written.html.read_text(encoding="utf-8"))
    rows = {
        row.css_first("th").text(): row.css("td")[-1].text()
        for row in page.css("#models tbody tr")
        if row.css_first("th")
    }
    assert rows["groq:other"] == rows["All"] == rows["Paid for this job"] == "unknown"
    assert "The price of 31 calls is not known; the others cost $0.31." in page.css_first("#models").text()
    assert [money(v) for v in (None, 0.0, 0.4, 0.0123, 12.5, 0.00001)] == [
        "unknown", "$0", "$0.40", "$0.012", "$12.50", "under $0.0001",
    ]  # fmt: skip


def test_the_text_stands_without_citations_and_each_number_leads_to_its_figure(written):
    page = HTMLParser(written.html.read_text(encoding="utf-8"))
    part = page.css_first("#written")
    assert "[qwk]" not in part.text()
    links = part.css("a.checked")
    assert len(links) >= 4
    for link in links:
        row = page.css_first(f'tr[id="{link.attributes["href"].removeprefix("#")}"]')
        assert row.css_first("th").text() in link.attributes["title"]
    assert links[0].text() == f"{facts_of(with_models()).known['qwk'].value:.2f}"


def test_items_are_called_by_their_labels(written):
    text = HTMLParser(written.html.read_text(encoding="utf-8")).css_first("#written").text()
    assert "Item q" in text
    assert "I1" not in text


def test_the_page_says_who_wrote_and_how_much_was_dropped_and_keeps_the_computed_findings(written):
    page = HTMLParser(written.html.read_text(encoding="utf-8"))
    said = page.css_first("#written").text()
    assert "Written by compatible:simulated-1-0611 from the computed results; numbers checked" in said
    assert "1 sentence was dropped" in said
    assert len(page.css("#findings .findings li")) == len(find(with_models()))
    assert "1 sentence was dropped" in written.markdown.read_text()


def test_a_text_that_was_not_written_says_why_and_the_findings_stand(tmp_path):
    report = with_models(written=WrittenText(failure=f"no answer in 900 s {ATTACK}"))
    page = page_of(report, tmp_path / "report")
    assert "The computed findings stand" in page.css_first("#written").text()
    assert not page.css("script, img")


def test_markup_in_a_written_text_is_text(tmp_path):
    report = with_models(written=WrittenText(model=f"m {ATTACK}", summary=(ATTACK,), findings=((ATTACK,),)))
    files = write_report(report, tmp_path / "report")
    page = HTMLParser(files.html.read_text(encoding="utf-8"))
    assert not page.css("script, img")
    assert "<script>" in page.css_first("#written").text()
    assert "<script" not in files.markdown.read_text(encoding="utf-8")


def test_json_has_the_text_with_its_citations_and_what_was_dropped(written):
    described = json.loads(written.json.read_text(encoding="utf-8"))
    assert "[qwk]" in described["written"]["summary"][0]
    assert described["written"]["dropped"][0]["why"]
    assert {source["anchor"] for source in described["cited"]} >= {"fact-qwk", "fact-agreement"}
    assert described["language_models"]["uses"][1]["n_unpriced"] == 31


def test_equal_inputs_give_equal_bytes_even_through_json(tmp_path):
    report = with_text()
    first = write_report(report, tmp_path / "first")
    second = write_report(ReportInput.from_json(report.to_json()), tmp_path / "second")
    for name in ("html", "markdown", "json"):
        assert getattr(first, name).read_bytes() == getattr(second, name).read_bytes()


def test_ids_stay_unique_and_references_find_them(written):
    page = HTMLParser(written.html.read_text(encoding="utf-8"))
    ids = [node.attributes["id"] for node in page.css("[id]")]
    assert len(ids) == len(set(ids))
    for node in page.css('a[href^="#"]'):
        assert node.attributes["href"].removeprefix("#") in ids


def test_iterations_show_their_cost_and_an_unknown_one_as_unknown(tmp_path):
    curve = pd.DataFrame(
        {"iteration": [1, 2], "seconds": 1.0, "qwk": [0.3, 0.5], "n_tokens": [12_000.0, 13_000.0],
         "cost_usd": [0.1, None]}
    )  # fmt: skip
    page = page_of(with_models(iterations=curve), tmp_path / "report")
    (table,) = [t for t in page.css("#training table") if "cost_usd" in t.text()]
    assert [cell.text() for cell in table.css("tbody td")] == [
        "1", "1", "0.3", "12,000", "0.1", "2", "1", "0.5", "13,000", "unknown",
    ]  # fmt: skip


def test_what_training_changed_in_an_instruction_is_marked():
    kinds = [(c.kind, c.text.strip()) for c in changes_of("Tick each point.", "Tick every point. Quote.")]
    assert kinds == [
        ("same", "Tick"),
        ("gone", "each"),
        ("new", "every"),
        ("same", "point."),
        ("new", "Quote."),
    ]
    assert changes_of("Same.", "Same.") == changes_of("", "Same.")
