"""The record of a real test bridge: a support lowered, a lorry on and off, a day of warming."""

import zipfile
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from iot.settlement import Stability, analyse_settlement, to_datetime, to_day
from iot.settlement_statistics import FloatArray, bin_means
from iot.settlement_steps import Step

STRAINS = (
    "UniBw_2022-04-11_ref_support_load_01DMS_CNAt100Hz.csv.zip",
    "UniBw_2022-04-11_support_01_lowering_01DMS_CNAt100Hz.csv.zip",
    "UniBw_2022-04-11_support_load_01DMS_CNAt100Hz.csv.zip",
)
MEAN_OF_S = 5.0
DAY_S = 86_400.0

Series = tuple[FloatArray, FloatArray]


def parse_rows(content: str, layout: str) -> Series:
    """Times [d] and the first column; the bridge's clock is taken as UTC, since only differences matter here."""
    rows = [line.rstrip("\r,").split(",") for line in content.splitlines()[1:]]
    times = [to_day(datetime.strptime(row[0], layout).replace(tzinfo=UTC)) for row in rows]
    return np.array(times), np.array([float(row[1]) for row in rows])


@pytest.fixture(scope="module")
def strain(real_data: Path) -> Series:
    """Five-second means of the strain [um/m]; day and month are swapped in these files."""
    parts = []
    for name in STRAINS:
        with zipfile.ZipFile(real_data / "bridge" / name) as archive:
            parts.append(parse_rows(archive.read(archive.namelist()[0]).decode(), "%Y-%d-%m %H:%M:%S.%f"))
    times, values = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    means, columns = bin_means(times, values[:, None], width=MEAN_OF_S / DAY_S)
    return means, columns[:, 0]


@pytest.fixture(scope="module")
def temperature(real_data: Path) -> Series:
    """The air through the day, every tenth second [degC]."""
    with zipfile.ZipFile(real_data / "bridge" / "TemperatureData2022-04-11.zip") as archive:
        texts = [archive.read(name).decode("cp1252") for name in archive.namelist()]
    parts = [parse_rows(text, "%d.%m.%Y %H:%M:%S.%f") for text in texts]
    times, degrees = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    order = np.argsort(times)
    return times[order][::10], degrees[order][::10]


def find_between(steps: tuple[Step, ...], begin: str, end: str) -> list[Step]:
    """The steps within two times of that day."""
    return [step for step in steps if begin <= f"{to_datetime(step.at_days):%H:%M:%S}" <= end]


def test_strain__lowering_and_loading_are_steps(strain: Series, temperature: Series) -> None:
    """A lorry on and off, the support lowered, the record's gap, the lorry on and off again: these and no others."""
    analysis = analyse_settlement(*strain, temperature=temperature)
    for step in analysis.steps:
        print(f"{to_datetime(step.at_days):%H:%M:%S} {step.size_mm}")  # noqa: T201 - run by hand, to be read
    # Means of 40 s read off the file: 0.46 before the lorry, 7.4 with it, 0.43 after; 0.6 before the lowering, 6.2
    # after its first part (the second takes four minutes, a movement and no step); 34.8, 40.8, 34.6 at the last one.
    expected = (
        ("08:42:00", "08:43:00", 6.9),
        ("08:44:20", "08:45:00", -6.9),
        ("08:55:30", "08:56:40", 5.6),
        ("09:25:40", "09:26:40", 6.0),
        ("09:28:00", "09:29:00", -6.2),
    )
    for begin, end, size_mm in expected:
        (step,) = find_between(analysis.steps, begin, end)
        assert step.size_mm.value == pytest.approx(size_mm, abs=1.0)
    # From 09:09:34 to 09:20:05 nothing was recorded: 29.3 before, 34.2 to 36.2 after.
    assert len(analysis.steps) == len(expected) + 1
    assert len(find_between(analysis.steps, "09:20:05", "09:20:20")) == 1


def test_strain__an_hour_is_no_verdict(strain: Series, temperature: Series) -> None:
    """Neither the lowering nor the warming of an hour is called settling, accelerating or stable."""
    analysis = analyse_settlement(*strain, temperature=temperature)
    print(analysis.thermal.reason, analysis.thermal.coefficient_mm_per_k)  # noqa: T201 - run by hand, to be read
    assert analysis.stability.verdict is Stability.CANNOT_TELL
    assert all(rate.rate_mm_per_day is None for rate in analysis.rates)


def test_plateaus__no_step_by_warming(strain: Series, temperature: Series) -> None:
    """On the quiet minutes before the lowering and after it there is no step, though the air warms."""
    for begin, end in (("08:49:40", "08:55:30"), ("09:05:40", "09:09:30")):
        stamps = [f"{to_datetime(float(each)):%H:%M:%S}" for each in strain[0]]
        quiet = np.array([begin <= each <= end for each in stamps])
        analysis = analyse_settlement(strain[0][quiet], strain[1][quiet], temperature=temperature)
        assert analysis.steps == ()


def test_real_temperature__its_movement_is_not_settlement(temperature: Series) -> None:
    """The real air's course, day after day, moving a point by 0.1 mm/degC (simulated): found, and stable."""
    known, degrees = temperature
    assert np.ptp(degrees) > 12
    rng = np.random.default_rng(1)
    times = np.arange(0, 120, 1 / 12)
    # The record covers 08:36 to 17:49; its night is drawn straight. Spells of weather are added, 10 degrees of spring.
    weather = 10 * times / 120 + np.interp(times, np.arange(0, 123, 3), rng.normal(0, 3, 41))
    air = np.interp(times % 1, known % 1, degrees, period=1) + weather
    analysis = analyse_settlement(
        times, 0.1 * air + rng.normal(0, 0.1, times.size), temperature=(times, air), stability_limit_mm_per_day=0.005
    )
    found = analysis.thermal.coefficient_mm_per_k
    assert found is not None
    assert found.low <= 0.1 <= found.high
    assert analysis.stability.verdict is Stability.STABLE
    assert analysis.steps == ()
