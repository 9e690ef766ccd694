"""What the rule-based parsers are made of, and the version that every parse is keyed by.

numbering        the numbers of questions: "Q 2 (b)(ii)" is "2bii"
marks_notation   marks and scores as people write them: "[3]", "(2 marks)", "1½", "Score: 2/3"
vocabulary       the words that name a field or a column, in prose, tables and JSON
segments         a text cut at its question numbers
drafts           an item as one layout understood it, before it is checked
guides           marking guides: one function a layout (prose, tables, JSON), the best is kept
formats/         guides of other programs: Moodle, GIFT, Aiken, QTI, Canvas, nbgrader
table_guides     guides in tables: table_reading, table_rows, table_columns, table_contents (no header),
                 table_items, table_totals, number_cells, marks_cells, cell_lines; rubric_grids: criteria by
                 levels; glued_tables: as plain text
item_places      the page of each item, how sure it is, and the instructions before the first;
                 mark_codes: what "M1", "ft" and "oe" mean; number_gaps: numbers that were left out
guide_sections   guides whose numbers start again in each section; level_bands: "Level 3 (5-6 marks)"
submissions      students' papers, and `alignment` with the guide that they answer
class_lists      tables with a row a student: class_columns, class_rows
unnumbered       answers without numbers: cut into passages, placed by likeness and ordering
tidy             tables with one row an answer
"""

PARSER_VERSION = "4"
"""Raise it when any parser's output changes: it is part of every parse's identity."""
