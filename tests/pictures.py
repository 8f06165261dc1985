"""Small pictures with real EXIF, drawn by the tests."""

import io
from datetime import datetime
from fractions import Fraction

from PIL import ExifTags, Image
from PIL.TiffImagePlugin import IFDRational


def make_jpeg(
    *,
    lon: float | None = None,
    lat: float | None = None,
    accuracy_m: float | None = None,
    taken_local: datetime | None = None,
    offset: str | None = "+08:00",
    software: str | None = None,
    colour: tuple[int, int, int] = (120, 130, 140),
    size: tuple[int, int] = (320, 240),
    picture: Image.Image | None = None,
    focal_35mm: int | None = None,
) -> bytes:
    """A JPEG of one colour with the given EXIF; what is None is not written.

    Args:
        lon: [deg]
        lat: [deg]
        accuracy_m: GPSHPositioningError. [m]
        taken_local: DateTimeOriginal.
        offset: OffsetTimeOriginal.
        software: the Software tag.
        colour: red, green, blue.
        size: width, height. [px]
        picture: instead of the one of one colour.
        focal_35mm: FocalLengthIn35mmFilm. [mm]
    """
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = "Siteproof"
    exif[ExifTags.Base.Model] = "Test"
    if software is not None:
        exif[ExifTags.Base.Software] = software
    details = exif.get_ifd(ExifTags.IFD.Exif)
    if taken_local is not None:
        details[ExifTags.Base.DateTimeOriginal] = taken_local.strftime("%Y:%m:%d %H:%M:%S")
        if offset is not None:
            details[ExifTags.Base.OffsetTimeOriginal] = offset
    if focal_35mm is not None:
        details[ExifTags.Base.FocalLengthIn35mmFilm] = focal_35mm
    if lon is not None and lat is not None:
        gps = exif.get_ifd(ExifTags.IFD.GPSInfo)
        gps[ExifTags.GPS.GPSLatitudeRef] = "N" if lat >= 0 else "S"
        gps[ExifTags.GPS.GPSLatitude] = _sexagesimal(abs(lat))
        gps[ExifTags.GPS.GPSLongitudeRef] = "E" if lon >= 0 else "W"
        gps[ExifTags.GPS.GPSLongitude] = _sexagesimal(abs(lon))
        if accuracy_m is not None:
            gps[ExifTags.GPS.GPSHPositioningError] = IFDRational(round(accuracy_m * 100), 100)
    written = io.BytesIO()
    if picture is None:
        Image.new("RGB", size, colour).save(written, "JPEG", exif=exif)
    else:
        picture.save(written, "JPEG", exif=exif, quality=92)
    return written.getvalue()


def _sexagesimal(degrees: float) -> tuple[IFDRational, IFDRational, IFDRational]:
    exact = Fraction(degrees).limit_denominator(10**9)
    whole = int(exact)
    minutes = int((exact - whole) * 60)
    seconds = (exact - whole) * 3600 - minutes * 60
    return IFDRational(whole, 1), IFDRational(minutes, 1), IFDRational(round(seconds * 10**5), 10**5)
