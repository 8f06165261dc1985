"""The encoding of a logger's text, by what its bytes prove: a mark, zeros, validity, and how bytes above 127 stand.

cp1252 and GB18030 read nearly any bytes, and read each other's as nonsense: `(°C` of the one is a rare character of the
other. So whether a text decodes proves nothing between these two; how its high bytes stand together does.
"""

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO, Final

from iot.logger_file import UnreadableFile
from iot.logger_question import UnknownEncoding

ENCODINGS: Final = (
    *("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252", "gb18030", "iso8859-1"),
    *("iso8859-15", "cp1250", "cp1251", "cp437", "cp850", "big5", "shift_jis", "euc_kr"),
)
MAX_LINE_BYTES: Final = 1 << 20  # a row of a thousand columns has a hundredth of it [B]
_CHUNK: Final = 1 << 20
_KEPT_LINES: Final = 2000  # different lines with bytes above 127 that are looked at; a heading is one
_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_HIGH: Final = re.compile(rb"[\x80-\xff]+")
_SHARE_OF_ZEROS: Final = 0.3  # of every second byte; digits and separators of UTF-16 have one each
# What loggers of western make write outside ASCII.
_WESTERN: Final = frozenset("°µ²³±·¹×€–—…‰ÄÖÜäöüßÀÂÇÈÉÊËÎÏÔÙÛàâçèéêëîïôùûÁÍÓÚÑáíóúñÅÆØåæø".encode("cp1252"))
# Of GB 2312: rows 1 to 9 are signs, 16 to 55 the common characters by pinyin, 56 to 87 the rarer ones by radical.
_SIGN_LEADS: Final = range(0xA1, 0xAA)
_COMMON_LEADS: Final = range(0xB0, 0xD8)
_RARE_LEADS: Final = range(0xD8, 0xF8)
_CHINESE_WORDS: Final = ("时间", "日期", "沉降", "温度", "应变", "位移", "水位", "测点", "压力", "裂缝", "高程", "时刻")


@dataclass(frozen=True, slots=True)
class FoundEncoding:
    """An encoding, and what proves it."""

    name: str
    evidence: str


@dataclass(slots=True)
class _HighBytes:
    """The lines that are not ASCII, and whether all of the text is UTF-8."""

    lines: dict[bytes, None] = field(default_factory=dict)
    is_utf8: bool = True

    def add(self, block: bytes) -> None:
        """Look at whole lines."""
        if block.isascii():
            return
        if self.is_utf8:
            try:
                block.decode("utf-8")
            except UnicodeDecodeError:
                self.is_utf8 = False
        for line in block.splitlines():
            if len(self.lines) < _KEPT_LINES and not line.isascii():
                self.lines.setdefault(line)


def require_encoding(name: str) -> str:
    """Python's name of an encoding that a person stated.

    Raises:
        UnknownEncoding: it is none that we read.
    """
    try:
        found = codecs.lookup(name).name
    except LookupError:
        found = ""
    if found not in ENCODINGS:
        raise UnknownEncoding(f"--encoding is one of {', '.join(ENCODINGS)}, not {name[:40]!r}")
    return found


def find_encoding(handle: IO[bytes]) -> FoundEncoding:
    """The encoding of a text, read to its end in bounded memory.

    Raises:
        UnknownEncoding: several are possible, or none.
        UnreadableFile: it is no text, or has a line of more than MAX_LINE_BYTES.
    """
    head = handle.read(_CHUNK)
    for mark, name in _MARKS:
        if head.startswith(mark):
            return FoundEncoding(name, "a byte order mark at its beginning")
    if b"\0" in head:
        return _judge_zeros(head)
    seen = _HighBytes()
    for block in _whole_lines(head, handle):
        if b"\0" in block:
            raise UnreadableFile("it holds zero bytes, so it is no text")
        seen.add(block)
    if not seen.lines:
        return FoundEncoding("utf-8", "plain ASCII")
    if seen.is_utf8:
        return FoundEncoding("utf-8", "all its bytes above 127 are valid UTF-8")
    return _judge_high_bytes(list(seen.lines))


def _whole_lines(head: bytes, handle: IO[bytes]) -> Iterator[bytes]:
    """Blocks that end where a line does."""
    rest = b""
    chunk = head
    while chunk:
        chunk = rest + chunk
        end = max(chunk.rfind(b"\n"), chunk.rfind(b"\r")) + 1
        if len(chunk) - end > MAX_LINE_BYTES:
            raise UnreadableFile(f"it has a line of more than {MAX_LINE_BYTES} bytes, so it is no table")
        if end:
            yield chunk[:end]
        rest = chunk[end:]
        chunk = handle.read(_CHUNK)
    if rest:
        yield rest


def _judge_zeros(head: bytes) -> FoundEncoding:
    even, odd = head[0::2].count(0) / len(head[0::2]), head[1::2].count(0) / max(1, len(head[1::2]))
    for name, zeros, others in (("utf-16-le", odd, even), ("utf-16-be", even, odd)):
        if zeros > _SHARE_OF_ZEROS and others < zeros / 100:
            return FoundEncoding(name, "no mark, but every second byte of its ASCII is zero")
    raise UnreadableFile("it holds zero bytes, so it is no text")


def _judge_high_bytes(lines: list[bytes]) -> FoundEncoding:
    runs = {run for line in lines for run in _HIGH.findall(line)}
    chinese, western = _is_chinese(runs, lines), _is_western(runs)
    if western and not chinese:
        signs = "".join(sorted({each for run in runs for each in run.decode("cp1252")}))
        return FoundEncoding("cp1252", f"no UTF-8; its only bytes above 127 are {signs[:30]}, alone or in twos")
    if chinese and not western:
        return FoundEncoding(
            "gb18030", "no UTF-8; its bytes above 127 stand in pairs that are common Chinese characters"
        )
    shown = "; ".join(f"{name}: {lines[0].decode(name, 'replace')[:80]!r}" for name in ("cp1252", "gb18030"))
    raise UnknownEncoding(
        f"it is no UTF-8, and whether cp1252, gb18030 or another is not proven ({shown}): say --encoding",
        candidates=["cp1252", "gb18030"],
    )


def _is_western(runs: set[bytes]) -> bool:
    return all(len(run) <= 2 and _WESTERN.issuperset(run) for run in runs)  # noqa: PLR2004 - as `öß` in Größe


def _is_chinese(runs: set[bytes], lines: list[bytes]) -> bool:
    leads, trails = {each for run in runs for each in run[0::2]}, {each for run in runs for each in run[1::2]}
    if any(len(run) % 2 for run in runs) or min(trails, default=0) < 0xA1:  # noqa: PLR2004 - GB 2312's first
        return False
    if all(lead in _SIGN_LEADS or lead in _COMMON_LEADS for lead in leads):
        return True
    if not all(lead in _SIGN_LEADS or lead in _COMMON_LEADS or lead in _RARE_LEADS for lead in leads):
        return False
    text = b"\n".join(lines).decode("gb18030", "replace")
    return any(word in text for word in _CHINESE_WORDS)
