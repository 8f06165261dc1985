"""The sheet that pictures are drawn on: matplotlib without its global state, fonts, harmless text, SVG and PNG bytes.

Loaded when the first picture is drawn, because matplotlib takes a second to load. What is drawn is in `plot_drawing`
and `plot_structure_drawing`.
"""

import importlib
import io
import logging
import re
import threading
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import matplotlib as mpl
from matplotlib import dates
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, fontManager, get_font
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator, ScalarFormatter

from iot.plot import PictureFormat, PictureSize
from iot.plot_picture import Picture, PlotBusy
from iot.plot_words import Language, clean_text, say

_LOG: Final = logging.getLogger(__name__)
DPI: Final = 96  # pixels of CSS, so that an SVG and a PNG of one size look alike
DRAW_WAIT_S: Final = 20.0  # a picture takes a second or less, so this is a long queue [s]
INK: Final = "#111111"
SOFT: Final = "#5f6670"
TEXT_PT: Final = 8.5
LINE_PX: Final = 17.0  # from one line of text to the next
LEFT_PX: Final = 72.0
KEY_PX: Final = 214.0  # the column right of the axes with the key
_KEY_WIDTH_SHARE: Final = 0.3
_TICK_PX: Final = 80.0  # of a time axis' longest label, with room
_PX_PER_COLUMN: Final = 6.2  # of a Latin letter at TEXT_PT
_FONT_PACKAGE: Final = "pylopdf_fonts_zh_cn"  # Noto Sans SC, SIL Open Font License 1.1
# What machines with Chinese fonts call them; an SVG names all, and the reader's machine takes the first that it has.
_FAMILIES: Final = (
    *("Noto Sans SC", "Noto Sans CJK SC", "Source Han Sans SC", "Source Han Sans CN", "PingFang SC"),
    *("Microsoft YaHei", "Heiti SC", "WenQuanYi Micro Hei", "WenQuanYi Zen Hei", "SimHei", "Droid Sans Fallback"),
)
_LATIN: Final = "DejaVu Sans"  # comes with matplotlib
_PROBE: Final = "沉降预警"


@dataclass(slots=True)
class Sheet:
    """A figure with pixels for a measure, from the top left corner.

    Attributes:
        language: of the words.
        has_glyph: whether a character can be drawn; every one can in an SVG, whose text stays text.
    """

    figure: Figure
    size: PictureSize
    language: Language
    has_glyph: Callable[[str], bool]
    key_px: float = field(init=False)

    def __post_init__(self) -> None:
        """Leave room for the key."""
        self.key_px = min(KEY_PX, _KEY_WIDTH_SHARE * self.size.width_px)

    def add_axes(self, *, top_px: float, height_px: float) -> Axes:
        """Axes between the labels on the left and the key on the right."""
        width, height = self.size.width_px, self.size.height_px
        left, right = LEFT_PX / width, (LEFT_PX + self.key_px) / width
        axes = self.figure.add_axes((left, 1 - (top_px + height_px) / height, 1 - right, height_px / height))
        axes.tick_params(labelsize=TEXT_PT, colors=INK, length=3)
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
        return axes

    def write(self, text: str, *, x_px: float, y_px: float, columns: int | None = None, **style: Any) -> None:  # noqa: ANN401 - matplotlib's own properties
        """A line of text whose baseline begins at a pixel; it is made harmless and cut to the sheet's width."""
        room = int((self.size.width_px - x_px - 8) / _PX_PER_COLUMN)
        shown = self.make_drawable(text, columns=room if columns is None else min(columns, room))
        position = (x_px / self.size.width_px, 1 - y_px / self.size.height_px)
        self.figure.text(*position, shown, **{"fontsize": TEXT_PT, "color": INK, **style})

    def label(self, axes: Axes, text: str, *, x: float, y: float, columns: int = 30, **style: Any) -> None:  # noqa: ANN401 - the same
        """A line of text in axes, made harmless."""
        shown = self.make_drawable(text, columns=columns)
        axes.text(x, y, shown, **{"fontsize": TEXT_PT - 0.5, "color": INK, **style})

    def name_axis(self, axes: Axes, text: str) -> None:
        """The label of a y axis, centred, so that it stays so in whatever font the reader has."""
        style: dict[str, Any] = {"rotation": 90, "rotation_mode": "anchor", "ha": "center", "va": "baseline"}
        offset = -(LEFT_PX - 20) / (axes.bbox.width / self.figure.dpi * DPI)
        height_px = axes.bbox.height / self.figure.dpi * DPI
        columns = int(height_px / _PX_PER_COLUMN)
        self.label(axes, text, x=offset, y=0.5, columns=columns, transform=axes.transAxes, **style)

    def add_key(self, axes: Axes, rows: list[tuple[Any, str]], *, top_px: float = 0.0) -> None:
        """Samples with their names, right of the axes: what does not fit below each other is left out.

        Args:
            axes: beside which.
            rows: an artist (a line or a patch) and its name.
            top_px: below the axes' top.
        """
        box = axes.get_position()
        left = box.x1 * self.size.width_px + 14
        top = (1 - box.y1) * self.size.height_px + top_px + 8
        fitting = int((box.height * self.size.height_px - top_px) / LINE_PX)
        columns = int((self.key_px - 14 - 34) / _PX_PER_COLUMN)
        for place, (artist, name) in enumerate(rows[:fitting]):
            y = top + place * LINE_PX
            self._add_sample(artist, left, y)
            self.write(name, x_px=left + 30, y_px=y + 4, columns=columns)

    def _add_sample(self, artist: Any, left: float, y: float) -> None:  # noqa: ANN401 - a line or a patch
        width, height = self.size.width_px, self.size.height_px
        artist.set_transform(self.figure.transFigure)
        if isinstance(artist, Line2D):
            xs = [left, left + 11, left + 22] if artist.get_linestyle() not in {"None", ""} else [left + 11]
            artist.set_data([x / width for x in xs], [1 - y / height] * len(xs))
        else:
            artist.set_bounds(left / width, 1 - (y + 5) / height, 22 / width, 10 / height)
        self.figure.add_artist(artist)

    def make_drawable(self, text: str, *, columns: int) -> str:
        """A text without what could steer or could not be drawn."""
        return "".join(each if self.has_glyph(each) else "?" for each in clean_text(text, columns=columns))


def set_time_axis(axes: Axes, *, window: tuple[float, float], time_zone: str, has_labels: bool = True) -> None:
    """Days of the project's zone, written in figures, the same in every language."""
    zone = ZoneInfo(time_zone)
    axes.set_xlim(*window)
    most = int(max(4, min(9, axes.bbox.width / _TICK_PX)))  # a figure is made with DPI, so that this is pixels
    locator = dates.AutoDateLocator(tz=zone, minticks=3, maxticks=most)  # type: ignore[no-untyped-call]
    formats = ["%Y", "%Y-%m", "%m-%d", "%H:%M", "%H:%M", "%H:%M:%S"]
    zeros = ["", "%Y-%m", "%Y-%m-%d", "%m-%d", "%H:%M", "%H:%M"]
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(
        dates.ConciseDateFormatter(  # type: ignore[no-untyped-call]
            locator, tz=zone, formats=formats, zero_formats=zeros, show_offset=False
        )
    )
    axes.tick_params(axis="x", labelbottom=has_labels)
    axes.grid(axis="x", color="#dddddd", linewidth=0.5)


def set_value_axis(axes: Axes, *, ticks: int = 6) -> None:
    """Plain numbers, without an offset that has to be added in the head."""
    axes.yaxis.set_major_locator(MaxNLocator(nbins=ticks))
    axes.yaxis.set_major_formatter(ScalarFormatter(useOffset=False, useMathText=False))
    axes.grid(axis="y", color="#dddddd", linewidth=0.5)


_DRAWING: Final = threading.Lock()


def draw_picture(
    draw: Callable[[Sheet], None], *, size: PictureSize, format_: PictureFormat, language: Language
) -> Picture:
    """Draw on a sheet and give its bytes; the same input gives the same bytes on one machine.

    One picture is drawn at a time: matplotlib's settings and font cache are the process's, and the processor is busy
    with one anyway.

    Args:
        draw: draws on the sheet that it gets.
        size: of the picture.
        format_: of its file.
        language: of its words; a PNG without a Chinese font is in English.

    Raises:
        PlotBusy: others were drawn for longer than DRAW_WAIT_S.
    """
    if not _DRAWING.acquire(timeout=DRAW_WAIT_S):
        raise PlotBusy("too many pictures are drawn just now")
    try:
        return _draw(draw, size, format_, language)
    finally:
        _DRAWING.release()


def _draw(draw: Callable[[Sheet], None], size: PictureSize, format_: PictureFormat, language: Language) -> Picture:
    chinese = _find_chinese_font()
    is_svg = format_ is PictureFormat.SVG
    if chinese is None and not is_svg and language is Language.ZH:
        _LOG.warning("no Chinese font was found, so the picture is in English; %s brings one", _FONT_PACKAGE)
        language = Language.EN
    glyphs = _list_glyphs(chinese)
    with mpl.rc_context(_settings(chinese)), warnings.catch_warnings():
        # An SVG's text is the reader's to draw; here it is only measured.
        warnings.filterwarnings("ignore", message=r"Glyph .* missing from")
        figure = Figure(figsize=(size.width_px / DPI, size.height_px / DPI), dpi=DPI, facecolor="white")
        draw(Sheet(figure, size, language, (lambda _: True) if is_svg else (lambda each: ord(each) in glyphs)))
        buffer = io.BytesIO()
        if is_svg:
            figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
            return Picture(_make_embeddable(buffer.getvalue(), size), "image/svg+xml", language)
        figure.savefig(buffer, format="png", metadata={"Software": None})
        return Picture(buffer.getvalue(), "image/png", language)


def _settings(chinese: str | None) -> dict[Any, Any]:
    families = [*dict.fromkeys([*([] if chinese is None else [chinese]), *_FAMILIES])]
    return {
        "text.parse_math": False,
        "text.usetex": False,
        "svg.fonttype": "none",
        "svg.hashsalt": "siteproof",
        # The first is what text is measured and drawn by; the generic one lets an SVG name the others too.
        "font.family": [_LATIN, *([] if chinese is None else [chinese]), "sans-serif"],
        "font.sans-serif": [*families, _LATIN],
        "hatch.linewidth": 0.5,
        "axes.linewidth": 0.6,
        "axes.axisbelow": True,
        "savefig.bbox": None,
        "savefig.transparent": False,
    }


def _make_embeddable(content: bytes, size: PictureSize) -> bytes:
    """The picture with its size in pixels and without the document type's address, which nothing needs to fetch."""
    svg = content[content.index(b"<svg ") :]
    sides = b'width="%d" height="%d"' % (size.width_px, size.height_px)
    sized = re.sub(rb'width="[^"]*" height="[^"]*"', sides, svg, count=1)
    # A hundredth of a point is less than a screen or a printer shows; text holds no `<`, so that it is never touched.
    sized = re.sub(rb'<path [^<>]*d="[^"]*"', lambda path: re.sub(rb"(\.\d\d)\d+", rb"\1", path[0]), sized)
    return b'<?xml version="1.0" encoding="utf-8"?>\n' + sized


@cache
def _find_chinese_font() -> str | None:
    """The family of a font with Chinese characters: the package's, else one of the system's; None without any."""
    try:
        path = importlib.import_module(_FONT_PACKAGE).sans_path()
        fontManager.addfont(str(path))
        return FontProperties(fname=str(path)).get_name()
    except (ImportError, AttributeError, OSError) as error:
        _LOG.debug("no font from %s: %s", _FONT_PACKAGE, error)
    for family in _FAMILIES:
        for entry in fontManager.ttflist:
            if entry.name == family and _has_all(entry.fname, _PROBE):
                return family
    return None


def _has_all(path: str, text: str) -> bool:
    try:
        glyphs = get_font(path).get_charmap()
    except (OSError, RuntimeError):
        return False
    return Path(path).is_file() and all(ord(each) in glyphs for each in text)


@cache
def _list_glyphs(chinese: str | None) -> frozenset[int]:
    """The characters that a PNG can show."""
    families = [_LATIN] if chinese is None else [_LATIN, chinese]
    paths = [fontManager.findfont(FontProperties(family=[family])) for family in families]
    return frozenset(code for path in paths for code in get_font(path).get_charmap())


def describe_time(sheet: Sheet, time_zone: str) -> str:
    """What the time axis is in."""
    return f"{say('time', sheet.language)}: {time_zone}"
