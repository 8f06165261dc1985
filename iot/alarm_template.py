"""Templates for alarm levels: which quantities, by which standard, and who must give the figures.

None holds a figure: limits follow from the structure's design, and a number that looks official would be taken for one.
A template as it stands is refused by the registry, because no level of it has a limit or an action yet. Clauses are
named where their text was seen; where only the standard is known to be about it, the clause is left open.
"""

from dataclasses import dataclass
from typing import Any, Final

from domain.sensor import SensorKind


@dataclass(frozen=True, slots=True)
class AlarmTemplate:
    """A way to set the levels of one kind of sensor; texts in `zh` and `en`.

    Attributes:
        quantities: fields of a level that need a figure.
        source: `standard`, `clause` (empty where it must be looked up) and what it says.
        figures: where the figures come from.
        must_confirm: who must give or confirm them before they count.
        alarms: levels to fill in, of the form of DESIGN.md's `alarms`.
    """

    id: str
    kind: SensorKind
    title: dict[str, str]
    quantities: list[str]
    source: dict[str, str]
    figures: dict[str, str]
    must_confirm: dict[str, str]
    alarms: list[dict[str, Any]]


def _make_levels(*quantities: str) -> list[dict[str, Any]]:
    return [{"level": level, **dict.fromkeys(quantities), "action": ""} for level in ("yellow", "orange", "red")]


_DESIGNER: Final = {
    "zh": "本模板不含任何限值；限值须由设计单位给出或确认，并由县（区）主管部门确认后方可使用。",
    "en": "This template holds no figure; the designer must give or confirm each, and the county must confirm it.",
}
_COUNTY: Final = {
    "zh": "本模板不含任何限值；限值须由县（区）水行政主管部门按本站特征水位确定并确认。",
    "en": "This template holds no figure; the county's water authority must set and confirm each for this station.",
}
_LOOK_UP: Final = {
    "zh": "条款号须由使用者查阅现行版本确认。",
    "en": "The clause must be looked up in the edition in force.",
}

TEMPLATES: Final = (
    AlarmTemplate(
        id="bridge_pier_settlement",
        kind=SensorKind.SETTLEMENT,
        title={"zh": "桥墩沉降：累计值与速率", "en": "Settlement of a bridge pier: movement and rate"},
        quantities=["above", "rate_per_day"],
        source={
            "standard": "GB 50497-2019 建筑基坑工程监测技术标准",
            "clause": "8.0.1, 8.0.3",
            "zh": "预警值由设计方确定；累计变化量与变化速率同时给出，超过其一即预警。该标准针对基坑，此处仅借其原则。",
            "en": "The designer sets the values; movement and rate are given together, and either one warns. The "
            "standard is about excavations: only its principle is taken here.",
        },
        figures={
            "zh": "由桥梁设计允许的墩台均匀沉降与相邻墩台不均匀沉降换算。",
            "en": "From the settlement and the differential settlement of piers that the bridge's design allows.",
        },
        must_confirm=_DESIGNER,
        alarms=_make_levels("above", "rate_per_day"),
    ),
    AlarmTemplate(
        id="concrete_crack_width",
        kind=SensorKind.CRACK_WIDTH,
        title={"zh": "混凝土裂缝宽度", "en": "Width of a crack in concrete"},
        quantities=["above", "rate_per_day"],
        source={
            "standard": "JTG 3362-2018 公路钢筋混凝土及预应力混凝土桥涵设计规范",
            "clause": "",
            "zh": f"按环境类别规定裂缝宽度限值。{_LOOK_UP['zh']}",
            "en": f"It limits crack widths by the class of the environment. {_LOOK_UP['en']}",
        },
        figures={
            "zh": "按构件类型与环境类别查取；测缝计测的是安装后的变化量，须加上安装时的宽度。",
            "en": "By the member and its environment; a gauge measures the change since it was mounted: mind the "
            "width then.",
        },
        must_confirm=_DESIGNER,
        alarms=_make_levels("above", "rate_per_day"),
    ),
    AlarmTemplate(
        id="building_tilt",
        kind=SensorKind.TILT,
        title={"zh": "房屋倾斜", "en": "Tilt of a building"},
        quantities=["above", "below", "rate_per_day"],
        source={
            "standard": "JGJ 125-2016 危险房屋鉴定标准; JGJ 8-2016 建筑变形测量规范",
            "clause": "",
            "zh": f"前者用于危险性鉴定，后者用于倾斜观测。{_LOOK_UP['zh']}",
            "en": f"The one appraises dangerous buildings, the other is about observing tilt. {_LOOK_UP['en']}",
        },
        figures={
            "zh": "按房屋高度、结构类型与鉴定结论确定；两个方向都要设。",
            "en": "By the building's height and structure and its appraisal; both directions need one.",
        },
        must_confirm=_DESIGNER,
        alarms=_make_levels("above", "below", "rate_per_day"),
    ),
    AlarmTemplate(
        id="water_level",
        kind=SensorKind.WATER_LEVEL,
        title={"zh": "河渠水位", "en": "Water level of a river or canal"},
        quantities=["above"],
        source={
            "standard": "SL 758-2018 水情预警信号",
            "clause": "4.2.1, 4.2.2",
            "zh": "洪水预警等级按相应水位（流量）或洪水重现期确定，宜参照警戒水位、保证水位或历史最高水位。",
            "en": "Flood warnings follow the stage, the flow or the return period, with the warning stage, the "
            "guaranteed stage or the highest stage on record for reference.",
        },
        figures={
            "zh": "取本站警戒水位、保证水位；无特征水位的小型渠道由县（区）自行确定。",
            "en": "The station's warning and guaranteed stages; where a small canal has none, the county sets its own.",
        },
        must_confirm=_COUNTY,
        alarms=_make_levels("above"),
    ),
)
