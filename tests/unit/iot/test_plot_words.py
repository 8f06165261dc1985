import pytest

from iot.consolidation import ForecastReason
from iot.plot_words import Language, clean_text, say, say_unit


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("pier-1 $x^2$ <b>&", "pier-1 $x^2$ <b>&"),
        ("a\x00b\x1b[31m", "a\ufffdb\ufffd[31m"),
        ("line\nbreak\tand\u3000wide", "line break and wide"),
        ("\u202egnp.exe\u2066", "\ufffdgnp.exe\ufffd"),  # right-to-left override and isolate
        ("\ud800\ue000\uffff", "\ufffd\ufffd\ufffd"),  # half a surrogate pair, a private and no character
        ("桥面浇筑", "桥面浇筑"),
        ("", ""),
    ],
)
def test_clean_text__whatever_comes__steers_nothing(text: str, shown: str) -> None:
    """What can be printed stays, white space is a blank, all else shows that something was there."""
    assert clean_text(text, columns=40) == shown


def test_clean_text__too_long__is_cut_by_its_width() -> None:
    """A Chinese character is as wide as two Latin ones; however long the text, what is looked at stays short."""
    assert clean_text("x" * 11, columns=10) == "x" * 10 + "…"
    assert clean_text("x" * 10, columns=10) == "x" * 10
    assert clean_text("桥" * 6, columns=10) == "桥" * 5 + "…"
    assert len(clean_text("a" + "\u0301" * 1_000_000, columns=10)) <= 12


def test_say__in_both_languages() -> None:
    """A word that nobody translated stays what it is."""
    assert (say("gap", Language.ZH), say("gap", Language.EN)) == ("无数据（未知）", "No data (unknown)")
    assert say("stability.new", Language.ZH) == "stability.new"
    assert (say_unit("Cel"), say_unit("mm")) == ("°C", "mm")


@pytest.mark.parametrize("reason", [each for each in ForecastReason if each is not ForecastReason.DETERMINED])
def test_say__why_there_is_no_forecast(reason: ForecastReason) -> None:
    """Every reason has its words in both languages: an inspector never reads a code."""
    assert reason not in {say(reason, Language.ZH), say(reason, Language.EN)}
    assert say(reason, Language.ZH) != say(reason, Language.EN)
