"""Did it go through a picture editor: what the Software tag says.

Comparing pixels is done apart, where pixels are decoded.
"""

import re
from typing import Final

from domain.evidence import Check, CheckName, Verdict
from domain.finding import Severity
from ingestion.evidence_finding import EvidenceFinding
from ingestion.metadata import Metadata
from ingestion.sentences import tell

# Programs that change what a picture shows. Programs that only copy, sort or turn (Nikon Transfer, Windows Photo
# Gallery, CAMEDIA Master) and firmware (HDR+, MIUI, iOS, a bare version) are not among them. Whole words, any case.
_EDITORS: Final = re.compile(
    r"\b(?:photoshop|lightroom|gimp|snapseed|picsart|pixlr|affinity\ photo|paint\.net|paintshop|corel|photopea"
    r"|photoscape|acdsee|luminar|darktable|rawtherapee|canva|vsco|facetune|faceapp|airbrush|photodirector|fotor|befunky"
    r"|capture\ one|touchretouch|polarr|pixelmator|krita|inkscape|imagemagick|photofiltre|inshot|remini|meitu(?:pic)?"
    r"|xingtu|xiuxiu"
    r"|beautyplus|beautycam|camera360|b612|snow\ camera|wuta|capcut|jianying|butter\ camera)(?![a-z])"
    r"|美图|醒图|美颜|轻颜|泼辣|天天[Pp][Tt]?|黄油相机|剪映|修图|[Pp]图",
    re.IGNORECASE,
)
# What editors leave under other tags when the Software tag was overwritten.
_OTHER_TAGS: Final = ("Image ProcessingSoftware", "Image HostComputer")


def find_editor(text: str | None) -> str | None:
    """The picture editor named in a Software tag, as written there; None where none is."""
    return text if text and _EDITORS.search(text) else None


def judge_editing(metadata: Metadata) -> tuple[Check, tuple[EvidenceFinding, ...]]:
    """Judge the traces of editors.

    Editing is no proof of deceit (a date stamp is editing), so it warns and never fails.
    """
    named = [metadata.software, *(metadata.tags.get(name) for name in _OTHER_TAGS)]
    editor = next((found for found in map(find_editor, named) if found), None)
    if editor is not None:
        facts: dict[str, object] = {"software": editor}
        check = Check(
            CheckName.EDITING,
            Verdict.WARN,
            "editing.software",
            tell("editing.software", software=editor),
            facts,
        )
        title = tell("evidence.editing_software", software=editor)
        return check, (EvidenceFinding("evidence.editing_software", Severity.MINOR, title, dict(facts)),)
    if metadata.is_empty:
        code = "editing.nothing_to_judge"
        return Check(CheckName.EDITING, Verdict.UNKNOWN, code, tell(code)), ()
    code = "editing.none_found"
    facts = {"software": metadata.software} if metadata.software else {}
    return Check(CheckName.EDITING, Verdict.PASS, code, tell(code), facts), ()
