"""What the simulated marker takes for the same word: groups of words and phrases, inflected alike."""

from __future__ import annotations

import re
from collections.abc import Mapping

GROUPS: tuple[tuple[str, ...], ...] = (
    ("absorb", "take in", "soak up"),
    ("absorbs", "takes in", "soaks up"),
    ("releases", "gives off", "lets out"),
    ("release", "give off", "let out"),
    ("light", "sunshine", "sunlight"),
    ("oxygen", "o2"),
    ("carbon dioxide", "co2"),
    ("leaves", "foliage"),
    ("sugar", "glucose", "carbohydrate"),
    ("heat", "warmth", "thermal energy"),
    ("slowly", "gradually", "bit by bit"),
    ("quickly", "fast", "rapidly"),
    ("faster", "quicker", "more rapidly"),
    ("increases", "goes up", "grows"),
    ("decreases", "goes down", "drops"),
    ("larger", "bigger", "greater"),
    ("smaller", "tinier", "lesser"),
    ("evaporates", "turns to vapour", "dries off"),
    ("condenses", "turns to droplets", "liquefies"),
    ("rises", "climbs", "goes upwards"),
    ("sinks", "falls", "goes downwards"),
    ("sea", "ocean"),
    ("wind", "breeze"),
    ("hills", "mountains", "high ground"),
    ("flows", "runs", "streams"),
    ("destroys", "wrecks", "ruins"),
    ("houses", "homes", "dwellings"),
    ("farmland", "fields", "crops"),
    ("workers", "employees", "labourers"),
    ("wages", "pay", "salaries"),
    ("factories", "mills", "plants"),
    ("expensive", "costly", "dear"),
    ("cheap", "inexpensive", "low cost"),
    ("buy", "purchase"),
    ("sell", "offer"),
    ("customers", "consumers", "shoppers"),
    ("price", "cost"),
    ("muscles", "muscle tissue"),
    ("contract", "shorten", "tighten"),
    ("contracts", "shortens", "tightens"),
    ("blood", "bloodstream"),
    ("carries", "transports", "moves"),
    ("stomach", "gut", "belly"),
    ("food", "meal", "nutrients"),
    ("breaks down", "digests", "splits up"),
    ("acid", "acidic juice"),
    ("protects", "shields", "guards"),
    ("germs", "bacteria", "microbes"),
    ("kills", "eliminates", "wipes out"),
    ("message", "data", "information"),
    ("packets", "chunks", "small pieces"),
    ("address", "destination label"),
    ("computer", "machine", "device"),
    ("error", "mistake", "fault"),
    ("collide", "hit each other", "crash together"),
    ("particles", "molecules", "atoms"),
    ("often", "frequently", "many times"),
    ("energy", "power"),
    ("rocks", "stones", "boulders"),
    ("erode", "wear away", "grind down"),
    ("force", "push"),
    ("surface", "face"),
    ("rough", "bumpy", "uneven"),
    ("dough", "bread mixture"),
    ("yeast", "raising agent"),
    ("bubbles", "pockets of gas"),
    ("oven", "stove"),
    ("magma", "molten rock"),
    ("pressure", "squeezing"),
    ("crack", "opening", "fissure"),
    ("escapes", "gets out", "breaks free"),
    ("insects", "bees"),
    ("pollen", "flower dust"),
    ("seeds", "grains"),
    ("scatter", "spread"),
    ("votes", "ballots"),
    ("law", "act", "statute"),
    ("parliament", "assembly"),
    ("king", "monarch", "ruler"),
    ("taxes", "duties", "levies"),
    ("army", "troops", "soldiers"),
    ("poor", "hungry", "needy"),
)
"""Words of one group mean the same. The phrases are found before the words in them."""


def _token(member: str) -> str:
    return member.replace(" ", "_")


GROUP_OF: Mapping[str, int] = {_token(word): place for place, group in enumerate(GROUPS) for word in group}
_PHRASES = sorted((word for group in GROUPS for word in group if " " in word), key=len, reverse=True)
_PHRASE = re.compile(r"\b(?:" + "|".join(map(re.escape, _PHRASES)) + r")\b")


def joined(text: str) -> str:
    """The lower-case text, with each phrase of a group made one word ("take in" → "take_in")."""
    return _PHRASE.sub(lambda found: _token(found[0]), text)
