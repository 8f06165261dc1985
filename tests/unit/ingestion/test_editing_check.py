import pytest

from domain.evidence import Verdict
from ingestion.editing_check import find_editor, judge_editing
from ingestion.metadata import Metadata


@pytest.mark.parametrize(
    "software",
    [
        "Adobe Photoshop CS2 Macintosh",
        "Adobe Photoshop Elements 7.0",
        "GIMP 2.4.5",
        "Snapseed 2.0",
        "Meitu",
        "美图秀秀",
        "MeituPic 9.1",
        "醒图",
        "PicsArt",
        "Adobe Lightroom 6.0 (Windows)",
        "Pixlr",
        "paint.net 4.3",
        "VSCO for iPhone",
    ],
)
def test_judge_editing__editor(software: str) -> None:
    """A picture editor warns, and is a minor finding: it need not be deceit."""
    check, findings = judge_editing(Metadata(software=software, tags={"Image Software": software}))
    assert (check.verdict, check.code) == (Verdict.WARN, "editing.software")
    assert software in check.detail["zh"]
    assert [finding.code for finding in findings] == ["evidence.editing_software"]


@pytest.mark.parametrize(
    "software",
    [
        "HDR+ 1.0.585804376zd",
        "iOS 17.2",
        "14.4.2",
        "MIUI Camera",
        "00WW_3_380_SP02",
        "Nikon Transfer 1.1 W",
        "OLYMPUS CAMEDIA Master",
        "Microsoft Windows Photo Gallery 6.0.6001.18000",
        "PMB Service Uploader",
        "Digital Camera FinePix40i Ver1.39",
        "Ver.1.00",
        "V113p-73",
        "HUAWEI P40, EMUI 11",
        "MediaTek Camera Application",
        "Canvas 3.0",
    ],
)
def test_judge_editing__firmware(software: str) -> None:
    """Firmware and programs that only copy are no editors."""
    assert find_editor(software) is None
    check, findings = judge_editing(Metadata(software=software, tags={"Image Software": software}))
    assert (check.verdict, check.code, findings) == (Verdict.PASS, "editing.none_found", ())


@pytest.mark.parametrize("metadata", [Metadata(), Metadata(tags={"Image Orientation": "Horizontal (normal)"})])
def test_judge_editing__stripped(metadata: Metadata) -> None:
    """Where neither maker nor time is left there is nothing to judge."""
    check, findings = judge_editing(metadata)
    assert (check.verdict, check.code, findings) == (Verdict.UNKNOWN, "editing.nothing_to_judge", ())
