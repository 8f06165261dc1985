"""Pictures as bytes: their structure parsed, their pixels counted; matplotlib and its fonts are real."""

import io
import logging
import sys
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from types import ModuleType
from xml.etree import ElementTree as ET

import matplotlib as mpl
import numpy as np
import pytest
from PIL import Image

from domain.sensor import AlarmLevel, Placement, SensorEvent, SensorProfile
from iot import plot_canvas
from iot.plot import PictureFormat, PictureSize, SensorPlot, StructurePlot, make_course, make_sensor_plot
from iot.plot import make_structure_plot as make_plot_of_structure
from iot.plot_picture import PlotBusy, draw_sensor, draw_structure
from iot.plot_words import Language
from iot.settlement import SettlementAnalysis, analyse_settlement, to_day
from iot.settlement_statistics import FloatArray
from iot.settlement_structure import PointSeries, analyse_structure
from tests.unit.iot.test_plot import make_finding, make_sensor

START = datetime(2026, 5, 1, tzinfo=UTC)
DAY = timedelta(days=1)
SVG = "{http://www.w3.org/2000/svg}"
HREF = "{http://www.w3.org/1999/xlink}href"
LEVELS = (
    AlarmLevel("yellow", "look", above=6),
    AlarmLevel("orange", "look", above=8),
    AlarmLevel("red", "stop", above=12, rate_per_day=2.0),
)
HOSTILE = "$\\frac{1}{0}$ <script>alert(1)</script> &amp; \x00\x1b[31m \u202egnp.exe ]]> " + "长" * 4000


@cache
def make_record() -> tuple[FloatArray, FloatArray, SettlementAnalysis]:
    """Sixty days of a consolidation to 10 mm that follows the temperature, silent from day 20 to 30."""
    days = to_day(START) + np.arange(0.0, 60.0, 0.125)
    days = days[(days < days[0] + 20) | (days > days[0] + 30)]
    celsius = 15 + 8 * np.cos(2 * np.pi * days) + 3 * np.sin(days)
    noise = np.random.default_rng(1).normal(0, 0.05, days.size)
    values = 10 * (1 - np.exp(-(days - days[0]) / 15)) + 0.05 * (celsius - 15) + noise
    return days, values, analyse_settlement(days, values, temperature=(days, celsius))


def make_plot(*, text: str = "桥面浇筑", **changes: object) -> SensorPlot:
    """The record with an event, an alarm, another finding and three levels."""
    days, values, analysis = make_record()
    profile = SensorProfile(placement=Placement(text, 12.5), events=(SensorEvent(START + 5 * DAY, text),))
    window = (START, START + 60 * DAY)
    course = make_course(days, values, low=values - 0.1, high=values + 0.1, window=(to_day(START), to_day(window[1])))
    return make_sensor_plot(
        make_sensor(alarms=LEVELS, profile=profile, **changes),
        time_zone="Asia/Shanghai",
        window=window,
        every="3h",
        course=course,
        findings=[make_finding(START + 12 * DAY), make_finding(START + 15 * DAY, details={}, title={"en": text})],
        analysis=analysis,
    )


@cache
def make_structure_plot(*, name: str = "bridge") -> StructurePlot:
    """Four points, the second of which was silent for a while."""
    days = to_day(START) + np.arange(0.0, 100.0, 0.5)
    noise = np.random.default_rng(1)
    points, sensors = [], []
    for number, final in enumerate((2.0, 9.0, 5.0, 3.0)):
        kept = days if number != 1 else days[(days < days[0] + 40) | (days > days[0] + 50)]
        values = final * (1 - np.exp(-(kept - days[0]) / 20)) + noise.normal(0, 0.05, kept.size)
        points.append(PointSeries(f"p{number}", kept, values, position_m=12.5 * number))
        placement = Placement(name, 12.5 * number)
        events = (SensorEvent(START + 5 * DAY, name),)
        sensors.append(make_sensor(id=f"p{number}", profile=SensorProfile(placement=placement, events=events)))
    return make_plot_of_structure(
        analyse_structure(points),
        structure=name,
        time_zone="Asia/Shanghai",
        sensors=sensors,
        from_=None,
        silent=["p9"],
        findings=[make_finding(START + 30 * DAY, sensor_id="p1")],
    )


def parse(content: bytes) -> ET.Element:
    """The SVG, which must be XML without a document type."""
    assert b"<!DOCTYPE" not in content
    assert b"<!ENTITY" not in content
    return ET.fromstring(content)  # noqa: S314 - our own, and without entities


def find_all(root: ET.Element, gid: str) -> list[ET.Element]:
    """The groups of this name, in order."""
    return [each for each in root.iter(f"{SVG}g") if each.get("id") == gid]


def count_pieces(group: ET.Element) -> int:
    """How many unbroken pieces the group's own line has: each begins with a move."""
    return (group.findall(f"{SVG}path")[0].get("d") or "").count("M")


def list_texts(root: ET.Element) -> list[str]:
    """All text of the picture."""
    return ["".join(each.itertext()) for each in root.iter(f"{SVG}text")]


def svg_of(plot: SensorPlot, language: Language = Language.ZH) -> bytes:
    """The sensor's SVG."""
    return draw_sensor(plot, size=PictureSize(), format_=PictureFormat.SVG, language=language).content


def has_line(texts: Iterable[str], part: str) -> bool:
    """Whether a text of the picture holds this."""
    return any(part in each for each in texts)


@pytest.mark.parametrize(
    ("language", "words"),
    [
        (
            Language.ZH,
            ("沉降 (mm), 向下为正", "黄色 > 6 mm", "橙色 > 8 mm", "红色 > 12 mm", "无数据（未知）", "95 % 区间"),
        ),
        (
            Language.EN,
            (
                "Settlement (mm), positive downwards",
                "yellow > 6 mm",
                "red > 12 mm",
                "No data (unknown)",
                "95 % interval",
            ),
        ),
    ],
)
def test_sensor__as_svg__shows_everything(language: Language, words: tuple[str, ...]) -> None:
    """Three bands, a broken line with its gap, the interval and the forecast, marks, temperature; as real text."""
    root = parse(svg_of(make_plot(), language))
    assert (root.get("width"), root.get("height")) == ("1200", "800")
    for gid in ("band-0", "band-1", "band-2", "limit-2", "spread", "interval", "forecast", "temperature", "corrected"):
        assert len(find_all(root, gid)) == 1, gid
    assert count_pieces(find_all(root, "mean")[0]) == 2
    assert count_pieces(find_all(root, "corrected")[0]) == 2
    assert len(find_all(root, "gap")) == 2  # in the values and in the temperature beneath
    assert len(find_all(root, "event")) == 1
    assert len(find_all(root, "finding-major")) == 2
    texts = list_texts(root)
    for word in words:
        assert has_line(texts, word), word
    assert has_line(texts, "Asia/Shanghai")
    assert has_line(texts, "2026-05-06 08:00  桥面浇筑")  # midnight UTC of the sixth in the project's zone


def test_sensor__settling__goes_down_the_picture() -> None:
    """Settlement is drawn downwards: the red limit lies below the yellow one, and a temperature's warmth above."""
    root = parse(svg_of(make_plot()))
    limits = [find_all(root, f"limit-{number}")[0].findall(f"{SVG}path")[0].get("d") or "" for number in (0, 2)]
    yellow, red = (float(each.split()[2]) for each in limits)
    assert red > yellow


def test_sensor__of_one_input__is_the_same_bytes() -> None:
    """No date, no random names."""
    assert svg_of(make_plot()) == svg_of(make_plot())


@pytest.mark.parametrize("format_", PictureFormat)
@pytest.mark.parametrize("language", Language)
def test_sensor__with_hostile_text__is_text(format_: PictureFormat, language: Language) -> None:
    """Markup, mathematics, control and bidi characters, and four thousand characters are drawn as what they are."""
    plot = make_plot(text=HOSTILE, unit="$mm$</text>", id="_x$y$")
    picture = draw_sensor(plot, size=PictureSize(), format_=format_, language=language)
    if format_ is PictureFormat.PNG:
        assert Image.open(io.BytesIO(picture.content)).size == (1200, 800)
        return
    root = parse(picture.content)
    require_harmless(root)
    texts = list_texts(root)
    assert has_line(texts, "$\\frac{1}{0}$ <script>alert(1)</script> &amp; \ufffd\ufffd[31m \ufffdgnp.exe ]]>")
    assert has_line(texts, "_x$y$")
    assert has_line(texts, "$mm$</text>")
    assert max(map(len, texts)) < 200
    assert not any(ord(char) < 32 or char == "\u202e" for text in texts for char in text)


def require_harmless(root: ET.Element) -> None:
    """Nothing runs, nothing is fetched: only plain elements, references to the picture itself, no handlers."""
    allowed = {"svg", "defs", "style", "g", "path", "use", "text", "clipPath", "rect", "pattern", "metadata"}
    for each in root.iter():
        assert each.tag.removeprefix(SVG) in allowed, each.tag
        for name, value in each.attrib.items():
            assert not name.lower().startswith("on"), name
            if name in {HREF, "href"}:
                assert value.startswith("#"), value
            assert value.count("url(") == value.count("url(#")
        if each.tag == f"{SVG}style":
            assert "@import" not in (each.text or "")
            assert "url" not in (each.text or "")


@pytest.mark.parametrize("language", Language)
def test_structure__as_svg__shows_points_profiles_and_differences(language: Language) -> None:
    """Five profiles, four points of which one is broken, three neighbours, finals with their intervals, marks."""
    plot = make_structure_plot()
    root = parse(draw_structure(plot, size=PictureSize(), format_=PictureFormat.SVG, language=language).content)
    require_harmless(root)
    for number in range(5):
        assert len(find_all(root, f"profile-{number}")) == 1
    pieces = [count_pieces(find_all(root, f"point-{number}")[0]) for number in range(4)]
    assert pieces == [1, 2, 1, 1]
    assert [len(find_all(root, f"pair-{number}")) for number in range(4)] == [1, 1, 1, 0]
    assert len(find_all(root, "final")) == 4
    assert len(find_all(root, "finding-major")) == 1
    texts = list_texts(root)
    assert has_line(texts, "p9")
    # 9 - 2 = 7 mm on 12.5 m, less what both moved on the first day, whose mean is the baseline: about 1/1,790.
    assert has_line(texts, "1/1,8") or has_line(texts, "1/1,7")


@pytest.mark.parametrize(("width", "height"), [(480, 360), (999, 701), (2400, 1600)])
def test_png__of_any_size__has_it_and_is_not_blank(width: int, height: int) -> None:
    """As many pixels as asked for, of more than a few colours."""
    size = PictureSize(width, height)
    for picture in (
        draw_sensor(make_plot(), size=size, format_=PictureFormat.PNG, language=Language.EN),
        draw_structure(make_structure_plot(), size=size, format_=PictureFormat.PNG, language=Language.EN),
    ):
        image = Image.open(io.BytesIO(picture.content))
        assert image.size == (width, height)
        assert picture.media_type == "image/png"
        colours = image.convert("RGB").getcolors(1_000_000)
        assert colours is not None
        assert len(colours) > 50


def test_sensor__without_readings__says_so() -> None:
    """An empty time is a picture with these words, its bands and no line."""
    plot = make_sensor_plot(
        make_sensor(alarms=LEVELS),
        time_zone="UTC",
        window=(START, START + DAY),
        every="2m",
        course=make_course(np.empty(0), np.empty(0)),
    )
    root = parse(svg_of(plot, Language.EN))
    assert has_line(list_texts(root), "No data in this time")
    assert len(find_all(root, "band-2")) == 1


def test_sensor__with_a_monstrous_spike__keeps_its_axis_and_tells() -> None:
    """One reading of a million does not squeeze a settlement of 10 mm flat; its value is told beside."""
    days = to_day(START) + np.arange(0.0, 60.0, 0.125)
    values = np.linspace(0.0, 10.0, days.size)
    high = values.copy()
    high[100] = 1e6
    plot = make_sensor_plot(
        make_sensor(),
        time_zone="UTC",
        window=(START, START + 60 * DAY),
        every="3h",
        course=make_course(days, values, low=values, high=high),
    )
    texts = list_texts(parse(svg_of(plot, Language.EN)))
    assert has_line(texts, "beyond the axis: 1e+06 mm")
    assert not any(each.replace("−", "").isdigit() and int(each.replace("−", "")) > 100 for each in texts)


def test_png__without_a_chinese_font__is_english_and_has_no_boxes(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Where no font has the characters, the words are English, a stranger's are question marks, and the log says so."""
    monkeypatch.setattr(plot_canvas, "_find_chinese_font", lambda: None)
    plot = make_plot(text="桥面 deck")
    with caplog.at_level(logging.WARNING):
        chinese = draw_sensor(plot, size=PictureSize(), format_=PictureFormat.PNG, language=Language.ZH)
    assert "no Chinese font" in caplog.text
    assert chinese.language is Language.EN
    asked = draw_sensor(make_plot(text="?? deck"), size=PictureSize(), format_=PictureFormat.PNG, language=Language.EN)
    assert chinese.content == asked.content
    svg = draw_sensor(plot, size=PictureSize(), format_=PictureFormat.SVG, language=Language.ZH)
    assert svg.language is Language.ZH
    assert has_line(list_texts(parse(svg.content)), "桥面 deck")


def test_find_chinese_font__from_the_package__comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """The package's file is loaded and its family used; here another font stands in for it."""
    stand_in = Path(mpl.get_data_path()) / "fonts" / "ttf" / "DejaVuSerif.ttf"
    module = ModuleType("pylopdf_fonts_zh_cn")
    module.sans_path = lambda: stand_in  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "pylopdf_fonts_zh_cn", module)
    assert plot_canvas._find_chinese_font.__wrapped__() == "DejaVu Serif"


def test_draw__while_another_takes_too_long__is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who waits for too long is told to come again, instead of waiting for ever."""
    monkeypatch.setattr(plot_canvas, "DRAW_WAIT_S", 0.01)
    plot = make_plot()
    with plot_canvas._DRAWING, pytest.raises(PlotBusy):
        svg_of(plot)
