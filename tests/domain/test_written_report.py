"""A text that a model writes about the figures: asked again once, then what is false is dropped."""

import json
import random
from dataclasses import replace

import pytest

from domain.errors import ReplyError
from domain.grading.facts import facts_of
from domain.grading.findings import find
from domain.grading.language_model_use import LanguageModelSection, ModelUse
from domain.grading.written_report import check_text, cited, request_for, write_text
from domain.language_models import Reply
from infra.llm_simulator.responders.report_text import respond, slipping
from tests.domain.test_report import ATTACK, a_report, an_evaluation

REPORT = a_report()
FACTS = facts_of(REPORT, find(REPORT))


class Writer:
    """Answers as a responder of the simulator does, and remembers what it was asked."""

    def __init__(self, responder=respond, cost_usd=0.01):
        self.responder, self.cost_usd, self.requests = responder, cost_usd, []

    def __call__(self, requests):
        self.requests += requests
        return [self.answer(request) for request in requests]

    def answer(self, request):
        messages = [{"role": m.role, "content": m.content} for m in request.messages]
        data = self.responder(messages, request.schema, random.Random(0))
        return Reply(
            json.dumps(data), data, "compatible", "simulated-1", "simulated-1-0611", cost_usd=self.cost_usd
        )


def test_an_honest_text_is_asked_for_once_and_stands_whole():
    writer = Writer()
    written = write_text(FACTS, writer)
    assert len(writer.requests) == 1
    assert (written.n_turns, written.n_dropped, written.failure) == (1, 0, "")
    assert written.model == "compatible:simulated-1-0611"
    assert len(written.summary) >= 2
    assert any("[qwk]" in sentence for sentence in written.summary)
    assert written.findings and written.recommendations


def test_a_false_number_is_told_and_its_correction_taken():
    for slip in ("invented", "another metric", "no source", "link"):
        writer = Writer(slipping(slip, corrects=True))
        written = write_text(FACTS, writer)
        assert (len(writer.requests), written.n_turns, written.n_dropped) == (2, 2, 0), slip
        assert written.cost_usd == 0.02
        told = writer.requests[1].messages[-1].content
        assert "broke rules" in told
        assert written.summary == write_text(FACTS, Writer()).summary


def test_a_false_number_that_stays_costs_its_sentence_and_no_other():
    honest = write_text(FACTS, Writer())
    for slip in ("invented", "another metric", "no source", "wrong way", "link"):
        writer = Writer(slipping(slip, corrects=False))
        written = write_text(FACTS, writer)
        assert len(writer.requests) == 2
        assert written.summary == honest.summary, slip
        assert written.n_dropped == 1
        assert written.dropped[0].why


def test_a_model_that_cannot_be_asked_leaves_a_reason_and_no_text():
    written = write_text(FACTS, lambda requests: [ReplyError("no answer in 900 s", "unavailable")])
    assert written.is_empty
    assert "no answer" in written.failure


def test_where_the_second_asking_fails_what_stood_the_first_time_stands():
    writer = Writer(slipping("invented", corrects=False))

    def ask(requests):
        return writer(requests) if not writer.requests else [ReplyError("spent", "budget")]

    written = write_text(FACTS, ask)
    assert written.summary == write_text(FACTS, Writer()).summary
    assert written.n_dropped == 1


def test_a_worse_second_text_is_not_taken():
    writer = Writer()

    def answer(messages, schema, rng):
        report = slipping("invented", corrects=False)(messages, schema, rng)
        told = any(message["role"] == "assistant" for message in messages)
        return {"summary": "It is 7.", "findings": [], "recommendations": []} if told else report

    writer.responder = answer
    assert write_text(FACTS, writer).summary == write_text(FACTS, Writer()).summary


def test_a_text_without_a_true_sentence_is_empty_and_counted():
    def answer(messages, schema, rng):
        return {"summary": "It is 7. It is 8.", "findings": ["1. It is 9."], "recommendations": []}

    written = write_text(FACTS, Writer(answer))
    assert written.is_empty
    assert written.n_dropped == 3


def test_equal_facts_make_equal_requests_so_that_a_text_is_paid_for_once():
    assert request_for(FACTS) == request_for(facts_of(a_report(), find(a_report())))
    other = facts_of(a_report(an_evaluation(44)))
    assert request_for(other) != request_for(FACTS)


def test_what_writing_costs_is_no_fact_of_the_text():
    grading = ModelUse("openai:m", "grade", 10, 500, 50, 0.1)
    before = replace(REPORT, language_models=LanguageModelSection((grading,)))
    writing = ModelUse("openai:m", "write report", 1, 900, 90, 0.2)
    probe = ModelUse("openai:m", "probe", 1, 22, 8, 0.0, n_unpriced=1)
    after = replace(REPORT, language_models=LanguageModelSection((grading, writing, probe)))
    assert facts_of(before).known["llm.cost"].value == 0.1
    assert request_for(facts_of(before)) == request_for(facts_of(after))
    alone = replace(REPORT, language_models=LanguageModelSection((writing, probe)))
    assert request_for(facts_of(REPORT)) == request_for(facts_of(alone)), "a job that asked nothing else"


def test_an_unknown_cost_is_no_fact_and_no_nought():
    use = ModelUse("openai:m", "grade", 10, 500, 50, 0.1, n_unpriced=1)
    facts = facts_of(replace(REPORT, language_models=LanguageModelSection((use,))))
    assert "llm.cost" not in facts.known
    assert facts.known["llm.tokens"].value == 550


def test_nothing_that_a_stranger_wrote_is_in_the_request():
    report = a_report(an_evaluation(text=ATTACK, item=ATTACK), text=ATTACK)
    request = request_for(facts_of(report, find(report)))
    sent = "\n".join(message.content for message in request.messages)
    for piece in ("alert", "script", "7*7", "javascript", "scan.pdf", "chemistry"):
        assert piece not in sent


def test_every_logged_metric_that_is_a_number_is_a_fact():
    metrics = REPORT.evaluation.metrics.dropna(subset=["value"])
    for row in metrics.itertuples():
        prefix = "new." if row.protocol == "unseen_items" else ""
        assert FACTS.known[prefix + row.metric].value == pytest.approx(row.value, abs=1e-8), row.metric


def test_the_facts_that_a_text_cites_are_listed_once_each():
    written = write_text(FACTS, Writer())
    names = [fact.id for fact in cited(written, FACTS)]
    assert "qwk" in names
    assert len(names) == len(set(names))


def test_a_whole_text_is_checked_sentence_by_sentence():
    value = FACTS.known["qwk"].value
    text = f"The model's QWK is {value:.2f} [qwk]. It is 7. The agreement was 1,000%."
    assert [fault.sentence for fault in check_text(text, FACTS)] == ["It is 7.", "The agreement was 1,000%."]
