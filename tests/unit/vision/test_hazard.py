import pytest

from domain.finding import Severity
from domain.media import Detection
from vision.hazard import Box, HazardJudgement, box_iou
from vision.hazard_judgement import judge_hazards
from vision.hazard_rules import RulesInForce, load_default_rules
from vision.scene import Scene

# One worker, 100 x 300 at (200, 100): the head's place is about the upper eighth, the torso's two fifths down.
_WORKER: Box = (200, 100, 300, 400)
_HEAD: Box = (230, 100, 270, 140)
_TORSO: Box = (210, 150, 290, 260)


def _seen(label: str, box: Box, score: float = 0.8) -> Detection:
    return Detection(label=label, score=score, box_xyxy_px=box)


def _judge(*detections: Detection, width_px: int = 640, height_px: int = 640) -> HazardJudgement:
    rules = load_default_rules()
    return judge_hazards(
        detections, width_px=width_px, height_px=height_px, in_force=RulesInForce(rules), scene=Scene()
    )


def _untold(judgement: HazardJudgement) -> tuple[int, int]:
    """For how many persons the helmet and the vest could not be told."""
    return judgement.cannot_tell["safety.no_hardhat"], judgement.cannot_tell["safety.no_vest"]


def test_judge_hazards__bare_head() -> None:
    """A bare head at the top of a person is one major hazard, with the person's box and both languages."""
    judgement = _judge(_seen("person", _WORKER, 0.9), _seen("no_hardhat", _HEAD, 0.7))
    (hazard,) = judgement.hazards
    assert (hazard.code, hazard.severity, hazard.box_xyxy_px) == ("safety.no_hardhat", Severity.MAJOR, _WORKER)
    assert hazard.score == 0.7
    assert set(hazard.title) == {"zh", "en"}
    assert hazard.details["person_box"] is True
    assert judgement.persons == 1
    assert _untold(judgement) == (0, 1)


def test_judge_hazards__no_vest() -> None:
    """A torso without a vest is one minor hazard."""
    (hazard,) = _judge(_seen("person", _WORKER), _seen("no_vest", _TORSO)).hazards
    assert (hazard.code, hazard.severity, hazard.box_xyxy_px) == ("safety.no_vest", Severity.MINOR, _WORKER)


def test_judge_hazards__dressed() -> None:
    """Who wears both gives nothing, and it could be told."""
    judgement = _judge(_seen("person", _WORKER), _seen("hardhat", _HEAD), _seen("vest", _TORSO))
    assert judgement.hazards == ()
    assert _untold(judgement) == (0, 0)


def test_judge_hazards__nothing_seen_on_a_person() -> None:
    """That no helmet was seen is no hazard: it cannot be told."""
    judgement = _judge(_seen("person", _WORKER))
    assert judgement.hazards == ()
    assert _untold(judgement) == (1, 1)


@pytest.mark.parametrize(
    ("worn", "missing", "hazards", "cannot_tell"),
    [(0.5, 0.8, 1, 0), (0.8, 0.5, 0, 0), (0.7, 0.8, 0, 1), (0.8, 0.7, 0, 1)],
)
def test_judge_hazards__both_on_one_head(worn: float, missing: float, hazards: int, cannot_tell: int) -> None:
    """The stronger wins by a lead of 0.3; at a lead of 0.1 it cannot be told."""
    head = (232.0, 102.0, 268.0, 138.0)
    judgement = _judge(_seen("person", _WORKER), _seen("hardhat", _HEAD, worn), _seen("no_hardhat", head, missing))
    assert len(judgement.hazards) == hazards
    assert judgement.cannot_tell["safety.no_hardhat"] == cannot_tell


@pytest.mark.parametrize(
    ("head", "why"),
    [
        ((230, 300, 270, 340), "at the knees"),
        ((330, 100, 370, 140), "beside the person"),
        ((246, 100, 254, 140), "narrower than a tenth of the person"),
    ],
)
def test_judge_hazards__head_of_nobody(head: Box, why: str) -> None:
    """A bare head that lies where the person's cannot be is not theirs."""
    judgement = _judge(_seen("person", _WORKER), _seen("no_hardhat", head, 0.5))
    assert judgement.hazards == (), why
    assert judgement.cannot_tell["safety.no_hardhat"] == 1


@pytest.mark.parametrize(("score", "told"), [(0.8, True), (0.5, False)])
def test_judge_hazards__bare_head_without_person(score: float, told: bool) -> None:  # noqa: FBT001 - a column
    """Where the person was missed a strong bare head is told all the same, with the head's box."""
    hazards = _judge(_seen("no_hardhat", _HEAD, score)).hazards
    assert [(h.box_xyxy_px, h.details["person_box"]) for h in hazards] == ([(_HEAD, False)] if told else [])


def test_judge_hazards__two_workers_side_by_side() -> None:
    """Each head goes to its own person, though both boxes hold both: only the left one is bare."""
    left, right = (200.0, 100.0, 300.0, 400.0), (250.0, 105.0, 350.0, 400.0)
    judgement = _judge(
        _seen("person", left),
        _seen("person", right),
        _seen("no_hardhat", (235, 100, 270, 140), 0.6),
        _seen("hardhat", (285, 105, 320, 140), 0.9),
    )
    assert [hazard.box_xyxy_px for hazard in judgement.hazards] == [left]
    assert judgement.cannot_tell["safety.no_hardhat"] == 0


def test_judge_hazards__one_hazard_for_one_person() -> None:
    """Two bare heads in one box make one hazard of that person."""
    judgement = _judge(
        _seen("person", _WORKER), _seen("no_hardhat", _HEAD, 0.7), _seen("no_hardhat", (200, 110, 225, 135), 0.5)
    )
    assert len(judgement.hazards) == 1


@pytest.mark.parametrize(("scale", "hazards"), [(1.0, 1), (0.1, 0)])
def test_judge_hazards__small_person(scale: float, hazards: int) -> None:
    """300 px in a picture of 640 are enough; 30 px are below 32."""

    def scaled(box: Box) -> Box:
        return box[0] * scale, box[1] * scale, box[2] * scale, box[3] * scale

    judgement = _judge(_seen("person", scaled(_WORKER)), _seen("no_hardhat", scaled(_HEAD)))
    assert len(judgement.hazards) == hazards
    assert judgement.cannot_tell["safety.no_hardhat"] == 1 - hazards


def test_judge_hazards__small_person_of_a_large_picture() -> None:
    """What counts is what the network saw: 150 of 4000 px are 150 x 640 / 4000 = 24 px, below 32."""
    detections = [_seen("person", (1000, 1000, 1050, 1150)), _seen("no_hardhat", (1015, 1000, 1035, 1020))]
    assert _judge(*detections, width_px=4000, height_px=3000).hazards == ()
    assert len(_judge(*detections, width_px=1200, height_px=1200).hazards) == 1


def test_judge_hazards__head_cut_by_the_upper_border() -> None:
    """A head that the picture cuts may wear what is not in it."""
    judgement = _judge(_seen("person", (200, 0, 300, 300)), _seen("no_hardhat", (230, 0, 270, 20), 0.9))
    assert judgement.hazards == ()
    assert judgement.cannot_tell["safety.no_hardhat"] == 1


@pytest.mark.parametrize(
    ("helmet", "why"),
    [
        ((270, 240, 305, 270), "in the hand, beside the hip"),
        ((235, 175, 270, 205), "held before the chest: its middle at (190 - 100) / 300 = 0.30 of the height"),
        ((210, 390, 245, 420), "on the ground at the feet"),
    ],
)
def test_judge_hazards__helmet_carried__is_none_that_is_worn(helmet: Box, why: str) -> None:
    """Beside a bare head it changes nothing; alone it says nothing of the head."""
    bare = _judge(_seen("person", _WORKER), _seen("no_hardhat", _HEAD, 0.5), _seen("hardhat", helmet, 0.95))
    assert [hazard.code for hazard in bare.hazards] == ["safety.no_hardhat"], why
    unseen = _judge(_seen("person", _WORKER), _seen("hardhat", helmet, 0.95))
    assert _untold(unseen) == (1, 1), why


def test_judge_hazards__head_half_cut_at_the_side() -> None:
    """A head 40 px high of which 10 px are left at the left border may wear anything; 30 px are enough."""
    person = (0.0, 100.0, 70.0, 400.0)
    strip, most = (0.0, 100.0, 10.0, 140.0), (0.0, 100.0, 30.0, 140.0)
    assert _untold(_judge(_seen("person", person), _seen("no_hardhat", strip))) == (1, 1)
    assert len(_judge(_seen("person", person), _seen("no_hardhat", most)).hazards) == 1


def test_judge_hazards__torso_cut_to_a_strip() -> None:
    """A strip at the lower border, 80 px wide and 15 high, shows no vest and no lack of one; 30 px high it does."""
    person = (200.0, 500.0, 300.0, 640.0)
    strip, shoulders = (210.0, 625.0, 290.0, 640.0), (210.0, 610.0, 290.0, 640.0)
    assert _judge(_seen("person", person), _seen("no_vest", strip)).hazards == ()
    assert [h.code for h in _judge(_seen("person", person), _seen("no_vest", shoulders)).hazards] == ["safety.no_vest"]


def test_judge_hazards__names_rule_version_and_figures() -> None:
    """Whoever reads the finding later knows by which rule, in which version, with which figures it was told."""
    (hazard,) = _judge(_seen("person", _WORKER), _seen("no_hardhat", _HEAD)).hazards
    assert (hazard.details["rule"], hazard.details["rule_version"]) == ("no_hardhat", "1")
    assert hazard.details["figures"]["clear_margin"] == 0.15
    assert hazard.cooldown_s == 600


def test_judge_hazards__bent_worker() -> None:
    """In a person wider than high the head may be at the side and lower."""
    person, head = (100.0, 200.0, 360.0, 380.0), (300.0, 290.0, 350.0, 340.0)
    assert len(_judge(_seen("person", person), _seen("no_hardhat", head)).hazards) == 1


def test_judge_hazards__nothing() -> None:
    """An empty picture gives an empty judgement."""
    judgement = _judge()
    assert (judgement.hazards, judgement.persons) == ((), 0)


def test_box_iou__by_hand() -> None:
    """10 x 10 moved by 5: shared 50, union 150; apart or empty: 0."""
    assert box_iou((0, 0, 10, 10), (5, 0, 15, 10)) == pytest.approx(1 / 3)
    assert box_iou((0, 0, 10, 10), (20, 0, 30, 10)) == 0
    assert box_iou((5, 5, 5, 5), (5, 5, 5, 5)) == 0
