"""An alarm as a finding: its severity, its sentences, and the key by which one episode is one finding."""

from typing import Final

from domain.finding import Kind, NewFinding, Severity
from domain.sensor import Sensor, SensorKind
from iot.alarms import AlarmRaised

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


def make_alarm_finding(sensor: Sensor, raised: AlarmRaised) -> NewFinding:
    """The finding of one episode: from the first reading beyond the limit until the value has come back."""
    is_rate = raised.quantity == "rate_per_day"
    unit = f"{sensor.unit}/d" if is_rate else sensor.unit
    value, limit, level = f"{raised.value:.6g} {unit}", f"{raised.limit:.6g} {unit}", raised.level.level
    return NewFinding(
        project_id=sensor.project_id,
        kind=Kind.SENSOR,
        code="sensor.rate" if is_rate else "sensor.threshold",
        severity=alarm_severity(sensor, level),
        title={
            "zh": f"测点 {sensor.id} {_KIND_ZH[sensor.kind]} {value}，{_QUANTITY_ZH[raised.quantity]} {limit}，"
            f"达到{_LEVEL_ZH.get(level, level)}预警",
            "en": f"Sensor {sensor.id}: {sensor.kind.value.replace('_', ' ')} {value}, "
            f"{_QUANTITY_EN[raised.quantity]} {limit}, level {level}",
        },
        occurred_at=raised.since,
        dedup_key=f"alarm:{sensor.id}:{level}:{raised.since.isoformat()}",
        sensor_id=sensor.id,
        details={
            "level": level,
            "quantity": raised.quantity,
            "value": raised.value,
            "limit": raised.limit,
            "unit": unit,
            "since": raised.since.isoformat(),
            "confirmed_at": raised.at.isoformat(),
            "action": raised.level.action,
        },
    )
