"""What is handed in: told by its bytes, and never unpacked without bounds."""

import io
import zipfile
from pathlib import Path

from openpyxl import Workbook

from iot.logger_file import RejectedFile, SizeLimits, TableFile, list_table_files

UNPACKED = SizeLimits()
CSV = b"Time,S1\n2022-04-11 08:36:24,1.5\n"


def write_zip(path: Path, members: dict[str, bytes]) -> Path:
    """A zip file of these members."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def make_workbook() -> bytes:
    """An Excel file with a cell."""
    workbook, handle = Workbook(), io.BytesIO()
    workbook.active["A1"] = 1  # type: ignore[index]
    workbook.save(handle)
    return handle.getvalue()


def codes(path: Path, limits: SizeLimits = UNPACKED) -> list[str]:
    """For each table `text` or `workbook`, and for what cannot be read its error's code."""
    return [
        each.error.code if isinstance(each, RejectedFile) else "workbook" if each.is_workbook else "text"
        for each in list_table_files(path, limits=limits)
    ]


def test_list_table_files__name_says_nothing(tmp_path: Path) -> None:
    """A table called .zip is a table, as inside the bridge's zips; a zip called .csv is opened."""
    (tmp_path / "a.csv.zip").write_bytes(CSV)
    assert codes(tmp_path / "a.csv.zip") == ["text"]
    write_zip(tmp_path / "b.csv", {"x.csv.zip": CSV, "folder/y.xlsx": make_workbook()})
    assert codes(tmp_path / "b.csv") == ["text", "workbook"]
    (tmp_path / "c.csv").write_bytes(make_workbook())
    assert codes(tmp_path / "c.csv") == ["workbook"]


def test_list_table_files__member__may_be_read_again(tmp_path: Path) -> None:
    """Each opening begins anew."""
    [file] = list_table_files(write_zip(tmp_path / "a.zip", {"../up/x.csv": CSV}))
    assert isinstance(file, TableFile)
    for _ in range(2):
        with file.open() as handle:
            assert handle.read() == CSV
    assert file.name.endswith("a.zip/../up/x.csv")


def test_list_table_files__what_systems_leave_behind__is_passed_over(tmp_path: Path) -> None:
    """A Mac's resource forks are no tables."""
    path = write_zip(tmp_path / "a.zip", {"__MACOSX/._x.csv": b"\0", ".DS_Store": b"\0", "x.csv": CSV})
    assert codes(path) == ["text"]


def test_list_table_files__bombs__are_refused(tmp_path: Path) -> None:
    """A megabyte of zeros is a kilobyte zipped; the limit is of what comes out."""
    path = write_zip(tmp_path / "a.zip", {"x.csv": b"0" * 1_000_000, "y.csv": CSV})
    assert path.stat().st_size < 3000
    assert codes(path, SizeLimits(table_bytes=999_999)) == ["import.file_too_large", "text"]
    (tmp_path / "b.xlsx").write_bytes(make_workbook())
    assert codes(tmp_path / "b.xlsx", SizeLimits(workbook_bytes=1000)) == ["import.file_too_large"]
    nested = write_zip(tmp_path / "c.zip", {"inner.zip": path.read_bytes()})
    assert codes(nested) == ["import.unreadable_file"]
    crowd = write_zip(tmp_path / "d.zip", {f"{number}.csv": CSV for number in range(1001)})
    assert codes(crowd) == ["import.unreadable_file"]


def test_list_table_files__what_cannot_be_read__says_why(tmp_path: Path) -> None:
    """A file that is not there, an empty one, an old Excel file, a zip that is cut off."""
    assert codes(tmp_path / "nothing.csv") == ["import.unreadable_file"]
    for name, data in (("a.csv", b""), ("b.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"), ("c.zip", b"PK\x03\x04cut off")):
        (tmp_path / name).write_bytes(data)
        assert codes(tmp_path / name) == ["import.unreadable_file"], name
