"""What a sentence may say of the results, and what it may not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.grading.claims import check_sentence, sentences_of
from domain.grading.facts import Fact, Facts

KAPPA, AGREE, TRAINING = ("qwk", "kappa"), ("agree", "within"), ("validation", "training")


def fact(name, value, unit="share", words=AGREE, **more):
    return Fact(name, name, value, unit, words, **({"better": "higher"} | more))


FACTS = Facts(
    {
        one.id: one
        for one in (
            fact("qwk", 0.913, "index", KAPPA, low=0.871, high=0.94, n=75, aspects=("known",), measure="qwk"),
            fact("new.qwk", 0.62, "index", KAPPA, n=40, aspects=("new",), measure="qwk"),
            fact("human.qwk", 0.85, "index", KAPPA, n=30, aspects=("known", "human"), measure="qwk"),
            fact("item_mean.qwk", 0.31, "index", KAPPA, aspects=("known", "baseline"), measure="qwk"),
            fact("agreement", 0.84, n=75, aspects=("known",), measure="agreement"),
            fact(
                "automatic.agreement", 0.96, n=50, aspects=("known", "automatic"), measure="agreement"
            ),
            fact(
                "automatic.share", 50 / 75, words=("without a human", "automatic"), n=75,
                aspects=("known", "automatic"), measure="share",
            ),
            fact("rmse", 0.12, words=("rmse",), aspects=("known",), measure="rmse", better="lower"),
            fact(
                "item_mean.rmse", 0.3, words=("rmse",), aspects=("known", "baseline"), measure="rmse",
                better="lower",
            ),
            fact(
                "over_human.qwk", 0.06, "index", ("second examiner",), low=0.02, high=0.1,
                aspects=("known", "versus"), measure="qwk", difference=True,
            ),
            fact(
                "over_item_mean.rmse", -0.18, words=("baseline",), low=-0.2, high=-0.1,
                aspects=("known", "versus"), measure="rmse", difference=True, better="lower",
            ),
            fact("doubtful.qwk", 0.03, "index", ("baseline",), low=-0.01, high=0.07, aspects=("versus",),
                 measure="qwk", difference=True),
            fact("n_ungraded", 3.0, "count", ("grade",), n=78, better=""),
            fact("training.seconds", 90.0, "seconds", ("train",), better=""),
            fact("training.first", 0.41, "index", TRAINING, aspects=("validation",), measure="qwk"),
            fact("training.best", 0.66, "index", TRAINING, aspects=("validation",), measure="qwk"),
            fact("llm.cost", 0.4217, "usd", ("cost",), better="lower"),
            fact("llm.tokens", 12_345.0, "tokens", ("token",), better=""),
            fact("I1.agreement", 0.5, n=10, aspects=("I1", "known"), measure="agreement"),
            fact("I2.agreement", 0.7, n=10, aspects=("I2", "known"), measure="agreement"),
        )
    },
    labels={"I1": "2a", "I2": "10"},
)  # fmt: skip


def stands(sentence, **more):
    return not check_sentence(sentence, FACTS, **more)


@pytest.mark.parametrize(
    "sentence",
    [
        "The model's QWK is 0.91 [qwk].",
        "The model's QWK is 0.9 [qwk].",
        "The model's QWK is 0.913 (95% interval 0.87 to 0.94) [qwk].",
        "The model's QWK is 0.91 (95% confidence interval 0.87–0.94) [qwk], on 75 answers [qwk].",
        "A kappa of 0.91 (n = 75) [qwk] was reached.",
        "84% [agreement] of the marks agree.",
        "0.84 [agreement] of the marks agree.",
        "Sixty-three of 75 [agreement] marks agree.",
        "Of 75 answers [agreement], 84% [agreement] agree.",
        "Two thirds [automatic.share] of the answers can be graded without a human.",
        "67% [automatic.share] of the answers can be graded without a human, and 96% [automatic.agreement] "
        "of those agree.",
        "The model's QWK is 0.91 [qwk], the second examiner's 0.85 [human.qwk].",
        "The model's QWK of 0.91 [qwk] is higher than the second examiner's 0.85 [human.qwk].",
        "The model's QWK is better than the second examiner's by 0.06 [over_human.qwk].",
        "Its RMSE is 0.18 below the baseline's [over_item_mean.rmse].",
        "Its RMSE is better than the baseline's by 0.18 [over_item_mean.rmse].",
        "The RMSE of 0.12 [rmse] is better than the baseline's 0.30 [item_mean.rmse].",
        "On new items the QWK is 0.62 [new.qwk].",
        "In training the QWK on validation rose from 0.41 [training.first] to 0.66 [training.best].",
        "Its advantage over the baseline, 0.03 [doubtful.qwk], may be chance.",
        "The second examiner is behind the model by 0.06 [over_human.qwk].",
        "Compared with the second examiner, the model is better by 0.06 [over_human.qwk].",
        "The model is better than the second examiner [over_human.qwk].",
        "In training the QWK on validation improved to 0.66 [training.best].",
        "3 of 78 answers [n_ungraded] got no grade.",
        "Training took 90 seconds [training.seconds].",
        "Training took 1.5 minutes [training.seconds].",
        "The models cost $0.42 [llm.cost].",
        "They took 12,345 tokens [llm.tokens].",
        "They took about 12.3k tokens [llm.tokens].",
        "I1 agrees on 50% [I1.agreement] and I2 on 70% [I2.agreement].",
        "Half [I1.agreement] of the marks of I1 agree.",
        "Read the worst disagreements of I1 first.",
        "The second examiner saw some of them.",
        "The macro-F1 was not measured.",
    ],
)
def test_what_the_results_say_may_be_said(sentence):
    assert check_sentence(sentence, FACTS) == []


@pytest.mark.parametrize(
    ("sentence", "why"),
    [
        ("The model's QWK is 0.92 [qwk].", "it is 0.913"),
        ("The model's QWK is 0.914 [qwk].", "it is 0.913"),
        ("The model's QWK is 1 [qwk].", "it is 0.913"),
        ("The model's QWK is 0.87 [qwk].", "it is 0.913"),
        ("The model's QWK is 0.91 (0.80 to 0.95) [qwk].", "its interval is"),
        ("The model's QWK is 0.91 (0.94 to 0.87) [qwk].", "its interval is"),
        ("The model's QWK is 91% [qwk].", "another unit"),
        ("85% [agreement] of the marks agree.", "it is 0.84"),
        ("62 of 75 [agreement] marks agree.", "it is 0.84"),
        ("Nine out of ten [agreement] marks agree.", "it is 0.84"),
        ("75 answers agree [agreement].", "it is"),
        ("Training took 90 minutes [training.seconds].", "seconds"),
        ("The models cost 0.42 [llm.cost].", "another unit"),
        ("No answers were left without a grade [n_ungraded].", "it is 3"),
        ("The models cost $0.00 [llm.cost].", "it is 0.4217"),
    ],
)
def test_a_false_number_is_found(sentence, why):
    assert why in check_sentence(sentence, FACTS)[0].why


@pytest.mark.parametrize(
    ("sentence", "why"),
    [
        ("The model's agreement is 0.91 [qwk].", "does not say"),
        ("The QWK was good, and the agreement is 0.91 [qwk].", "speak of"),
        ("The second examiner's QWK is 0.91 [qwk].", "about something else"),
        ("The baseline's QWK is 0.91 [qwk].", "about something else"),
        ("The model's QWK is 0.85 [human.qwk].", "second examiner"),
        ("The model's QWK is 0.85 [human.qwk], the second examiner's 0.91 [qwk].", "second examiner"),
        ("On new items the model's QWK is 0.91 [qwk].", "about something else"),
        ("On known items the model's QWK is 0.62 [new.qwk].", "new item"),
        ("Of those graded without a human, 84% [agreement] agree.", "about something else"),
        ("96% [automatic.agreement] of all marks agree.", "without a human"),
        ("I2 agrees on 50% [I1.agreement].", "about I1"),
        ("The QWK is 0.66 [training.best].", "does not say"),
        ("On validation the QWK is 0.91 [qwk].", "about something else"),
    ],
)
def test_a_number_that_is_true_of_something_else_is_found(sentence, why):
    assert any(why in fault.why for fault in check_sentence(sentence, FACTS))


@pytest.mark.parametrize(
    "sentence",
    [
        "The model's QWK is 0.91.",
        "About eleven answers were odd.",
        "Grade fifty more answers.",
        "Agreement doubled.",
        "It was half as good.",
        "One in four was wrong.",
        "None of the answers was lost.",
        "Dozens of answers were odd.",
        "It was trained on 2026-11-20.",
        "(1) The QWK is fine.",
        "I9 is the weakest item.",
        "The agreement is ８４％.",
        "About ⅔ were fine.",
        "About 八 were fine.",
    ],
)
def test_a_number_without_a_source_is_found(sentence):
    from domain.grading.numbers_in_prose import normalised

    assert not stands(normalised(sentence))
    assert not stands(normalised(sentence), advice=True)


@pytest.mark.parametrize(
    "sentence",
    [
        "The model's QWK of 0.91 [qwk] is below the second examiner's 0.85 [human.qwk].",
        "The model's QWK of 0.91 [qwk] is not higher than the second examiner's 0.85 [human.qwk].",
        "The RMSE of 0.12 [rmse] is worse than the baseline's 0.30 [item_mean.rmse].",
        "In training the QWK on validation fell from 0.41 [training.first] to 0.66 [training.best].",
        "The model's QWK is worse than the second examiner's by 0.06 [over_human.qwk].",
        "Its RMSE is 0.18 above the baseline's [over_item_mean.rmse].",
        "Its RMSE differs from the baseline's by 0.18 [over_item_mean.rmse].",
        "The model is better than the baseline by 0.03 [doubtful.qwk].",
        "The model is better than an examiner.",
        "The agreement improved during training.",
        "The QWK rose from 0.87 to 0.94 [qwk].",
        "The agreement improved to 84% [agreement].",
        "The model's QWK of 0.91 [qwk] is higher than the second examiner's.",
        "The second examiner is better than the model, which agrees less, by 0.06 [over_human.qwk].",
        "The second examiner is better by 0.06 [over_human.qwk].",
        "The model's QWK is worse than the second examiner's [over_human.qwk].",
        "The model's QWK [qwk] is below the second examiner's [human.qwk].",
    ],
)
def test_a_direction_that_the_results_do_not_have_is_found(sentence):
    assert not stands(sentence)


def test_advice_may_speak_of_more_and_better_without_a_source():
    assert stands("Mark more than before, until it is better than the baseline.", advice=True)


@pytest.mark.parametrize(
    "sentence",
    [
        "See https://example.org for more.",
        "See [the page](x) for more.",
        "<b>Good</b> marks.",
        "The QWK is 0.91 [nothing].",
    ],
)
def test_links_markup_and_unknown_facts_are_refused(sentence):
    assert not stands(sentence)


@given(st.floats(0.001, 0.999), st.integers(2, 5))
def test_a_value_stands_at_every_precision_at_which_it_is_rounded(value, decimals):
    facts = Facts({"qwk": fact("qwk", value, "index", KAPPA, measure="qwk")})
    written = f"{value:.{decimals}f}"
    right = check_sentence(f"The QWK is {written} [qwk].", facts)
    if float(written) > 10.0**-decimals:
        assert right == []
    step = 10.0**-decimals
    wrong = f"{value + 1.6 * step:.{decimals}f}"
    assert check_sentence(f"The QWK is {wrong} [qwk].", facts) != []


@given(st.floats(0.0, 1.0), st.integers(0, 3))
def test_a_share_stands_as_a_percentage_and_never_as_all_or_nothing_that_it_is_not(value, decimals):
    facts = Facts({"agreement": fact("agreement", value, measure="agreement")})
    written = f"{100 * value:.{decimals}f}"
    stood = not check_sentence(f"{written}% [agreement] agree.", facts)
    false_end = float(written) in (0.0, 100.0) and abs(float(written) - 100 * value) > 1e-9
    assert stood != false_end


@given(st.integers(1, 500), st.data())
def test_a_count_of_all_stands_only_where_it_is_exact(whole, data):
    part = data.draw(st.integers(0, whole))
    said = data.draw(st.integers(0, whole))
    facts = Facts({"agreement": fact("agreement", part / whole, n=whole, measure="agreement")})
    stood = not check_sentence(f"{said} of {whole} [agreement] agree.", facts)
    close = whole <= 12 and abs(said - part) / whole <= 0.01
    assert stood == (said == part or close)


@given(st.text(max_size=300))
def test_any_text_is_checked_without_harm(text):
    from domain.grading.numbers_in_prose import normalised

    for sentence in sentences_of(normalised(text)):
        check_sentence(sentence, FACTS)


def test_sentences_end_where_people_see_them_end():
    text = 'The QWK is 0.91. [qwk] 84% agree. It is high, e.g. Above all here. "Good" it is! Done'
    assert sentences_of(text) == [
        "The QWK is 0.91. [qwk]",
        "84% agree.",
        "It is high, e.g. Above all here.",
        '"Good" it is!',
        "Done",
    ]
