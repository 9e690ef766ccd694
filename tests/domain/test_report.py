import csv
import io
import json
import re
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from selectolax.lexbor import LexborHTMLParser as HTMLParser

from domain.contracts import Rejection
from domain.errors import InputError
from domain.grading.evaluation import evaluate
from domain.grading.report import ReportInput, write_report
from domain.grading.report_input import DataSection, DocumentCount, NearDuplicate
from domain.reports.job import Choice, Duplicate, JobFacts, Problem, Timing

ATTACK = "<script>alert('x')</script><img src=x onerror=alert(1)> $x^$ {{ 7*7 }} `a` | [b](javascript:c)"


def an_evaluation(n=40, *, text="water moves", item="q", max_score=4.0, threshold=0.5):
    rng = np.random.default_rng(0)
    answers, grades = [], []
    for k in range(2 * n):
        gold = float(rng.integers(0, 5)) * max_score / 4
        name, item_id = f"a{k}", f"{item}{k % 3}"
        test = k >= n
        answers.append(
            {
                "answer_id": name, "item_id": item_id, "student": f"s{k // 3}", "text": f"{text} {k}",
                "max_score": max_score, "gold": gold, "second_gold": gold if k % 2 else np.nan,
                "split": "test" if test else "train",
                "protocol": ("unseen_items" if k % 3 == 2 else "unseen_answers") if test else "",
            }
        )  # fmt: skip
        if test:
            score = float(np.clip(gold + rng.normal(0, 0.25) * max_score, 0, max_score))
            grades.append(
                {
                    "answer_id": name, "item_id": item_id, "score": score, "mark": float(round(score)),
                    "max_score": max_score, "confidence": rng.random(), "refer": False, "rationale": text,
                }
            )  # fmt: skip
    return evaluate(pd.DataFrame(grades), pd.DataFrame(answers), threshold=threshold)


def a_report(evaluation=None, *, text="water moves", **more):
    data = DataSection(
        3, 80, 27, {"train": 40, "test": 40}, "f" * 64, n_quarantined=1,
        documents=(DocumentCount("guide", "application/pdf", "pypdf", 2),),
        duplicates=(Duplicate(f"copy {text}.pdf", "guide.pdf"),),
        near_duplicates=(NearDuplicate("a.txt", "b.txt", 0.934),),
        quarantine=(Rejection("Answers", "a9", "gold", "gold_within_max_score", text),),
        unreadable=(Problem("scan.pdf", f"encrypted {text}"),),
        unbalanced=(Problem("chemistry.docx", "38 of 40"),),
    )  # fmt: skip
    fields = {
        "title": f"Biology {text}",
        "job": JobFacts(
            "job-7", "2026-11-20T19:30:00Z", text, "http://127.0.0.1:4200/runs/1", "", "grader", "3"
        ),
        "strategy": "native",
        "choices": (Choice("llm", f"no API key {text}"), Choice("native")),
        "hyperparameters": {"learning_rate": 0.01, "blend": {"per_item": 0.7}, "note": text},
        "data": data,
        "iterations": pd.DataFrame(
            {"iteration": [1, 2, 3], "seconds": 1.0, "qwk": [0.3, 0.5, 0.6], "train_loss": [3.0, 2.0, np.nan]}
        ),
        "evaluation": evaluation or an_evaluation(text=text),
        "timings": (Timing("train", 12.34),),
    } | more
    return ReportInput(**fields)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    return write_report(a_report(), tmp_path_factory.mktemp("reports") / "report")


def page_of(report, folder):
    return HTMLParser(write_report(report, folder).html.read_text(encoding="utf-8"))


def test_four_files_lie_in_the_folder_and_nothing_else(written):
    names = sorted(path.name for path in written.html.parent.iterdir())
    assert names == ["predictions.csv", "report.html", "report.json", "report.md"]
    assert [path.name for path in written.html.parent.parent.iterdir()] == ["report"]


def test_the_page_asks_for_nothing_outside_itself(written):
    page = HTMLParser(written.html.read_text(encoding="utf-8"))
    assert not page.css("script, link, img, iframe, object, embed, base, form")
    loaded = page.css("[src], [srcset], [data], [poster]")
    assert not loaded
    style = page.css_first("style").text()
    assert "url(" not in style
    assert "@import" not in style
    assert "default-src 'none'" in page.css_first("meta[http-equiv]").attributes["content"]


def test_hostile_texts_stand_on_the_page_as_text(tmp_path):
    hostile = a_report(an_evaluation(text=ATTACK, item=ATTACK), text=ATTACK)
    page = page_of(hostile, tmp_path / "report")
    assert not page.css("script, img")
    assert not [n for n in page.css("*") if any(name.startswith("on") for name in n.attributes)]
    assert not [n for n in page.css("a") if not n.attributes["href"].startswith(("#", "http://"))]
    assert ATTACK in page.css_first("h1").text()
    assert ATTACK in page.css_first("blockquote").text()
    assert ATTACK in page.css_first("#data").text()


def test_hostile_texts_are_no_markup_in_markdown(tmp_path):
    text = write_report(a_report(text=ATTACK), tmp_path / "report").markdown.read_text(encoding="utf-8")
    assert "<script" not in text
    assert r"\[b\](javascript" in text
    assert not re.search(r"(?<!\\)\]\(", text)
    assert "&lt;script&gt;" in text


def test_a_link_that_is_not_http_is_no_link(tmp_path):
    job = JobFacts("job-7", "", mlflow_run_url="javascript:alert(1)", flow_run_url="https://prefect/runs/1")
    page = page_of(a_report(job=job), tmp_path / "report")
    links = [node.attributes["href"] for node in page.css("#job a")]
    assert links == ["https://prefect/runs/1"]


def test_a_formula_in_an_answer_is_disarmed_in_the_csv(tmp_path):
    evaluation = an_evaluation(text='=HYPERLINK("http://x")')
    written = write_report(a_report(evaluation), tmp_path / "report")
    rows = list(csv.DictReader(io.StringIO(written.csv.read_text(encoding="utf-8"), newline="")))
    assert len(rows) == 40
    assert all(row["text"].startswith("'=HYPERLINK") for row in rows)
    assert {"gold", "score", "mark", "confidence", "second_gold", "agreed"} <= set(rows[0])


def test_control_characters_and_lone_surrogates_do_not_stop_the_report(tmp_path):
    evaluation = an_evaluation(text="a\x00b\x1bc", item="Frage\x07 日本")
    report = a_report(evaluation, title="caf\udce9", hyperparameters={"patience": float("inf")})
    written = write_report(report, tmp_path / "report")
    assert "\x00" not in written.html.read_text(encoding="utf-8")
    described = json.loads(written.json.read_text(encoding="utf-8"))
    assert described["title"] == "caf?"
    assert described["hyperparameters"] == {"patience": None}


def test_every_id_on_the_page_is_there_once_and_every_reference_finds_its_id(written):
    page = HTMLParser(written.html.read_text(encoding="utf-8"))
    ids = [node.attributes["id"] for node in page.css("[id]")]
    assert len(ids) == len(set(ids))
    for node in page.css("use"):
        assert (node.attributes.get("xlink:href") or node.attributes["href"]).removeprefix("#") in ids
    for node in page.css("nav a"):
        assert node.attributes["href"].removeprefix("#") in ids


def test_every_picture_says_in_words_what_it_shows(written):
    pictures = HTMLParser(written.html.read_text(encoding="utf-8")).css("figure")
    assert len(pictures) >= 7
    for picture in pictures:
        svg = picture.css_first("svg")
        assert svg.attributes["role"] == "img"
        assert svg.attributes["aria-label"].split(".")[0] in picture.css_first("figcaption").text()


def test_the_findings_and_key_figures_are_those_of_the_evaluation(written):
    page = HTMLParser(written.html.read_text(encoding="utf-8"))
    evaluation = an_evaluation()
    tiles = [node.text() for node in page.css(".tiles .value")]
    assert tiles[0] == f"{evaluation.figure('unseen_answers', 'qwk').value:.2f}"
    described = json.loads(written.json.read_text(encoding="utf-8"))
    titles = [node.text() for node in page.css(".findings h3")]
    assert [f["severity"] + f["title"] for f in described["findings"]] == titles


def test_tables_have_headers_with_scopes(written):
    for table in HTMLParser(written.html.read_text(encoding="utf-8")).css("table"):
        assert table.css("th[scope]")
        assert not table.css("th:not([scope])")


def test_json_is_strict_and_leaves_the_answers_to_the_csv(written):
    text = written.json.read_text(encoding="utf-8")
    described = json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    assert "graded" not in described["evaluation"]
    assert described["hyperparameters"]["blend"] == {"per_item": 0.7}
    assert described["data"]["duplicates"][0]["equals"] == "guide.pdf"


def test_equal_inputs_give_equal_bytes_even_through_json(tmp_path):
    report = a_report()
    first = write_report(report, tmp_path / "first")
    second = write_report(ReportInput.from_json(report.to_json()), tmp_path / "second")
    for name in ("html", "markdown", "json", "csv"):
        assert getattr(first, name).read_bytes() == getattr(second, name).read_bytes()


def test_reports_written_at_once_by_threads_are_those_written_alone(tmp_path):
    reports = [a_report(), a_report(an_evaluation(max_score=1.0))]
    alone = [write_report(r, tmp_path / f"alone{k}").html.read_bytes() for k, r in enumerate(reports)]
    with ThreadPoolExecutor(2) as threads:
        together = threads.map(write_report, reports, [tmp_path / "one", tmp_path / "two"])
        assert [written.html.read_bytes() for written in together] == alone


def test_something_else_than_a_reports_input_is_refused_by_name():
    with pytest.raises(InputError, match="not a report's input"):
        ReportInput.from_json('{"title": 3}')


def test_an_older_report_is_replaced_and_other_files_stay(tmp_path):
    folder = tmp_path / "report"
    write_report(a_report(title="Old"), folder)
    (folder / "notes.txt").write_text("mine")
    written = write_report(a_report(title="New"), folder)
    assert HTMLParser(written.html.read_text()).css_first("h1").text() == "New"
    assert (folder / "notes.txt").read_text() == "mine"
    assert [path.name for path in tmp_path.iterdir()] == ["report"]


def test_a_folder_that_cannot_be_written_to_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="choose another folder"):
        write_report(a_report(), tmp_path / "file" / "report")


def test_a_failing_write_leaves_no_half_report(tmp_path):
    folder = tmp_path / "report"
    (folder / "report.json").mkdir(parents=True)
    with pytest.raises(InputError):
        write_report(a_report(), folder)
    assert not (folder / "report.html").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["report"]


def test_labels_get_a_confusion_matrix_and_scores_a_scatter(tmp_path, written):
    labelled = page_of(a_report(an_evaluation(max_score=1.0)), tmp_path / "report")
    captions = "".join(node.text() for node in labelled.css("figcaption"))
    assert "Marks, new answers" in captions
    fine = an_evaluation()
    golds = fine.graded["gold"] + np.linspace(0, 0.01, len(fine.graded))
    scattered = replace(
        fine, confusion=fine.confusion.head(0), graded=fine.graded.assign(gold=np.minimum(golds, 4))
    )
    page = page_of(a_report(scattered), tmp_path / "scatter")
    assert "Scores, new answers" in "".join(node.text() for node in page.css("figcaption"))


def test_a_report_without_training_figures_or_a_threshold_is_still_a_page(tmp_path):
    bare = ReportInput(
        title="Bare", job=JobFacts("j", ""), strategy="native", data=DataSection(3, 80, 27, {}, "f"),
        iterations=pd.DataFrame({"iteration": [], "seconds": []}), evaluation=an_evaluation(4, threshold=2.0),
    )  # fmt: skip
    page = page_of(bare, tmp_path / "report")
    assert "every answer goes to a human" in page.css_first(".tiles").text()
    assert not page.css("#learning-figure_1")


def test_six_hundred_answers_are_evaluated_and_reported_in_four_seconds(tmp_path):
    started = time.process_time()
    write_report(a_report(an_evaluation(600)), tmp_path / "report")
    assert time.process_time() - started < 4
