from __future__ import annotations

from pathlib import Path

import pytest

from domain.documents.reading import extract
from domain.errors import InputError


def lines_of(tmp_path: Path, html: str | bytes) -> list[str]:
    content = html if isinstance(html, bytes) else html.encode()
    (tmp_path / "a.html").write_bytes(content)
    return [line.strip() for line in extract(tmp_path / "a.html").text.split("\n") if line.strip()]


def test_scripts_styles_templates_and_hidden_parts_are_not_text(tmp_path: Path) -> None:
    html = (
        "<html><head><title>t</title><script>steal()</script></head><body><style>p{}</style><p>Light</p>"
        "<script>steal('<p>x</p>')</script><template><p>no</p></template><noscript>no</noscript><!-- no -->"
        '<p hidden>no</p><div style="display: none"><p>no</p></div><p>gives energy</p></body></html>'
    )
    assert lines_of(tmp_path, html) == ["Light", "gives energy"]
    assert extract(tmp_path / "a.html").notes == ("2 hidden elements left out",)


def test_blocks_are_lines_and_inline_marks_are_not(tmp_path: Path) -> None:
    html = "<h1>Guide</h1><p>photo<b>syn</b>thesis<br>needs\n  light</p><div>a<p>b</p>c</div>&amp; &eacute;"
    assert lines_of(tmp_path, html) == ["Guide", "photosynthesis", "needs light", "a", "b", "c", "& é"]


def test_lists_keep_their_numbers(tmp_path: Path) -> None:
    html = (
        '<ol start="3"><li><p>three</p><li>four<ul><li>dot</li></ul><li value="9">nine<li>ten</ol>'
        "<ul><li></li><li>last</li></ul>"
    )
    assert lines_of(tmp_path, html) == ["3. three", "4. four", "• dot", "9. nine", "10. ten", "• last"]


def test_tables_are_rows_with_spans_laid_out(tmp_path: Path) -> None:
    html = (
        "<table><caption>Marks</caption><tr><th>Item<th>Point<th>Marks<tr><td rowspan=2>1"
        "<td>light<br>sun<td>1"
        "<tr><td colspan=2>sugar<tr><td>2<td>water<td>1</table>"
    )
    assert lines_of(tmp_path, html) == [
        "Marks",
        "Item | Point | Marks",
        "1 | light sun | 1",
        "| sugar |",
        "2 | water | 1",
    ]
    assert extract(tmp_path / "a.html").tables[0].rows == (
        ("Item", "Point", "Marks"),
        ("1", "light\nsun", "1"),
        ("", "sugar", ""),
        ("2", "water", "1"),
    )


def test_a_nested_table_is_in_its_cell_and_a_table_of_its_own(tmp_path: Path) -> None:
    html = "<table><tr><td>outer<td><table><tr><td>a<td>1</table></table>"
    assert lines_of(tmp_path, html) == ["outer | a 1"]
    assert [t.rows for t in extract(tmp_path / "a.html").tables] == [(("outer", "a 1"),), (("a", "1"),)]


def test_preformatted_text_keeps_its_lines(tmp_path: Path) -> None:
    assert lines_of(tmp_path, "<p>a</p><pre>x = 1\ny = 2</pre><p>b") == ["a", "x = 1", "y = 2", "b"]


def test_the_declared_charset_is_used(tmp_path: Path) -> None:
    page = '<html><meta charset="windows-1251"><p>Растение и свет</p></html>'.encode("cp1251")
    assert lines_of(tmp_path, page) == ["Растение и свет"]
    assert extract(tmp_path / "a.html").notes == ("read as windows-1251, as it declares",)


def test_hostile_html_costs_little(tmp_path: Path) -> None:
    tables = "<table><tr><td colspan=999999999 rowspan=999999999>x" * 100
    for html in ("<!--" * 500_000 + "x", "<div>" * 1800 + tables + "<ol start=99999999999999999999><li>y"):
        (tmp_path / "a.html").write_text(f"<html><p>start</p>{html}")
        extraction = extract(tmp_path / "a.html")
        assert extraction.text.startswith("start")
        assert extraction.seconds < 5


def test_absurd_nesting_is_refused_before_it_is_parsed(tmp_path: Path) -> None:
    (tmp_path / "deep.html").write_text("<html>" + "<div>" * 100_000 + "x")
    with pytest.raises(InputError, match=r"deep\.html: this HTML is nested more than 2000 deep"):
        extract(tmp_path / "deep.html")


def test_thousands_of_paragraphs_without_end_tags_are_no_depth(tmp_path: Path) -> None:
    assert len(lines_of(tmp_path, "<html>" + "<p>Light<br>gives <b>energy</b>" * 3000)) == 6000
