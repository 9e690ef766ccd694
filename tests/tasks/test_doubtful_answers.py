"""An answer that may be to another item is graded for a human to look at."""

import pandas as pd

from tasks.grading import referred


def test_a_doubtful_answer_is_referred_with_its_doubt_and_a_sure_one_is_not() -> None:
    grades = pd.DataFrame(
        {"answer_id": ["a", "b"], "refer": [False, False], "rationale": ["like others", "like none"]}
    )
    answers = pd.DataFrame({"answer_id": ["b", "a"], "doubt": ["it is 60% sure", ""]})
    told = referred(grades, answers)
    assert told["refer"].tolist() == [False, True]
    assert told["rationale"].tolist() == ["like others", "it is 60% sure. like none"]
