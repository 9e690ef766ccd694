"""`trainyard guide`: what the parser makes of guides, shown and taken along."""

from __future__ import annotations

from pathlib import Path

import yaml

from tests.flows.conftest import GUIDE, CommandLine

DOUBTFUL = GUIDE.replace("Total: 4 marks", "Total: 5 marks").replace(
    "Plants and rust", "<script>Plants</script>"
)


def test_a_doubtful_guide_is_shown_beside_its_source_and_its_yaml_can_be_corrected(tmp_path: Path) -> None:
    trainyard = CommandLine(tmp_path / "home", {})
    guide, folder = tmp_path / "plants.txt", tmp_path / "review"
    guide.write_text(DOUBTFUL)
    said = trainyard.run("guide", "review", guide, "--to", folder, code=1).stderr
    assert "plants.txt: 1 problems" in said
    page = (folder / "plants.html").read_text()
    assert "the items add up to 4 marks, the guide states 5" in page
    assert "&lt;script&gt;Plants&lt;/script&gt;" in page and "<script>" not in page
    assert 'href="#L3"' in page and 'id="L3"' in page and 'id="item-2"' in page
    editable = folder / "plants.yaml"
    assert editable.read_text().startswith("# Problem: the items add up to 4 marks, the guide states 5")
    corrected = {**yaml.safe_load(editable.read_text()), "total": 4}
    editable.write_text(yaml.safe_dump(corrected))
    trainyard.run("guide", "review", guide, "--to", folder, code=1)
    assert yaml.safe_load(editable.read_text()) == corrected
    assert "balances" in trainyard.run("guide", "review", editable, "--to", tmp_path / "again").stderr


def test_a_guide_is_exported_and_files_that_are_none_are_refused_with_the_rest_gone_on(
    tmp_path: Path,
) -> None:
    trainyard = CommandLine(tmp_path / "home", {})
    guide, empty = tmp_path / "plants.txt", tmp_path / "empty.pdf"
    guide.write_text(GUIDE)
    empty.write_bytes(b"")
    told = yaml.safe_load(trainyard.run("guide", "export", guide).stdout)
    assert [(item["number"], item["max_score"]) for item in told["items"]] == [("1", 2), ("2", 2)]
    assert told["items"][0]["criteria"][0] == {"text": "leaves absorb sunlight", "marks": 1}
    said = trainyard.run("guide", "review", empty, guide, "--to", tmp_path / "review", code=1).stderr
    assert "empty.pdf" in said and "is empty" in said
    assert (tmp_path / "review" / "plants.html").exists()
