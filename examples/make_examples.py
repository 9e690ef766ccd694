"""Makes `guides/`, `submissions/`, `ungraded/` and `answers.csv` anew; the same files every time.

    python examples/make_examples.py

Needs reportlab and python-docx (both are in the `dev` extra).
"""

from __future__ import annotations

import csv
import io
import shutil
from pathlib import Path

from making import guides, papers, plan
from making.bank import read_topic
from making.formats import as_docx, as_file, as_html, as_pdf, as_txt, plain

HERE = Path(__file__).resolve().parent

COLUMNS = (
    "guide", "number", "question", "model_answer", "max_score", "student", "answer", "score", "second_score",
)  # fmt: skip


def files() -> dict[str, bytes]:
    """Every file that is made: its path below `examples/` and its bytes."""
    made: dict[str, bytes] = {}
    made |= {f"guides/{name}": content for name, content in _guides().items()}
    made |= {f"guides/{name}": content for name, content in _guides_gone_wrong(made).items()}
    made |= {f"submissions/{p.file}": _paper(p) for p in plan.papers()}
    for paper, format in plan.resaved():
        again = as_file(plain(papers.blocks_of(paper)), format, paper.name)
        made[f"submissions/{paper.name}-again.{format}"] = again
    made |= {f"ungraded/{p.file}": _paper(p) for p in plan.ungraded()}
    made["answers.csv"] = _table()
    return made


def _guides() -> dict[str, bytes]:
    made = {}
    for topic in plan.topics():
        format = plan.GUIDES[topic.name]
        if format == "json":
            made[f"{topic.name}.json"] = guides.as_json(topic).encode()
        else:
            made[f"{topic.name}.{format}"] = as_file(guides.layout_of(format)(topic), format, topic.title)
    return made


def _guides_gone_wrong(made: dict[str, bytes]) -> dict[str, bytes]:
    """Copies, a draft, one that does not balance, and three that cannot be read."""
    topic = read_topic("photosynthesis")
    same_words = plain(guides.as_labelled(topic))
    skeleton = read_topic("skeleton")
    locked = as_pdf(guides.as_paper(read_topic("forces")), "locked", password="not-told")
    return {
        "photosynthesis-in-word.docx": as_docx(same_words),
        "photosynthesis-web-page.html": as_html(same_words, topic.title),
        "copy-of-rivers.md": made["guides/rivers.md"],
        "photosynthesis-draft.txt": as_txt(guides.as_labelled(guides.draft_of(topic))),
        "skeleton-does-not-balance.txt": as_txt(
            guides.as_labelled(skeleton, stated_total=skeleton.total + 1)
        ),
        "broken-empty.txt": b"",
        "broken-locked.pdf": locked,
        "broken-cut-off.docx": made["guides/rates.docx"][:9000],
    }


def _paper(paper: plan.Paper) -> bytes:
    if paper.format == "json":
        return papers.as_json(paper).encode()
    return as_file(papers.blocks_of(paper), paper.format, paper.name)


def _table() -> bytes:
    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in plan.table_rows():
        question = next(q for q in row.topic.questions if q.number == row.answer.number)
        scores = [papers.shown(s) if s is not None else "" for s in (row.answer.score, row.answer.second)]
        shown = [
            row.topic.title,
            question.number,
            question.question,
            question.model_answer,
            question.max_score,
        ]
        writer.writerow([*shown, row.student.number, row.answer.text, *scores])
    return file.getvalue().encode()


def main() -> None:
    made = files()
    for folder in ("guides", "submissions", "ungraded"):
        shutil.rmtree(HERE / folder, ignore_errors=True)
    for name, content in made.items():
        path = HERE / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    n_answers = sum(len(p.answers) for p in plan.papers())
    size = sum(map(len, made.values())) / 1e6
    print(f"{len(made)} files, {size:.1f} MB")
    print(f"{n_answers} answers on papers, {len(plan.table_rows())} in answers.csv")


if __name__ == "__main__":
    main()
