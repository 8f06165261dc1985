import re

import pytest

from api.public_messages import MESSAGES, choose_language
from domain.issue import IssueStatus
from domain.progress import Progress
from domain.project import ProjectKind
from domain.report import ReportStatus

HOLE = re.compile(r"\{(\w+)\}")


def test_messages__both_languages__have_the_same_keys_and_holes() -> None:
    """Nothing is missing in either, nothing is empty, and the same values fit into both."""
    assert set(MESSAGES["zh"]) == set(MESSAGES["en"])
    for key, chinese in MESSAGES["zh"].items():
        english = MESSAGES["en"][key]
        assert chinese.strip(), key
        assert english.strip(), key
        assert set(HOLE.findall(chinese)) == set(HOLE.findall(english)), key


def test_messages__of_every_state__are_there() -> None:
    """What is looked up by a value of an enum cannot be missing."""
    for group, values in {
        "kind": ProjectKind,
        "progress": Progress,
        "issue": IssueStatus,
        "report": ReportStatus,
    }.items():
        assert {f"{group}.{each.value}" for each in values} == {
            key for key in MESSAGES["zh"] if key.startswith(f"{group}.")
        }


@pytest.mark.parametrize(
    ("asked", "accept", "expected"),
    [
        (None, "", "zh"),
        ("en", "zh-CN", "en"),
        ("zh", "en", "zh"),
        ("fr", "", "zh"),
        (None, "en-GB,en;q=0.9", "en"),
        (None, "fr,en;q=0.3,zh;q=0.8", "zh"),
        (None, "zh;q=0,en;q=0.1", "en"),
        (None, "en;q=x,*", "zh"),
    ],
)
def test_choose_language__asked_or_accepted__is_one_of_ours(asked: str | None, accept: str, expected: str) -> None:
    """The query counts before the header; weights count; what nobody asked for is Chinese."""
    assert choose_language(asked=asked, accept=accept) == expected
