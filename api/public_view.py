"""The public page's HTML: a project, its printable notice, one report, and the page for a code that is none."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final
from zoneinfo import ZoneInfo

import segno

from api.markup import Markup, element, join
from api.public_messages import MESSAGES, Language
from domain.issue import IssueStatus
from domain.project import Project
from domain.report import ANSWER_WITHIN, MAX_CONTACT, MAX_PLACE, MAX_TEXT, Report, ReportStatus
from findings.public_page import PublicMilestone, PublicPage
from storage.publication import PublicIssue, PublicPicture

# So many characters of a text on the project's page: a test fills every text, and the page stays under 100 kB.
_MAX_TITLE: Final = 100
_MAX_EXCERPT: Final = 160
_MONTHS: Final = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)


@dataclass(frozen=True, slots=True)
class Wording:
    """One language, and the days of one time zone."""

    language: Language
    zone: ZoneInfo

    @classmethod
    def of(cls, language: Language, *, time_zone: str | None) -> "Wording":
        """In a project's time zone; where there is no project there are no days either."""
        return cls(language, ZoneInfo(time_zone or "UTC"))

    def say(self, key: str, **values: object) -> str:
        """The sentence of a key, with its values in it. It is text: `api.markup` escapes it whole."""
        return MESSAGES[self.language][key].format(**values)

    def day(self, moment: date | datetime) -> str:
        """A day as people write it; of a moment, that of the time zone."""
        day = moment.astimezone(self.zone).date() if isinstance(moment, datetime) else moment
        if self.language == "zh":
            return f"{day.year}年{day.month}月{day.day}日"
        return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"

    @property
    def query(self) -> str:
        """What keeps the language from page to page."""
        return f"?lang={self.language}"


@dataclass(frozen=True, slots=True)
class FormState:
    """The form as it is shown: with what was written, where it has to be sent again.

    Attributes:
        opened_at: when it was made. UTC.
        error: the code of the refusal.
    """

    opened_at: datetime
    values: Mapping[str, str] = field(default_factory=dict)
    error: str | None = None


def render_project(page: PublicPage, wording: Wording, *, form: FormState, style: str) -> str:
    """The project's page."""
    project = page.project
    body = join(
        _facts(project, wording),
        _section("milestones", wording.say("milestones"), *_milestones(page, wording)),
        _section("issues", wording.say("issues"), *_issues(page, wording)),
        _section("reports", wording.say("reports"), *_reports(page, wording)),
        _section("form", wording.say("form"), _form(project, wording, form)),
    )
    return _document(project.name, body, wording, style=style, path=_path(project), notice=True)


def render_report(report: Report, project: Project, wording: Wording, *, style: str) -> str:
    """One report, for whoever keeps its address: what became of it, and what is public of it."""
    waits = report.status is ReportStatus.RECEIVED
    lines: list[str] = [
        element("p", wording.say("report_reference", reference=_reference(report))),
        element("p", wording.say("progress"), element("strong", wording.say(f"report.{report.status}"))),
    ]
    if waits:
        lines += [element("p", wording.say("report_due", day=wording.day(report.due_at)))]
        lines += [element("p", wording.say("sent_hint"))]
    if report.media_id is not None:
        lines.append(element("p", wording.say("report_photo")))
    lines += _texts(report, wording, limit=None)
    title = wording.say("sent") if waits else wording.say("report_received", day=wording.day(report.received_at))
    back = element("p", element("a", wording.say("back"), href=_path(project) + wording.query))
    body = join(_section("report", title, *lines), back)
    return _document(project.name, body, wording, style=style, path=f"{_path(project)}/reports/{report.id}")


def render_not_found(wording: Wording, *, style: str) -> str:
    """The page for whatever is not there; it does not tell what might be."""
    title = wording.say("not_found")
    return _document(title, element("p", wording.say("not_found_hint")), wording, style=style, path=None)


def render_notice(page: PublicPage, wording: Wording, *, address: str, style: str) -> str:
    """A sheet of A4 for the notice board, with the page's address as a QR code."""
    # Level Q of ISO/IEC 18004 bears 25 % of damage: the sheet hangs in the rain.
    code = Markup(segno.make_qr(address, error="q").svg_inline(scale=6, border=4, omitsize=True))
    stages = [
        element(
            "li",
            _cut(each.title, _MAX_TITLE),
            *([" · ", wording.say("planned_on", day=wording.day(each.planned_on))] if each.planned_on else []),
        )
        for each in page.milestones
    ]
    body = join(
        element("p", wording.say("notice_title"), class_="kicker"),
        _facts(page.project, wording),
        _section("milestones", wording.say("milestones"), element("ol", *stages)) if stages else "",
        element(
            "figure",
            element("div", code, role="img", aria_label=wording.say("notice_scan"), class_="code"),
            element("figcaption", wording.say("notice_scan"), element("br"), element("span", address)),
        ),
        element("p", wording.say("notice_print"), class_="screen-only"),
    )
    return _document(page.project.name, body, wording, style=style, path=f"{_path(page.project)}/notice", sheet=True)


def _document(
    heading: str,
    body: str,
    wording: Wording,
    *,
    style: str,
    path: str | None,
    notice: bool = False,
    sheet: bool = False,
) -> str:
    other: Language = "en" if wording.language == "zh" else "zh"
    links: list[str] = []
    if notice and path is not None:
        links.append(element("a", wording.say("notice"), href=f"{path}/notice{wording.query}"))
    if path is not None:
        lang = MESSAGES[other]["lang"]
        links.append(element("a", wording.say("other_language"), href=f"{path}?lang={other}", lang=lang, hreflang=lang))
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="robots", content="noindex"),
        element("title", wording.say("title", name=heading)),
        element("link", rel="stylesheet", href=style),
        element("link", rel="icon", href="/p/icon.svg"),
    )
    content = element(
        "body",
        element("a", wording.say("skip"), href="#content", class_="skip"),
        element("header", element("h1", heading, dir="auto"), element("nav", *links) if links else ""),
        element("main", body, id="content"),
        element("footer", element("p", wording.say("privacy"))) if path is not None else "",
        class_="sheet" if sheet else None,
    )
    return "<!doctype html>" + element("html", head, content, lang=wording.say("lang"))


def _path(project: Project) -> str:
    return f"/p/{project.public_code}"


def _section(name: str, title: str, *children: str) -> Markup:
    return element("section", element("h2", title, id=name), *children, aria_labelledby=name)


def _facts(project: Project, wording: Wording) -> Markup:
    silent = wording.say("not_stated")
    facts = {
        "kind": wording.say(f"kind.{project.kind}"),
        "place": project.area.replace("/", " · "),
        "contractor": project.contractor or silent,
        "starts_on": wording.day(project.starts_on) if project.starts_on else silent,
        "ends_on": wording.day(project.ends_on) if project.ends_on else silent,
    }
    rows = [
        element("div", element("dt", wording.say(key)), element("dd", value, dir="auto"))
        for key, value in facts.items()
    ]
    return _section("what", wording.say("what"), element("dl", *rows))


def _milestones(page: PublicPage, wording: Wording) -> list[str]:
    if not page.milestones:
        return [element("p", wording.say("no_milestones"))]
    items = [_milestone(each, page.project, wording) for each in page.milestones]
    more = [element("p", wording.say("more_milestones"))] if page.has_more else []
    return [element("ol", *items, class_="cards"), *more]


def _milestone(milestone: PublicMilestone, project: Project, wording: Wording) -> Markup:
    title = _cut(milestone.title, _MAX_TITLE)
    planned = milestone.planned_on
    return element(
        "li",
        element("h3", title, dir="auto"),
        element("p", wording.say("progress"), _state("progress", milestone.progress, wording)),
        element("p", wording.say("planned_on", day=wording.day(planned))) if planned else "",
        element("ul", *(_picture(each, project, title, wording) for each in milestone.pictures), class_="pictures")
        if milestone.pictures
        else "",
    )


def _picture(picture: PublicPicture, project: Project, title: str, wording: Wording) -> Markup:
    alt = wording.say("picture", milestone=_cut(title, 30), day=wording.day(picture.at))
    source = f"{_path(project)}/pictures/{picture.id}.jpg"
    return element("li", element("img", src=source, alt=alt, loading="lazy", width=240, height=180))


def _issues(page: PublicPage, wording: Wording) -> list[str]:
    if not page.issues:
        return [element("p", wording.say("no_issues"))]
    return [element("ul", *(_issue(each, wording) for each in page.issues), class_="cards")]


def _issue(issue: PublicIssue, wording: Wording) -> Markup:
    opened = wording.day(issue.creation_date)
    if issue.status is IssueStatus.CLOSED:
        dates = wording.say("issue_closed", opened=opened, closed=wording.day(issue.modified_date))
    else:
        dates = wording.say("issue_dates", opened=opened, due=wording.day(issue.due_date))
    return element(
        "li",
        element("h3", _cut(issue.title, _MAX_TITLE), dir="auto"),
        element("p", wording.say("progress"), _state("issue", issue.status, wording)),
        element("p", dates),
    )


def _reports(page: PublicPage, wording: Wording) -> list[str]:
    if not page.reports:
        return [element("p", wording.say("no_reports"))]
    return [element("ul", *(_report(each, page.project, wording) for each in page.reports), class_="cards")]


def _report(report: Report, project: Project, wording: Wording) -> Markup:
    # Nobody but who wrote it gets the address of one that is not answered.
    href = f"{_path(project)}/reports/{report.id}{wording.query}"
    whole = element("p", element("a", wording.say("report_whole"), href=href)) if _is_long(report) else ""
    return element(
        "li",
        element("h3", wording.say("report_received", day=wording.day(report.received_at))),
        element("p", wording.say("progress"), _state("report", report.status, wording)),
        *_texts(report, wording, limit=_MAX_EXCERPT),
        whole,
    )


def _texts(report: Report, wording: Wording, *, limit: int | None) -> list[str]:
    texts: list[str] = []
    if report.public_text:
        shown = element("span", _cut(report.public_text, limit), dir="auto", class_="words")
        texts.append(element("p", wording.say("report_text"), shown))
    if report.answer and report.answered_at:
        label = wording.say("report_answer", day=wording.day(report.answered_at))
        texts.append(element("p", label, element("span", _cut(report.answer, limit), dir="auto", class_="words")))
    return texts


def _is_long(report: Report) -> bool:
    return max(len(report.public_text or ""), len(report.answer or "")) > _MAX_EXCERPT


def _state(group: str, value: str, wording: Wording) -> Markup:
    return element("strong", wording.say(f"{group}.{value}"), class_=f"state {group}-{value}")


def _form(project: Project, wording: Wording, state: FormState) -> Markup:
    hint = wording.say("form_hint", days=ANSWER_WITHIN.days)
    error = ""
    if state.error is not None:
        known = f"error.{state.error}"
        sentence = wording.say(known if known in MESSAGES[wording.language] else "error.other")
        error = element("p", sentence, role="alert", class_="error")
    given = state.values
    text = element("textarea", given.get("text", ""), id="text", name="text", rows=5, maxlength=MAX_TEXT, required=True)
    return element(
        "form",
        error,
        element("p", hint),
        _field("text", wording.say("form_text", limit=MAX_TEXT), text),
        _field("place", wording.say("form_place"), _input("place", given, MAX_PLACE)),
        _field(
            "file",
            wording.say("form_file"),
            element("input", id="file", name="file", type="file", accept="image/jpeg,image/png,image/webp,image/heic"),
        ),
        _field("contact", wording.say("form_contact"), _input("contact", given, MAX_CONTACT)),
        element(
            "div",
            element("label", wording.say("form_website"), for_="website"),
            element("input", id="website", name="website", type="text", tabindex=-1, autocomplete="off"),
            class_="trap",
            aria_hidden="true",
        ),
        element("input", type="hidden", name="opened", value=int(state.opened_at.timestamp())),
        element("button", wording.say("form_send"), type="submit"),
        method="post",
        action=f"{_path(project)}/reports{wording.query}",
        enctype="multipart/form-data",
        accept_charset="utf-8",
    )


def _field(name: str, label: str, control: Markup) -> Markup:
    return element("div", element("label", label, for_=name), control, class_="field")


def _input(name: str, given: Mapping[str, str], limit: int) -> Markup:
    return element(
        "input", id=name, name=name, type="text", value=given.get(name, ""), maxlength=limit, autocomplete="off"
    )


def _reference(report: Report) -> str:
    return report.id.hex[:8].upper()


def _cut(text: str, limit: int | None) -> str:
    return text if limit is None or len(text) <= limit else text[:limit] + "…"
