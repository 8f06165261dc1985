"""An episode as a finding: its severity, its sentences, and the key by which one episode is one finding."""

from typing import Final

from domain.alarm import EpisodeFound, GaugeFault
from domain.finding import Kind, NewFinding, Severity
from domain.sensor import AlarmLevel, Sensor, SensorKind

_BY_NAME: Final = {"yellow": Severity.MINOR, "orange": Severity.MAJOR, "red": Severity.CRITICAL}
_KIND_ZH: Final = {
    SensorKind.SETTLEMENT: "沉降",
    SensorKind.HYDROSTATIC_LEVEL: "静力水准",
    SensorKind.TILT: "倾斜",
    SensorKind.CRACK_WIDTH: "裂缝宽度",
    SensorKind.STRAIN: "应变",
    SensorKind.BEARING_FORCE: "支座反力",
    SensorKind.WATER_LEVEL: "水位",
    SensorKind.RAIN: "雨量",
    SensorKind.TEMPERATURE: "温度",
    SensorKind.VIBRATION: "振动",
}
_LEVEL_ZH: Final = {"yellow": "黄色", "orange": "橙色", "red": "红色"}
_QUANTITY_ZH: Final = {"above": "高于限值", "below": "低于限值", "rate_per_day": "日变化速率超过限值"}
_QUANTITY_EN: Final = {"above": "above", "below": "below", "rate_per_day": "changing faster than"}
_FAULT_ZH: Final = {
    GaugeFault.STUCK: "读数长时间一字不变，仪器可能卡死",
    GaugeFault.SPIKING: "读数反复跳变后恢复，仪器或接线可能不良",
    GaugeFault.DRIFTING: "与互为备份的测点逐渐偏离，两者之一可能漂移",
    GaugeFault.OUT_OF_RANGE: "读数超出量程，仪器可能损坏",
    GaugeFault.SILENT: "长时间没有读数",
}
_FAULT_EN: Final = {
    GaugeFault.STUCK: "says the very same for long: the gauge may be stuck",
    GaugeFault.SPIKING: "jumps away and back again and again: the gauge or its wiring may be bad",
    GaugeFault.DRIFTING: "parts from the one that measures the same: one of the two may drift",
    GaugeFault.OUT_OF_RANGE: "says what it cannot measure: the gauge may be broken",
    GaugeFault.SILENT: "says nothing",
}


def alarm_severity(sensor: Sensor, level: str) -> Severity:
    """Yellow is minor, orange major, red critical; levels of other names count by their place among the sensor's.

    The last of several is critical and the first minor, those between and a single one major.
    """
    if level in _BY_NAME:
        return _BY_NAME[level]
    names = [each.level for each in sensor.alarms]
    if len(names) <= 1:
        return Severity.MAJOR
    if level == names[-1]:
        return Severity.CRITICAL
    return Severity.MINOR if level == names[0] else Severity.MAJOR


def make_finding(sensor: Sensor, found: EpisodeFound, *, number: int = 1) -> NewFinding:
    """The finding of one episode: from the first reading of it until it has ended.

    Args:
        sensor: whose.
        found: the episode.
        number: counts episodes of one level that begin at the same time, because one of them was withdrawn before.
    """
    return _make_alarm_finding(sensor, found, number) if found.level is not None else _make_fault(sensor, found, number)


def _make_alarm_finding(sensor: Sensor, found: EpisodeFound, number: int) -> NewFinding:
    details, level = found.details, found.level or ""
    is_rate = details["quantity"] == "rate_per_day"
    unit = f"{sensor.unit}/d" if is_rate else sensor.unit
    value, limit = f"{details['value']:.6g} {unit}", f"{details['limit']:.6g} {unit}"
    doubt_zh, doubt_en = ("（仪器状态存疑）", " (the gauge is in doubt)") if details["is_gauge_doubtful"] else ("", "")
    return NewFinding(
        project_id=sensor.project_id,
        kind=Kind.SENSOR,
        code=found.code,
        severity=alarm_severity(sensor, level),
        title={
            "zh": f"测点 {sensor.id} {_KIND_ZH[sensor.kind]} {value}，{_QUANTITY_ZH[details['quantity']]} {limit}，"
            f"达到{_LEVEL_ZH.get(level, level)}预警{doubt_zh}",
            "en": f"Sensor {sensor.id}: {sensor.kind.value.replace('_', ' ')} {value}, "
            f"{_QUANTITY_EN[details['quantity']]} {limit}, level {level}{doubt_en}",
        },
        occurred_at=found.since,
        dedup_key=_key("alarm", sensor, level, found, number),
        sensor_id=sensor.id,
        details={**_times(found), **details, "level": level, "unit": unit, "baseline": sensor.profile.baseline},
    )


def _make_fault(sensor: Sensor, found: EpisodeFound, number: int) -> NewFinding:
    fault = GaugeFault(found.code)
    value = found.details.get("value")
    beyond = None if fault is not GaugeFault.OUT_OF_RANGE or value is None else _find_worst(sensor, value)
    zh, en = _FAULT_ZH[fault], _FAULT_EN[fault]
    if beyond is not None:
        # The structure may have gone where the gauge cannot follow, so somebody must look as for the level itself.
        zh, en = f"{zh}；也可能是结构真实变位", f"{en}, or the structure has moved beyond what it can measure"
    return NewFinding(
        project_id=sensor.project_id,
        kind=Kind.SENSOR,
        code=found.code,
        severity=Severity.MINOR if beyond is None else alarm_severity(sensor, beyond.level),
        title={"zh": f"测点 {sensor.id} {zh}", "en": f"Sensor {sensor.id} {en}"},
        occurred_at=found.since,
        dedup_key=_key("fault", sensor, found.code, found, number),
        sensor_id=sensor.id,
        details={
            **_times(found),
            **found.details,
            **({} if value is None else {"unit": sensor.unit}),
            **({} if beyond is None else {"level": beyond.level, "action": beyond.action}),
        },
    )


def _find_worst(sensor: Sensor, value: float) -> AlarmLevel | None:
    """The severest level on whose side a value lies that the gauge cannot measure."""
    moved = value - (sensor.profile.baseline or 0.0)
    exceeded = [
        level
        for level in sensor.alarms
        if (level.above is not None and moved > level.above) or (level.below is not None and moved < level.below)
    ]
    return exceeded[-1] if exceeded else None


def _times(found: EpisodeFound) -> dict[str, str]:
    return {"since": found.since.isoformat(), "confirmed_at": found.raised_at.isoformat()}


def _key(kind: str, sensor: Sensor, name: str, found: EpisodeFound, number: int) -> str:
    key = f"{kind}:{sensor.id}:{name}:{found.since.isoformat()}"
    return key if number == 1 else f"{key}#{number}"
