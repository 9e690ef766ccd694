"""How guides are written as running text: every way to number, to state marks and to word alternatives."""

from __future__ import annotations

from collections.abc import Callable

from papers import Paper, Part

Prose = Callable[[Paper], str]


def keyword(paper: Paper) -> str:
    """Question 1(a) [2 marks], labelled fields."""
    out = [paper.title, f"Total: {paper.stated:g} marks", ""]
    for part in paper.parts:
        out += [f"Question {_brackets(part)} [{part.marks:g} marks]", part.question]
        out += [f"Model answer: {part.answer}"]
        out += [f"Marking points: {part.rule}", *(f"- {p}" + _worth(part) for p in part.points)]
        out += [*(f"Accept: {t}" for t in part.accept), *(f"Do not accept: {t}" for t in part.reject), ""]
    return "\n".join(out)


def nested(paper: Paper) -> str:
    """1. then (a) then (i); marks in round brackets at the line's end."""
    out = [f"{paper.title} ({paper.stated:g} marks)", ""]
    before: tuple[str, ...] = ()
    for part in paper.parts:
        for depth, level in enumerate(part.levels[:-1]):
            if part.levels[: depth + 1] != before[: depth + 1]:
                out.append(f"{'  ' * depth}{level}." if depth == 0 else f"{'  ' * depth}({level})")
        before = part.levels
        head = (
            f"{part.levels[-1]}."
            if len(part.levels) == 1
            else f"{'  ' * (len(part.levels) - 1)}({part.levels[-1]})"
        )
        out += [f"{head} {part.question} ({part.marks:g})", f"Answer: {part.answer}"]
        out += [*(f"Accept {t}" for t in part.accept), *(f"Reject {t}" for t in part.reject)]
    return "\n".join(out)


def dotted(paper: Paper) -> str:
    """01.1 as AQA numbers; "2 marks" at the end of the line."""
    out = [paper.title, f"Maximum mark: {paper.stated:g}", ""]
    for top, parts in paper.questions():
        for n, part in enumerate(parts, 1):
            number = f"0{top}" if len(parts) == 1 else f"0{top}.{n}"
            out += [f"{number} {part.question} {part.marks:g} marks", f"Answer: {part.answer}", ""]
    return "\n".join(out)


def glued(paper: Paper) -> str:
    """What a table turns into as plain text: number, answer and mark in one line below a header line."""
    out = [paper.title, "Question Answer Mark"]
    for part in paper.parts:
        out.append(f"{_brackets(part)} {part.answer} {part.marks:g}")
    return "\n".join([*out, f"Total {paper.stated:g}"])


def out_of(paper: Paper) -> str:
    """Q1a … /2."""
    out = [paper.title, ""]
    for part in paper.parts:
        out += [f"Q{part.number} {part.question} ____ /{part.marks:g}", f"Ans: {part.answer}", ""]
    return "\n".join([*out, f"TOTAL: {paper.stated:g}"])


def problem(paper: Paper) -> str:
    """Problem 2, Part A (1 point), as in US courses."""
    out = [paper.title, f"Total points: {paper.stated:g}", ""]
    for top, parts in paper.questions():
        if len(parts) == 1:
            out += [
                f"Problem {top} ({parts[0].marks:g} points)",
                parts[0].question,
                f"Solution: {parts[0].answer}",
                "",
            ]
            continue
        out.append(f"Problem {top} ({sum(p.marks for p in parts):g} points)")
        for n, part in enumerate(parts):
            unit = "point" if part.marks == 1 else "points"
            out += [f"Part {'ABCDE'[n]} ({part.marks:g} {unit})", part.question, f"Solution: {part.answer}"]
        out.append("")
    return "\n".join(out)


def sections(paper: Paper) -> str:
    """Numbers start again in Section B."""
    out = [paper.title, ""]
    tops = list(paper.questions())
    half = len(tops) // 2
    for name, some in (("A", tops[:half]), ("B", tops[half:])):
        marks = sum(p.marks for _, parts in some for p in parts)
        out += [f"SECTION {name}", f"[{marks:g} marks]" if name == "A" else ""]
        for n, (_, parts) in enumerate(some, 1):
            for part in parts:
                below = "".join(f"({level})" for level in part.levels[1:])
                out += [f"{n}{below}. {part.question} [{part.marks:g}]", f"Answer: {part.answer}", ""]
    return "\n".join([*out, f"Total for paper: {paper.stated:g}"])


def bands(paper: Paper) -> str:
    """Level descriptors for long answers, "1 mark each, max" for the others."""
    out = [paper.title, f"[Total: {paper.stated:g}]", ""]
    for part in paper.parts:
        if part.marks >= 6:
            out += [
                f"{_brackets(part)} {part.question}",
                "Level 3 (5-6 marks): a detailed and balanced account.",
            ]
            out += ["Level 2 (3-4 marks): some relevant points.", "Level 1 (1-2 marks): simple statements."]
            out += [
                "0 marks: nothing worthy of credit.",
                "Indicative content",
                *(f"- {p}" for p in part.points),
                "",
            ]
            continue
        out += [f"{_brackets(part)} {part.question}", f"1 mark each, max {part.marks:g}"]
        out += [*(f"- {p}" for p in part.points), ""]
    return "\n".join(out)


def _brackets(part: Part) -> str:
    return part.levels[0] + "".join(f"({level})" for level in part.levels[1:])


def _worth(part: Part) -> str:
    return f" [{part.each:g}]" if part.each else ""


def numbers(name: str, paper: Paper) -> list[str]:
    """The items' numbers as this layout prints them."""
    if name == "problem":
        return [
            top if len(parts) == 1 else f"{top}{'abcde'[n]}"
            for top, parts in paper.questions()
            for n in range(len(parts))
        ]
    if name == "dotted":
        return [
            top if len(parts) == 1 else f"{top}.{n}"
            for top, parts in paper.questions()
            for n in range(1, len(parts) + 1)
        ]
    if name == "sections":
        tops = list(paper.questions())
        half = len(tops) // 2
        return [
            f"{section}{n}" + "".join(part.levels[1:])
            for section, some in (("A", tops[:half]), ("B", tops[half:]))
            for n, (_, parts) in enumerate(some, 1)
            for part in parts
        ]
    return [part.number for part in paper.parts]


LAYOUTS: dict[str, Prose] = {
    "keyword": keyword,
    "nested": nested,
    "dotted": dotted,
    "glued": glued,
    "outof": out_of,
    "problem": problem,
    "sections": sections,
    "bands": bands,
}
