"""A guide whose marks do not add up: reported, and nothing is trained on what it says."""

from pathlib import Path

from tests.flows.conftest import GUIDE, CommandLine, write_class_set

STARS = (
    GUIDE.replace("Plants and rust", "Stars")
    .replace("How do plants make food?", "Why do stars shine?")
    .replace("Why does iron rust?", "Why do stars die?")
    .replace("Total: 4 marks", "Total: 9 marks")
)


def test_answers_to_a_guide_that_does_not_balance_are_in_no_dataset(
    trainyard: CommandLine, tmp_path: Path
) -> None:
    folder = tmp_path / "class"
    write_class_set(folder)
    (folder / "guides" / "stars.txt").write_text(STARS)
    for paper in list((folder / "papers").iterdir())[:10]:
        text = paper.read_text().replace("Plants and rust", "Stars").replace("well,", "brightly")
        (folder / "papers" / f"stars-{paper.name}").write_text(text)
    outcome = trainyard.json(
        "prepare", "--guides", folder / "guides", "--submissions", folder / "papers", code=1
    )
    told = {guide["title"]: guide["problems"] for guide in outcome["guides"]}
    assert told == {"Plants and rust": [], "Stars": ["the items add up to 4 marks, the guide states 9"]}
    assert (outcome["dataset"]["n_items"], outcome["dataset"]["n_answers"]) == (2, 60)
    assert {guide["title"]: guide["in_dataset"] for guide in outcome["guides"]}["Stars"] is False
    accepted = trainyard.json(
        *("prepare", "--guides", folder / "guides", "--submissions", folder / "papers", "--accept-doubtful"),
        code=1,
    )
    assert (accepted["dataset"]["n_items"], accepted["dataset"]["n_answers"]) == (4, 80)
    assert all(guide["in_dataset"] for guide in accepted["guides"])
