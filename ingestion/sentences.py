"""Every sentence that intake says, by code, in Chinese and English, in words that a village clerk understands.

Which one applies is decided elsewhere.
"""

from datetime import date, timedelta
from typing import Final, NamedTuple

_MINUTE_S: Final = 60
_HOUR_S: Final = 3600
_DAY_S: Final = 86_400
_KILOMETRE_M: Final = 1000


class Words(NamedTuple):
    """One fact in both languages."""

    zh: str
    en: str


SENTENCES: Final[dict[str, Words]] = {
    "location.inside": Words("照片拍摄位置在工程范围内。", "The photo was taken within the project's boundary."),
    "location.outside": Words(
        "照片拍摄位置在工程范围外约{distance}处。",
        "The photo was taken about {distance} outside the project's boundary.",
    ),
    "location.cannot_tell": Words(
        "照片拍摄位置靠近工程边界，定位误差约 {accuracy}，无法判断在范围内还是范围外。",
        "The photo was taken near the project's boundary; the position may be off by about {accuracy}, "
        "so it cannot be told whether it is inside.",
    ),
    "location.no_position": Words(
        "照片没有位置信息，无法核对拍摄地点。",
        "The photo carries no position, so where it was taken cannot be checked.",
    ),
    "location.null_island": Words(
        "手机当时没有定位成功（经纬度为 0），无法核对拍摄地点。",
        "The phone had no position fix (it wrote 0, 0), so where the photo was taken cannot be checked.",
    ),
    "location.no_boundary": Words(
        "本工程还没有录入范围，无法核对拍摄地点。",
        "The project has no boundary yet, so where the photo was taken cannot be checked.",
    ),
    "location.disagreement": Words(
        "照片文件中的位置与上报的位置相差约{distance}，请核实。",
        "The position in the photo and the position that was reported are about {distance} apart; please check.",
    ),
    "time.consistent": Words(
        "拍摄时间合理，各处记录一致。", "The time of the photo is plausible and its records agree."
    ),
    "time.zone_unclear": Words(
        "相机时钟用的是另一个时区（比工程所在地相差{difference}），其余记录一致。",
        "The camera's clock runs in another time zone ({difference} from the project's); otherwise the records agree.",
    ),
    "time.no_time": Words(
        "照片没有拍摄时间，只知道收到的时间。",
        "The photo does not say when it was taken; only its arrival is known.",
    ),
    "time.sender_only": Words(
        "拍摄时间只有上报人的说法，照片文件中没有记录。",
        "Only the sender says when the photo was taken; the file itself does not.",
    ),
    "time.clock_unset": Words(
        "相机时钟没有设置过（显示{year}年），拍摄时间不可用。",
        "The camera's clock was never set (it shows the year {year}), so its time cannot be used.",
    ),
    "time.disagreement": Words(
        "照片的几处时间记录互相矛盾，相差约{difference}，请核实。",
        "The photo's records of time contradict each other by about {difference}; please check.",
    ),
    "time.future": Words(
        "照片的拍摄时间比收到的时间还晚约{difference}，时间有误。",
        "The photo claims to have been taken about {difference} after it arrived, which cannot be.",
    ),
    "time.before_start": Words(
        "照片拍摄于{day}，早于工程开工日期 {starts_on}。",
        "The photo was taken on {day}, before the project's start on {starts_on}.",
    ),
    "time.after_end": Words(
        "照片拍摄于{day}，晚于计划完工日期 {ends_on}；时间记录本身一致。",
        "The photo was taken on {day}, after the planned end on {ends_on}; its records of time agree.",
    ),
    "time.stale": Words(
        "照片在拍摄约{difference}后才上传，请核实是否为旧照片。",
        "The photo was sent about {difference} after it was taken; please check that it is not an old one.",
    ),
    "reuse.unique": Words("这个文件以前没有收到过。", "This file has not been received before."),
    "reuse.exact_here": Words(
        "同一个文件以前已为本工程上传过（共{count}次，首次{day}）。",
        "The very same file was sent for this project before ({count} time(s), first on {day}).",
    ),
    "reuse.exact_elsewhere": Words(
        "同一个文件以前已为其他工程上传过（共{count}次，首次{day}）。",
        "The very same file was sent for another project before ({count} time(s), first on {day}).",
    ),
    "reuse.near_here": Words(
        "这张照片是{day}为本工程上传过的照片的翻版（缩放、压缩、调亮、裁剪或镜像）。",
        "The photo is a copy of one that was sent for this project on {day} (resized, recompressed, brightened, "
        "cut or mirrored).",
    ),
    "reuse.near_elsewhere": Words(
        "这张照片是{day}为其他工程上传过的照片的翻版（缩放、压缩、调亮、裁剪或镜像）。",
        "The photo is a copy of one that was sent for another project on {day} (resized, recompressed, brightened, "
        "cut or mirrored).",
    ),
    "reuse.alike": Words(
        "这张照片与{day}收到的一张照片非常相似，无法判断是翻版还是在同一处再次拍摄。",
        "The photo is very much like one that came on {day}; whether it is a copy or was taken from the same place "
        "again cannot be told.",
    ),
    "editing.none_found": Words("没有发现修图软件的痕迹。", "No trace of a picture editor was found."),
    "editing.nothing_to_judge": Words(
        "照片的附加信息已被去除（浏览器和微信会这样做），无法判断是否修改过。",
        "The photo's details were stripped (browsers and chat programs do that), so editing cannot be judged.",
    ),
    "editing.software": Words(
        "照片经过修图软件“{software}”处理。", "The photo went through the picture editor “{software}”."
    ),
    "editing.thumbnail_differs": Words(
        "照片内嵌的缩略图与照片内容不一致，照片可能被修改过。",
        "The small preview inside the photo shows something else than the photo; it may have been altered.",
    ),
    "editing.thumbnail_agrees": Words(
        "照片内嵌的缩略图与照片内容一致。", "The small preview inside the photo shows the same as the photo."
    ),
    "evidence.location_outside": Words(
        "照片拍摄于工程范围外约{distance}处", "Photo taken about {distance} outside the project's boundary"
    ),
    "evidence.location_disagreement": Words(
        "照片位置与上报位置相差约{distance}", "Position in the photo and reported position are about {distance} apart"
    ),
    "evidence.time_disagreement": Words(
        "照片的时间记录互相矛盾，相差约{difference}", "The photo's records of time differ by about {difference}"
    ),
    "evidence.time_future": Words("照片的拍摄时间晚于收到的时间", "Photo claims to be taken after it arrived"),
    "evidence.time_before_start": Words(
        "照片拍摄于开工之前（{day}）", "Photo taken before the project's start ({day})"
    ),
    "evidence.reuse_exact": Words("重复使用以前上传过的照片", "A photo that was sent before is used again"),
    "evidence.near_reuse": Words("照片是以前上传过的照片的翻版", "The photo is a copy of one that was sent before"),
    "evidence.editing_software": Words(
        "照片经过修图软件“{software}”处理", "Photo went through the picture editor “{software}”"
    ),
    "evidence.editing_thumbnail": Words(
        "照片与其内嵌缩略图不一致", "Photo and its embedded preview show different things"
    ),
}


def tell(key: str, **facts: object) -> dict[str, str]:
    """The sentence of this key with its facts filled in.

    Args:
        key: of `SENTENCES`.
        facts: what the braces name; `Words` give each language its own.

    Returns:
        `{"zh": ..., "en": ...}`
    """
    sentence = SENTENCES[key]
    return {
        "zh": sentence.zh.format(**{name: _in("zh", fact) for name, fact in facts.items()}),
        "en": sentence.en.format(**{name: _in("en", fact) for name, fact in facts.items()}),
    }


def _in(language: str, fact: object) -> object:
    """A fact in one language; dates are the same in both."""
    if isinstance(fact, Words):
        return getattr(fact, language)
    return fact.isoformat() if isinstance(fact, date) else fact


def distance_words(distance_m: float) -> Words:
    """A distance as people say it: whole metres, then kilometres with one decimal, then whole ones."""
    distance_m = abs(distance_m)
    # Rounded first, so that 999.6 m is not told as 1000 m.
    if round(distance_m) < _KILOMETRE_M:
        return Words(f"{distance_m:.0f} 米", f"{distance_m:.0f} m")
    kilometres = distance_m / _KILOMETRE_M
    text = f"{kilometres:.1f}" if kilometres < 100 else f"{kilometres:.0f}"  # noqa: PLR2004
    return Words(f"{text} 公里", f"{text} km")


def duration_words(span: timedelta) -> Words:
    """A span of time as people say it: its largest unit, rounded."""
    seconds = abs(span.total_seconds())
    if round(seconds / _HOUR_S) < 1:
        minutes = max(1, round(seconds / _MINUTE_S))
        return Words(f"{minutes} 分钟", f"{minutes} minute{'s' * (minutes > 1)}")
    if seconds < 2 * _DAY_S:
        hours = round(seconds / _HOUR_S)
        return Words(f"{hours} 小时", f"{hours} hour{'s' * (hours > 1)}")
    days = round(seconds / _DAY_S)
    return Words(f"{days} 天", f"{days} days")
