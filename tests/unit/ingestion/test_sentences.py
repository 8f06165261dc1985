import ast
import re
from datetime import date, timedelta
from pathlib import Path

import pytest

import ingestion
from ingestion.sentences import SENTENCES, Words, distance_words, duration_words, tell

SPOKEN = re.compile(r"(location|time|reuse|editing|evidence)\.[a-z_]+")
# The codes that are told by two sentences, by whose project it was.
TOLD_OTHERWISE = {
    "reuse.exact": ("reuse.exact_here", "reuse.exact_elsewhere"),
    "reuse.near": ("reuse.near_here", "reuse.near_elsewhere"),
}
FACTS: dict[str, object] = {
    "distance": distance_words(2100),
    "accuracy": distance_words(10),
    "difference": duration_words(timedelta(hours=3)),
    "year": 1970,
    "day": date(2026, 5, 4),
    "starts_on": date(2026, 5, 5),
    "ends_on": date(2026, 5, 6),
    "count": 2,
    "software": "GIMP 2.10",
}


def spoken_codes() -> set[str]:
    """Every code of a check or finding that stands as a text in the package's modules."""
    codes: set[str] = set()
    for path in Path(next(iter(ingestion.__path__))).glob("*.py"):
        if path.name == "sentences.py":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and SPOKEN.fullmatch(node.value):
                codes.add(node.value)
    return codes


def test_sentences__every_code_is_told() -> None:
    """Every code that the package can give has its sentence, and no sentence is for nothing."""
    codes = spoken_codes()
    assert len(codes) > 25
    told = {key for code in codes for key in TOLD_OTHERWISE.get(code, (code,))}
    assert told == set(SENTENCES)


@pytest.mark.parametrize("key", sorted(SENTENCES))
def test_tell__both_languages(key: str) -> None:
    """Each sentence takes its facts in Chinese and in English and leaves no brace behind."""
    told = tell(key, **FACTS)
    assert set(told) == {"zh", "en"}
    assert re.search(r"[\u4e00-\u9fff]", told["zh"])
    assert not re.search(r"[\u4e00-\u9fff]", told["en"])
    assert not re.search(r"[{}]", told["zh"] + told["en"])


def test_tell__braces_in_a_fact() -> None:
    """A fact from a stranger's file is put in as it is, never formatted again."""
    assert "{0.__class__}" in tell("editing.software", software="{0.__class__}")["en"]


@pytest.mark.parametrize(
    ("distance_m", "expected"),
    [
        (0.4, Words("0 米", "0 m")),
        (999.4, Words("999 米", "999 m")),
        (999.6, Words("1.0 公里", "1.0 km")),
        (2120, Words("2.1 公里", "2.1 km")),
        (350_400, Words("350 公里", "350 km")),
        (-12, Words("12 米", "12 m")),
    ],
)
def test_distance_words__units(distance_m: float, expected: Words) -> None:
    """Metres below a kilometre, one decimal below a hundred, whole kilometres beyond."""
    assert distance_words(distance_m) == expected


@pytest.mark.parametrize(
    ("span", "expected"),
    [
        (timedelta(seconds=5), Words("1 分钟", "1 minute")),
        (timedelta(minutes=12), Words("12 分钟", "12 minutes")),
        (timedelta(hours=-3), Words("3 小时", "3 hours")),
        (timedelta(hours=47), Words("47 小时", "47 hours")),
        (timedelta(days=40, hours=13), Words("41 天", "41 days")),
    ],
)
def test_duration_words__units(span: timedelta, expected: Words) -> None:
    """The largest unit that people would use, rounded."""
    assert duration_words(span) == expected
