"""`siteproof plot` on a real database."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from PIL import Image

from domain.project import ProjectClass, ProjectKind
from domain.sensor import Placement, SensorKind, SensorProfile
from runtime.command_line import main
from runtime.plot_command import InvalidTime, UnknownPictureFormat, find_format, find_time
from storage.database import Database
from storage.keyed_reading import KeyedReading, gather
from storage.project import put_project
from storage.reading import refresh_aggregates, store_readings
from storage.sensor import find_sensor_entry, put_sensor

START = datetime(2026, 5, 1, tzinfo=UTC)


@pytest.fixture
def filled(database: Database, monkeypatch: pytest.MonkeyPatch) -> Database:
    """A bridge with one gauge that said 0, 1, 2 .. mm on twenty days; the settings name its database."""
    with database.transaction() as connection:
        put_project(
            connection,
            project_id="b1",
            name="Bridge",
            kind=ProjectKind.BRIDGE,
            area="county/town",
            contractor=None,
            starts_on=None,
            ends_on=None,
            time_zone="Asia/Shanghai",
            position=None,
            project_class=ProjectClass.B,
            public_code="b1",
        )
        put_sensor(
            connection,
            sensor_id="s1",
            project_id="b1",
            kind=SensorKind.SETTLEMENT,
            unit="mm",
            profile=SensorProfile(placement=Placement("bridge", 0.0)),
        )
        entry = find_sensor_entry(connection, sensor_id="s1")
        assert entry is not None
        rows = [KeyedReading(entry.key, START + timedelta(days=day), float(day)) for day in range(20)]
        store_readings(connection, readings=gather(rows))
    refresh_aggregates(database.url)
    monkeypatch.setenv("SITEPROOF_DATABASE_URL", database.url)
    return database


@pytest.mark.usefixtures("filled")
def test_plot__of_a_sensor_and_of_a_structure__writes_the_files(tmp_path: Path) -> None:
    """The ending says the format, the options the size and the language."""
    svg, png = tmp_path / "s1.svg", tmp_path / "bridge.png"
    sensor = ["plot", "--sensor", "s1", "-o", str(svg), "--to", "2026-06-01", "--lang", "en"]
    assert CliRunner().invoke(main, sensor, catch_exceptions=False).exit_code == 0
    assert "Settlement (mm), positive downwards" in svg.read_text(encoding="utf-8")
    structure = ["plot", "--project", "b1", "--structure", "bridge", "-o", str(png), "--width", "800"]
    assert CliRunner().invoke(main, structure, catch_exceptions=False).exit_code == 0
    with Image.open(png) as image:
        assert image.size == (800, 800)


@pytest.mark.usefixtures("filled")
def test_plot__of_nothing__says_what_is_wrong(tmp_path: Path) -> None:
    """A sensor that is not there, no choice and a wrong ending are told apart, and no file is left behind."""
    target = str(tmp_path / "a.svg")
    for arguments, said in (
        (["--sensor", "none", "-o", target], "sensor.not_found"),
        (["--project", "none", "--structure", "bridge", "-o", target], "project.not_found"),
        (["-o", target], "give --sensor, or --project and --structure"),
        (["--sensor", "s1", "-o", str(tmp_path / "a.gif")], "plot.unknown_format"),
        (["--sensor", "s1", "-o", target, "--from", "yesterday"], "plot.invalid_time"),
        (["--sensor", "s1", "-o", target, "--width", "10"], "plot.invalid_size"),
    ):
        result = CliRunner().invoke(main, ["plot", *arguments])
        assert result.exit_code == 2
        assert said in result.output, result.output
    assert list(tmp_path.iterdir()) == []


def test_find_time__in_the_project_s_zone() -> None:
    """A date is the project's midnight, which is 16:00 UTC the day before in Shanghai; an offset counts as given."""
    assert find_time("2026-05-01", "Asia/Shanghai") == datetime(2026, 4, 30, 16, tzinfo=UTC)
    assert find_time("2026-05-01T08:00+02:00", "Asia/Shanghai") == datetime(2026, 5, 1, 6, tzinfo=UTC)
    assert find_time(None, "Asia/Shanghai") is None
    with pytest.raises(InvalidTime):
        find_time("01.05.2026", "Asia/Shanghai")
    with pytest.raises(UnknownPictureFormat):
        find_format(Path("plot.pdf"))
