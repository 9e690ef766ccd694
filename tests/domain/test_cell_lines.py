"""Entries of a cell that its width cut in two."""

import pytest

from domain.grading.cell_lines import unwrapped


@pytest.mark.parametrize(
    ("cell", "entries"),
    [
        ("• detects the water\ncontent\n• releases ADH", ["• detects the water content", "• releases ADH"]),
        ("any two from:\n- light\nenergy\n- water", ["any two from:", "- light energy", "- water"]),
        ("light is absorbed\nby leaves ;\nwater ;", ["light is absorbed by leaves ;", "water ;"]),
        ("any two from:\nlight ;\nwater from\nroots ;", ["any two from:", "light ;", "water from roots ;"]),
        ("one\ntwo", ["one", "two"]),
        ("", []),
    ],
)
def test_entries_are_whole_where_signs_tell_where_they_begin_or_end(cell: str, entries: list[str]) -> None:
    assert unwrapped(cell).splitlines() == entries
