"""Pictures as bytes: the door to the drawing, which loads matplotlib with the first picture and not before."""

from dataclasses import dataclass
from typing import ClassVar

from domain.errors import Unavailable
from iot.plot import PictureFormat, PictureSize, SensorPlot, StructurePlot
from iot.plot_words import Language


class PlotBusy(Unavailable):
    """So many pictures are asked for at once that this one was not drawn in time."""

    code: ClassVar[str] = "plot.busy"


@dataclass(frozen=True, slots=True)
class Picture:
    """A drawn picture.

    Attributes:
        language: of its words; English where Chinese was asked for and no font has it.
    """

    content: bytes
    media_type: str
    language: Language


def draw_sensor(plot: SensorPlot, *, size: PictureSize, format_: PictureFormat, language: Language) -> Picture:
    """The picture of a sensor; the same input gives the same bytes on one machine.

    Raises:
        PlotBusy: too many pictures are asked for.
    """
    from iot import plot_drawing  # noqa: PLC0415 - matplotlib takes a second to load, and most processes never draw

    return plot_drawing.draw_sensor(plot, size=size, format_=format_, language=language)


def draw_structure(plot: StructurePlot, *, size: PictureSize, format_: PictureFormat, language: Language) -> Picture:
    """The picture of a structure; the same input gives the same bytes on one machine.

    Raises:
        PlotBusy: too many pictures are asked for.
    """
    from iot import plot_structure_drawing  # noqa: PLC0415 - as above

    return plot_structure_drawing.draw_structure(plot, size=size, format_=format_, language=language)
