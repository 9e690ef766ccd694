"""Jobs held against each other: statistics on hand-made cases, words, and the report."""

import csv
import io
import json
import time
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from selectolax.lexbor import LexborHTMLParser as HTMLParser

from domain.bootstrap import holm, p_value, paired_bootstrap
from domain.comparing import is_sure, names_of
from domain.errors import InputError
from domain.grading.comparison import Contender, Costs, compare
from domain.grading.comparison_report import write_comparison
from domain.grading.comparison_words import as_good, conclusions, leader, verdict
from domain.grading.metrics import qwk
from tests.domain.test_report import ATTACK

N = 120


def golds(n=N, seed=0):
    return np.random.default_rng(seed).integers(0, 5, n).astype(float)


def graded(marks, gold, *, protocol="unseen_answers", start=0, students=None):
    n = len(marks)
    return pd.DataFrame(
        {
            "protocol": protocol, "answer_id": [f"a{k + start}" for k in range(n)], "item_id": "q1",
            "student": [f"s{k % (students or n)}" for k in range(n)], "max_score": 4.0, "step": 1.0,
            "gold": gold, "mark": marks, "score": marks, "automatic": np.arange(n) % 2 == 0,
        }
    )  # fmt: skip


def contender(name, noise, *, seed=1, gold=None, costs=None, frame=None, n=N, **more):
    gold = golds(n) if gold is None else gold
    rng = np.random.default_rng(seed)
    marks = np.clip(np.round(gold + rng.normal(0, noise, len(gold))), 0, 4)
    fields = {
        "job_id": f"{name}-0000-1111", "strategy": name, "model": f"grader-{name} 1", "dataset": "biology",
        "created": "2026-11-20T19:30:00+00:00", "graded": graded(marks, gold) if frame is None else frame,
        "tolerance": 0.1, "promised": 0.9, "costs": costs or Costs(10.0, 3, seconds_per_answer=0.01),
    }  # fmt: skip
    return Contender(**(fields | more))


def test_a_model_against_itself_shows_no_difference():
    one = contender("native", 0.7)
    (part,) = compare([one, replace(one, job_id="other", strategy="transfer")]).parts
    (pair,) = part.pairs
    assert (pair.qwk.value, pair.qwk.low, pair.qwk.high, pair.p) == (0, 0, 0, 1)
    assert pair.same_marks
    assert "gave each of the 120 answers the same mark" in verdict(pair, part, ["native", "transfer"])


def test_a_clear_difference_is_found_in_either_order():
    good, bad = contender("good", 0.3), contender("bad", 1.6, seed=2)
    for order, sign in (([good, bad], -1), ([bad, good], 1)):
        comparison = compare(order)
        (pair,) = comparison.parts[0].pairs
        assert np.sign(pair.qwk.value) == sign
        assert pair.qwk.low * pair.qwk.high > 0
        assert pair.p < 0.01
        assert is_sure(pair)
        said = verdict(pair, comparison.parts[0], names_of(comparison.contenders))
        assert said.startswith("good is better than bad by 0.")
        assert names_of(comparison.contenders)[leader(comparison.parts[0])] == "good"


def test_the_difference_and_its_interval_are_those_of_the_paired_bootstrap():
    gold = golds()
    a, b = contender("a", 0.6, seed=3), contender("b", 0.9, seed=4)
    (part,) = compare([a, b], n=1000).parts
    expected = paired_bootstrap(
        qwk, gold / 4, b.graded["mark"] / 4, a.graded["mark"] / 4, groups=a.graded["student"], n=1000
    )
    assert part.pairs[0].qwk.value == pytest.approx(expected.value)
    # The rows are in another order here, so the draws differ: only the noise of resampling may.
    assert part.pairs[0].qwk.low == pytest.approx(expected.low, abs=0.02)
    assert part.pairs[0].qwk.high == pytest.approx(expected.high, abs=0.02)


def test_equally_good_models_are_rarely_called_different():
    called = 0
    for seed in range(100):
        gold = golds(60, seed)
        pair = [contender(name, 0.8, seed=seed * 7 + k, gold=gold) for k, name in enumerate("ab")]
        called += is_sure(compare(pair, n=400).parts[0].pairs[0])
    assert called <= 12, "the false alarms of a test at 5% on 100 draws"


def test_the_interval_covers_the_true_difference_as_often_as_it_says():
    gold = golds(20_000, 5)
    big = [
        contender(name, noise, seed=k, gold=gold) for k, (name, noise) in enumerate((("a", 0.5), ("b", 1.0)))
    ]
    truth = qwk(gold, big[1].graded["mark"]) - qwk(gold, big[0].graded["mark"])
    covered = 0
    for k in range(100):
        rows = np.random.default_rng(k).choice(len(gold), 80, replace=False)
        part = [replace(one, graded=one.graded.iloc[rows]) for one in big]
        interval = compare(part, n=400).parts[0].pairs[0].qwk
        covered += interval.low <= truth <= interval.high
    assert 86 <= covered <= 100


def test_answers_of_one_student_are_drawn_together():
    gold = golds(240)
    alone = [contender(n, s, gold=gold, seed=k) for k, (n, s) in enumerate((("a", 0.5), ("b", 0.9)))]
    # The same answers by six students whose answers are all alike in how they are marked.
    off = np.repeat([0, 0, 0, 2, 2, 2], 40).astype(float)
    marks = np.clip(gold - off, 0, 4)
    students = np.repeat([f"s{k}" for k in range(6)], 40)
    clustered = [
        replace(alone[0], graded=graded(gold, gold).assign(student=students)),
        replace(alone[1], graded=graded(marks, gold).assign(student=students)),
    ]
    apart = [
        replace(one, graded=one.graded.assign(student=[f"t{k}" for k in range(240)])) for one in clustered
    ]
    together, each = (compare(jobs).parts[0].pairs[0].qwk for jobs in (clustered, apart))
    assert together.high - together.low > 2 * (each.high - each.low)


def test_holm_corrects_in_steps():
    assert holm([0.01, 0.04, 0.03]) == [pytest.approx(0.03), pytest.approx(0.06), pytest.approx(0.06)]
    assert holm([0.5, 0.9]) == [1.0, 1.0]
    with_nan = holm([float("nan"), 0.02])
    assert with_nan[0] != with_nan[0]
    assert with_nan[1] == 0.02


def test_a_p_value_is_never_nought_and_agrees_with_the_interval():
    assert p_value(np.full(2000, 0.1)) == pytest.approx(2 / 2001)
    gaps = np.concatenate([np.full(1960, 0.1), np.full(40, -0.1)])
    assert p_value(gaps) < 0.05
    assert p_value(np.concatenate([gaps[40:], np.full(40, -0.1)])) > 0.05
    assert p_value(np.full(10, np.nan)) != p_value(np.full(10, np.nan))


def test_only_answers_that_all_graded_count_and_the_rest_are_told():
    gold = golds()
    whole = contender("whole", 0.3, gold=gold)
    less = contender("less", 0.3, gold=gold, frame=graded(gold[:100], gold[:100]))
    comparison = compare([whole, less])
    assert comparison.parts[0].n == 100
    assert comparison.n_left_out == (20, 0)
    assert any("20 answers that whole graded are left out" in f.title for f in conclusions(comparison))


def test_answers_that_one_learnt_from_count_for_nobody():
    cheat = contender("cheat", 0.0, learnt_from=frozenset(f"a{k}" for k in range(30)))
    comparison = compare([contender("fair", 0.5), cheat])
    assert comparison.parts[0].n == N - 30
    assert any("taught one of the models" in f.title for f in conclusions(comparison))
    with pytest.raises(InputError, match="training data"):
        compare([contender("fair", 0.5), replace(cheat, learnt_from=frozenset(f"a{k}" for k in range(N)))])


def test_jobs_on_different_answers_are_refused_with_the_remedy():
    other = contender("other", 0.3, frame=graded(golds(), golds(), start=1000), dataset="physics")
    with pytest.raises(InputError, match=r"share no test answers.*--dataset biology"):
        compare([contender("one", 0.3), other])


def test_answers_whose_score_was_corrected_in_between_are_left_out():
    gold = golds()
    corrected = gold.copy()
    corrected[:10] = (corrected[:10] + 1) % 5
    comparison = compare([contender("a", 0.3, gold=gold), contender("b", 0.3, gold=corrected)])
    assert comparison.parts[0].n == N - 10


@pytest.mark.parametrize("jobs", [[], ["a"], ["a", "a"]])
def test_fewer_than_two_different_jobs_are_refused(jobs):
    with pytest.raises(InputError, match="job"):
        compare([contender(name, 0.3) for name in jobs])


def test_protocols_are_compared_apart():
    gold = golds(80)
    frames = [
        pd.concat([graded(g, gold), graded(g, gold, protocol="unseen_items", start=500)])
        for g in (gold, np.roll(gold, 1))
    ]
    comparison = compare([contender(n, 0, frame=f) for n, f in zip("ab", frames, strict=True)])
    assert [part.protocol for part in comparison.parts] == ["unseen_answers", "unseen_items"]
    assert [part.n for part in comparison.parts] == [80, 80]


def test_equal_golds_cannot_be_compared_by_kappa_and_say_so():
    flat = np.full(40, 2.0)
    comparison = compare([contender("a", 0.5, gold=flat), contender("b", 0.9, gold=flat, seed=2)])
    (part,) = comparison.parts
    assert "scores are all equal" in verdict(part.pairs[0], part, ["a", "b"])
    assert leader(part) is None
    assert list(conclusions(comparison))


def test_the_front_holds_what_nobody_beats_in_quality_cost_and_time():
    gold = golds()
    jobs = [
        contender("cheap", 0.9, gold=gold, costs=Costs(1, 1, 0.0, 0.0, 0.001)),
        contender("dear", 0.2, gold=gold, costs=Costs(1, 1, 2.0, 5.0, 0.9)),
        contender("silly", 1.5, gold=gold, costs=Costs(1, 1, 2.0, 9.0, 2.0)),
        contender("unknown", 1.6, gold=gold, costs=Costs(1, 1, None, None, 2.0), seed=9),
    ]
    (part,) = compare(jobs).parts
    assert part.best == (0, 1, 3), "what nobody knows the cost of is not beaten by cost"


def test_of_those_as_good_the_cheapest_is_named():
    gold = golds()
    marks = contender("x", 0.4, gold=gold).graded
    dear = contender("dear", 0.4, frame=marks, costs=Costs(1, 1, 1.0, 4.2, 0.8))
    free = contender("free", 0.4, frame=marks, costs=Costs(1, 1, 0.0, 0.0, 0.01))
    bad = contender("bad", 2.0, gold=gold, seed=5)
    comparison = compare([dear, free, bad])
    assert as_good(comparison.parts[0]) == [0, 1]
    titles = [finding.title for finding in conclusions(comparison)]
    assert "free costs least of those that are not shown to be worse" in titles
    assert any(title.startswith("dear is ahead") for title in titles)


def test_where_a_price_is_unknown_no_cheapest_is_named():
    frame = contender("x", 0.4).graded
    jobs = [contender("a", 0, frame=frame, costs=Costs(1, 1, None, None)), contender("b", 0, frame=frame)]
    assert not [f for f in conclusions(compare(jobs)) if "costs least" in f.title]


def test_many_comparisons_are_corrected_and_say_so():
    gold = golds(60)
    jobs = [contender(f"j{k}", 0.6 + 0.05 * k, gold=gold, seed=k) for k in range(5)]
    (part,) = compare(jobs).parts
    assert len(part.pairs) == 10
    assert all(pair.p_corrected >= pair.p for pair in part.pairs)
    assert "corrected" in verdict(part.pairs[0], part, [j.strategy for j in jobs])
    assert any("corrected for 10 comparisons" in f.text for f in conclusions(compare(jobs)))


def test_two_jobs_of_one_strategy_are_called_by_their_ids():
    jobs = [contender("native", 0.3, job_id="11111111-x"), contender("native", 0.9, job_id="22222222-x")]
    assert names_of(compare(jobs, n=100).contenders) == ["native 11111111", "native 22222222"]


# -- the report -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def four():
    gold = golds()
    return compare(
        [
            contender("native", 0.9, gold=gold, costs=Costs(12.0, 10, 0.0, 0.0, 0.002)),
            contender("transfer", 0.6, gold=gold, seed=2, costs=Costs(40.0, 10, 0.0, 0.0, 0.03)),
            contender("llm", 0.4, gold=gold, seed=3, costs=Costs(300.0, 6, 0.52, 1.31, 0.9, 812.0)),
            contender("other", 1.4, gold=gold, seed=4, costs=Costs(9.0, 2, None, None, 1.4, 700.0)),
        ]
    )


@pytest.fixture(scope="module")
def written(four, tmp_path_factory):
    return write_comparison(four, tmp_path_factory.mktemp("comparisons") / "one")


def test_the_page_asks_for_nothing_outside_itself(written):
    page = HTMLParser(written.html.read_text(encoding="utf-8"))
    assert not page.css("script, link, img, iframe, object, embed, base, form, [src], [srcset], [data]")
    assert not [n for n in page.css("a") if not n.attributes["href"].startswith("#")]
    assert "url(" not in page.css_first("style").text()
    assert "default-src 'none'" in page.css_first("meta[http-equiv]").attributes["content"]


def test_five_files_lie_in_the_folder(written):
    assert sorted(path.name for path in written.html.parent.iterdir()) == [
        "comparison.html", "comparison.json", "comparison.md", "differences.csv", "figures.csv",
    ]  # fmt: skip


def test_the_page_names_every_job_its_cost_and_an_unknown_one(written):
    page = HTMLParser(written.html.read_text(encoding="utf-8"))
    said = page.css_first("#jobs").text()
    for told in ("native", "$1.31", "unknown", "0.9 s", "812", "300.0 s"):
        assert told in said, told
    assert len(page.css("#jobs tbody tr")) == 4
    assert len(page.css("#price figure")) == 2


def test_ids_are_unique_and_tables_have_headers(written):
    page = HTMLParser(written.html.read_text(encoding="utf-8"))
    ids = [node.attributes["id"] for node in page.css("[id]")]
    assert len(ids) == len(set(ids))
    for table in page.css("table"):
        assert table.css("th[scope]") and not table.css("th:not([scope])")


def test_json_and_csv_hold_every_figure(four, written):
    described = json.loads(
        written.json.read_text(encoding="utf-8"), parse_constant=lambda n: pytest.fail(f"{n} is not JSON")
    )
    assert len(described["parts"][0]["pairs"]) == len(described["parts"][0]["verdicts"]) == 6
    assert described["contenders"][3]["costs"]["usd_per_1000_answers"] is None
    figures = list(csv.DictReader(io.StringIO(written.figures.read_text(encoding="utf-8"))))
    differences = list(csv.DictReader(io.StringIO(written.differences.read_text(encoding="utf-8"))))
    assert (len(figures), len(differences)) == (4, 6)
    assert float(figures[2]["qwk"]) == pytest.approx(four.parts[0].standings[2].qwk.value, abs=1e-5)
    assert figures[3]["usd_per_1000_answers"] == ""


def test_hostile_names_stand_as_text_everywhere(tmp_path):
    hostile = contender("native", 0.5, model=ATTACK, dataset=f"=cmd{ATTACK}")
    files = write_comparison(compare([hostile, contender(ATTACK, 0.9, seed=2)], n=100), tmp_path / "c")
    page = HTMLParser(files.html.read_text(encoding="utf-8"))
    assert not page.css("script, img")
    assert ATTACK in page.css_first("#jobs").text()
    assert "<script" not in files.markdown.read_text(encoding="utf-8")
    rows = list(csv.DictReader(io.StringIO(files.figures.read_text(encoding="utf-8"))))
    assert rows[0]["dataset"].startswith("'=")


def test_equal_comparisons_give_equal_bytes(four, written, tmp_path):
    again = write_comparison(compare(four.contenders), tmp_path / "again")
    for name in vars(written):
        assert getattr(written, name).read_bytes() == getattr(again, name).read_bytes()


def test_five_jobs_on_three_thousand_answers_are_compared_in_seconds():
    gold = golds(3000)
    jobs = [contender(f"j{k}", 0.5 + 0.1 * k, gold=gold, seed=k) for k in range(5)]
    started = time.process_time()
    compare(jobs)
    assert time.process_time() - started < 20
