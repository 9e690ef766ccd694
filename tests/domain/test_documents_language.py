from __future__ import annotations

import time

import pytest

from domain.documents.language import language_of
from domain.documents.quality import quality_of


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Plants turn light into chemical energy.", "en"),
        ("Die Pflanze wandelt Licht in chemische Energie um.", "de"),
        ("La plante transforme la lumière en énergie chimique.", "fr"),
        ("La planta convierte la luz en energía química.", "es"),
        ("Растение превращает свет в химическую энергию.", "ru"),
        ("PLANTS TURN LIGHT INTO CHEMICAL ENERGY IN THEIR LEAVES", "en"),
        ("light", "und"),
        ("12 + 30 = 42 (3.5) 1000000 200000 300000", "und"),
        ("", "und"),
    ],
)
def test_languages_are_told_apart_and_little_text_is_undetermined(text: str, language: str) -> None:
    assert language_of(text) == language


def test_a_language_costs_under_half_a_millisecond_once_loaded() -> None:
    text = "Plants turn light into chemical energy, and store it as sugar. " * 100
    language_of(text)
    started = time.process_time()
    for _ in range(50):
        language_of(text)
    assert (time.process_time() - started) / 50 < 0.0015  # three times the aim: the machine is shared


def test_prose_formulas_and_unspaced_scripts_are_of_good_quality() -> None:
    for text in (
        "Plants turn light into chemical energy.",
        "3x + 2 = 7, so x = 5/3",
        "光合作用把光能转化为化学能。",
        "• Light\n• Water\n• CO2",
    ):
        assert quality_of(text) > 0.9, text


def test_quality_falls_with_the_share_of_damaged_characters() -> None:
    clean = "Plants turn light into energy. " * 20
    one_in_twenty = clean.replace("turn", "tu\ufffd\ufffdn")
    soup = clean.replace("a", "\ufffd").replace("t", "\ufffd").replace("n", "\ufffd")
    assert 1.0 == quality_of(clean) > quality_of(one_in_twenty) > quality_of(soup) == 0.0
    assert quality_of(" \n ") == 0.0


def test_a_long_text_is_judged_as_fast_as_a_short_one() -> None:
    started = time.process_time()
    assert quality_of("Plants turn light into energy. " * 60_000) == 1.0
    assert time.process_time() - started < 0.1
