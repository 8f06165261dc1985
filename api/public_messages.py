"""Every word of the public page, Chinese first; a test compares the keys of both."""

from typing import Final, Literal

Language = Literal["zh", "en"]
LANGUAGES: Final[tuple[Language, ...]] = ("zh", "en")

MESSAGES: Final[dict[Language, dict[str, str]]] = {
    "zh": {
        "lang": "zh-CN",
        "title": "{name} · 工程公示",
        "skip": "跳到正文",
        "other_language": "English",
        "what": "工程概况",
        "kind": "建设内容",
        "place": "建设地点",
        "contractor": "施工单位",
        "starts_on": "开工日期",
        "ends_on": "计划完工",
        "not_stated": "未填报",
        "milestones": "工程进度",
        "no_milestones": "尚未填报工程阶段。",
        "more_milestones": "还有其他阶段，未在此列出。",
        "planned_on": "计划于{day}前完成",
        "progress": "状态：",
        "pictures": "现场照片",
        "picture": "{milestone}，{day}，现场照片，人员头部已遮挡",
        "issues": "质量问题及整改",
        "no_issues": "目前没有登记的质量问题。",
        "issue_dates": "登记于{opened}，整改期限{due}",
        "issue_closed": "登记于{opened}，{closed}复查合格",
        "reports": "群众反映及答复",
        "no_reports": "目前没有群众反映。",
        "report_received": "{day}收到的反映",
        "report_text": "反映内容：",
        "report_answer": "答复（{day}）：",
        "report_whole": "查看全文",
        "form": "反映问题",
        "form_hint": (
            "看到质量、安全或进度上的问题，请告诉我们。{days}天内答复，答复在本页公布；答复之前，您写的内容不会公开。"
        ),
        "form_text": "您看到了什么？（必填，最多{limit}字）",
        "form_place": "在什么位置？（可不填）",
        "form_file": "照片一张（可不选）",
        "form_contact": "您的联系方式（可不填，只有负责答复的监督人员能看到）",
        "form_website": "请不要填写此栏",
        "form_send": "提交",
        "sent": "已收到您的反映",
        "sent_hint": "请保存本页网址，答复后在这里可以看到。",
        "report_due": "最迟于{day}答复。",
        "report_reference": "编号：{reference}",
        "report_photo": "附有一张照片，只供监督人员查看。",
        "back": "返回工程公示",
        "not_found": "没有找到这一页",
        "not_found_hint": "请核对网址，或重新扫描公示牌上的二维码。",
        "notice": "打印公示牌",
        "notice_title": "工程公示",
        "notice_scan": "扫码查看进度、照片、质量问题，或反映问题",
        "notice_print": "用浏览器的打印功能打印本页（A4 纸）。",
        "privacy": "照片中人员头部已遮挡，仅公布经监督人员查看过的照片。",
        "kind.road": "道路",
        "kind.canal": "渠道",
        "kind.culvert": "涵洞",
        "kind.bridge": "桥梁",
        "kind.water": "供水",
        "kind.building": "房屋",
        "kind.square": "广场",
        "kind.other": "其他工程",
        "progress.met": "已达到要求",
        "progress.late": "已过计划日期，尚未达到要求",
        "progress.under_way": "正在进行",
        "progress.planned": "尚未开始",
        "issue.open": "已登记，等待整改",
        "issue.assigned": "施工单位正在整改",
        "issue.rectified": "已整改，等待复查",
        "issue.failed": "复查不合格，继续整改",
        "issue.closed": "已整改，复查合格",
        "issue.reopened": "再次出现，重新整改",
        "report.received": "等待答复",
        "report.answered": "已答复",
        "report.dismissed": "已答复，不予受理",
        "error.report.text_missing": "请写下您看到了什么。",
        "error.report.too_long": "写得太长了，请缩短后再提交。",
        "error.report.too_fast": "请再看一遍，然后再次提交。",
        "error.report.photo_only": "只能附照片，不能附视频。",
        "error.report.too_many": "短时间内提交太多，请一小时后再试。",
        "error.media.too_large": "照片太大，最多 20 MB。",
        "error.media.unsupported_format": "这个文件不是照片（JPEG、PNG、WebP 或 HEIC）。",
        "error.other": "没有提交成功，请去掉照片或稍后再试。",
    },
    "en": {
        "lang": "en",
        "title": "{name} · public works notice",
        "skip": "Skip to the content",
        "other_language": "中文",
        "what": "The project",
        "kind": "What is built",
        "place": "Where",
        "contractor": "Built by",
        "starts_on": "Begins on",
        "ends_on": "Planned to end on",
        "not_stated": "not stated",
        "milestones": "Progress",
        "no_milestones": "No stages were entered yet.",
        "more_milestones": "There are more stages, which are not listed here.",
        "planned_on": "planned by {day}",
        "progress": "State: ",
        "pictures": "Pictures from the site",
        "picture": "{milestone}, {day}: picture from the site, heads covered",
        "issues": "Faults and what became of them",
        "no_issues": "No faults are on record.",
        "issue_dates": "recorded on {opened}, to be mended by {due}",
        "issue_closed": "recorded on {opened}, found mended on {closed}",
        "reports": "Reports by villagers and their answers",
        "no_reports": "There are no reports yet.",
        "report_received": "Report of {day}",
        "report_text": "The report: ",
        "report_answer": "The answer of {day}: ",
        "report_whole": "Read the whole of it",
        "form": "Report something",
        "form_hint": (
            "Tell us what you see of quality, safety or progress. You get an answer within {days} days, on this page;"
            " what you write is not public before that."
        ),
        "form_text": "What did you see? (needed, at most {limit} characters)",
        "form_place": "Where? (optional)",
        "form_file": "One photo (optional)",
        "form_contact": "How to reach you (optional; only the supervisors who answer see it)",
        "form_website": "Leave this empty",
        "form_send": "Send",
        "sent": "Your report has arrived",
        "sent_hint": "Keep the address of this page: the answer will stand here.",
        "report_due": "It is answered by {day}.",
        "report_reference": "Number: {reference}",
        "report_photo": "With a photo, which only the supervisors see.",
        "back": "Back to the project",
        "not_found": "This page was not found",
        "not_found_hint": "Check the address, or scan the code on the notice board again.",
        "notice": "Printable notice",
        "notice_title": "Public works notice",
        "notice_scan": "Scan for progress, pictures and faults, or to report something",
        "notice_print": "Print this page with your browser (A4).",
        "privacy": "Heads in pictures are covered; only pictures that a supervisor has looked at are shown.",
        "kind.road": "Road",
        "kind.canal": "Canal",
        "kind.culvert": "Culvert",
        "kind.bridge": "Bridge",
        "kind.water": "Water supply",
        "kind.building": "Building",
        "kind.square": "Square",
        "kind.other": "Other works",
        "progress.met": "requirements met",
        "progress.late": "past its planned day, requirements not met",
        "progress.under_way": "under way",
        "progress.planned": "not begun",
        "issue.open": "recorded, waits to be mended",
        "issue.assigned": "the contractor is mending it",
        "issue.rectified": "mended, waits to be inspected",
        "issue.failed": "inspected, not mended yet",
        "issue.closed": "mended and inspected",
        "issue.reopened": "came back, to be mended again",
        "report.received": "waits for its answer",
        "report.answered": "answered",
        "report.dismissed": "answered, not taken up",
        "error.report.text_missing": "Write what you saw.",
        "error.report.too_long": "That is too long: shorten it, and send it again.",
        "error.report.too_fast": "Look at it once more, and send it again.",
        "error.report.photo_only": "A photo can be sent along, but no clip.",
        "error.report.too_many": "Too many reports in a short time: try again in an hour.",
        "error.media.too_large": "The photo is larger than 20 MB.",
        "error.media.unsupported_format": "That file is no photo (JPEG, PNG, WebP or HEIC).",
        "error.other": "It was not sent: leave the photo out, or try again later.",
    },
}


def choose_language(*, asked: str | None, accept: str) -> Language:
    """The page's language: the one that is asked for, else the first of the browser's that we speak, else Chinese.

    Args:
        asked: the query's `lang`.
        accept: the Accept-Language header (RFC 9110, 12.5.4); its weights count, and of equal ones the order.
    """
    if asked in LANGUAGES:
        return "en" if asked == "en" else "zh"
    ranges = sorted((_read_range(each) for each in accept.split(",")[:20]), key=lambda each: -each[1])
    for tag, weight in ranges:
        if weight > 0 and tag in LANGUAGES:
            return "en" if tag == "en" else "zh"
    return "zh"


def _read_range(text: str) -> tuple[str, float]:
    tag, _, parameter = text.partition(";")
    _, _, weight = parameter.partition("=")
    try:
        value = float(weight) if weight.strip() else 1.0
    except ValueError:
        value = 0.0
    return tag.strip().lower().partition("-")[0], value
