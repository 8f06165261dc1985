"""The public page and villagers' reports over HTTP, by everybody, and by those who answer."""

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from itertools import pairwise
from typing import Any
from uuid import UUID, uuid4

import httpx2
import psycopg
import pytest

from domain.access import Role
from domain.media import name_thumbnail
from domain.report import VILLAGER_TOKEN_ID
from findings.reminder import remind
from storage.media_store import DiskMediaStore
from tests.integration.api.conftest import AREA, Api
from tests.pictures import make_jpeg

HOSTILE = "\"'><script>alert(1)</script><img src=x onerror=alert(1)>&amp;{name}%s"
OPENED = "0"  # 1970: long enough ago


class Outline(HTMLParser):
    """What a page is made of: its elements with their attributes, and its text."""

    def __init__(self, content: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self.feed(content)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note it."""
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        """Note it."""
        self.words += data

    def list_values(self, tag: str, attribute: str) -> list[str]:
        """The attribute's value of each such element that has it."""
        return [value for name, attrs in self.elements if name == tag and (value := attrs.get(attribute)) is not None]


@dataclass
class Village:
    """A project with its public page."""

    api: Api
    code: str

    @property
    def path(self) -> str:
        """The page's."""
        return f"/p/{self.code}"

    def read(self, suffix: str = "", **headers: str) -> Outline:
        """A page that is there."""
        answer = self.api.client.get(self.path + suffix, headers=headers)
        assert answer.status_code == 200, answer.text
        return Outline(answer.text)

    def report(self, text: str = "路面裂了", *, photo: bytes | None = None, **fields: str) -> httpx2.Response:
        """Send the form, as a browser does."""
        files = {"file": ("照片.jpg", photo)} if photo is not None else {"file": ("", b"")}
        data = {"text": text, "opened": OPENED, "website": "", **fields}
        answer = self.api.client.post(f"{self.path}/reports", data=data, files=files, follow_redirects=False)
        assert isinstance(answer, httpx2.Response)
        return answer

    def report_id(self, text: str = "路面裂了", *, photo: bytes | None = None, **fields: str) -> str:
        """Send a report that is taken; its id."""
        answer = self.report(text, photo=photo, **fields)
        assert answer.status_code == 303, answer.text
        return str(answer.headers["Location"]).rpartition("/")[2].partition("?")[0]

    def answer(self, report_id: str, role: Role = Role.INSPECTOR, **changes: Any) -> httpx2.Response:  # noqa: ANN401
        """Answer a report."""
        body = {"status": "answered", "answer": "已派人查看", **changes}
        headers = self.api.make_token(role, person="王工")
        answer = self.api.client.post(f"/v1/reports/{report_id}/answer", json=body, headers=headers)
        assert isinstance(answer, httpx2.Response)
        return answer

    def view(self, path: str, role: Role) -> dict[str, Any]:
        """What a role reads there."""
        body: dict[str, Any] = self.api.client.get(path, headers=self.api.make_token(role)).json()
        return body

    def list_events(self, word: str) -> list[dict[str, Any]]:
        """The events of this kind of thing."""
        items = self.view("/v1/events", Role.CORE)["items"]
        return [each for each in items if each["type"].startswith(f"siteproof.{word}.")]

    def show_picture(self, milestone_id: str = "m1", **changes: str) -> str:
        """Send a photo of its own colour, let it be analysed, and let it onto the page; its id."""
        colour = tuple(uuid4().bytes[:3])
        headers = self.api.make_token(Role.INSPECTOR)
        capture = json.dumps({"milestone_id": milestone_id, "taken_at": "2026-11-20T02:00:00Z"})
        sent = self.api.client.post(
            "/v1/projects/p1/media",
            files={"file": ("a.jpg", make_jpeg(colour=(colour[0], colour[1], colour[2])))},
            data={"capture": capture},
            headers=headers,
        )
        media_id = str(sent.json()["id"])
        values = {"status": "analysed", "grade": "B", **changes, "id": media_id}
        with psycopg.connect(self.api.database.url) as connection:
            connection.execute("UPDATE media SET status = %(status)s, grade = %(grade)s WHERE id = %(id)s", values)
        DiskMediaStore(self.api.media_folder).put_derived(UUID(media_id), name=name_thumbnail(), content=b"small")
        self.publish(media_id, shown=True)
        return media_id

    def publish(self, media_id: str, *, shown: bool) -> None:
        """Decide upon a picture."""
        headers = self.api.make_token(Role.INSPECTOR, person="王工")
        answer = self.api.client.put(f"/v1/media/{media_id}/publication", json={"shown": shown}, headers=headers)
        assert answer.json()["shown"] is shown
        assert answer.json()["decided_by"] == "王工"


@pytest.fixture
def village(api: Api) -> Village:
    """A road with a milestone that asks for a photo."""
    facts = {"contractor": "青山建设", "starts_on": "2026-10-01", "ends_on": "2027-05-31"}
    made = api.put_project("p1", **facts).json()
    body = {"title": "路基", "planned_on": "2027-01-31", "requires": {"photos": {"min": 1}}}
    api.client.put("/v1/projects/p1/milestones/m1", json=body, headers=api.make_token(Role.CORE))
    return Village(api, made["public_code"])


def test_page__of_a_project__says_what_by_whom_until_when_in_both_languages(village: Village) -> None:
    """Chinese first; English by the query or by the browser's languages; one heading of each name, in order."""
    page = village.read()
    for words in ("村道", "道路", "county · town · village", "青山建设", "2026年10月1日", "2027年5月31日", "尚未开始"):
        assert words in page.words
    assert page.list_values("html", "lang") == ["zh-CN"]
    english = village.read("?lang=en")
    assert english.list_values("html", "lang") == ["en"]
    for words in ("村道", "Road", "Built by", "1 October 2026", "31 May 2027", "not begun"):
        assert words in english.words
    assert village.read("", **{"Accept-Language": "en-US,en;q=0.9"}).words == english.words


@pytest.mark.parametrize("suffix", ["", "/notice", "?lang=en"])
def test_page__for_a_reader_of_the_screen__has_names_and_order(village: Village, suffix: str) -> None:
    """One h1, no level skipped, a label for each control, a title, and a name for each section; no script at all."""
    village.show_picture()
    page = village.read(suffix)
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    controls = [
        attrs["id"]
        for tag, attrs in page.elements
        if tag in {"input", "textarea"} and attrs.get("type") not in {"hidden", "submit"}
    ]
    assert sorted(page.list_values("label", "for")) == sorted(str(each) for each in controls)
    names = page.list_values("section", "aria-labelledby")
    assert set(names) <= set(page.list_values("h2", "id"))
    assert all(page.list_values("img", "alt"))
    tags = {tag for tag, _ in page.elements}
    assert {"main", "header", "title"} <= tags
    assert not tags & {"script", "style", "iframe", "object"}
    assert not [attrs for _, attrs in page.elements if "style" in attrs or any(key.startswith("on") for key in attrs)]


def test_page__headers__forbid_scripts_and_are_cached_for_a_minute(village: Village) -> None:
    """The policy allows our style sheet and pictures, and nothing inline; the style sheet is there for good."""
    answer = village.api.client.get(village.path)
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "script-src" not in policy
    assert answer.headers["Cache-Control"] == "public, max-age=60"
    assert answer.headers["Vary"] == "Accept-Language"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "set-cookie" not in answer.headers
    style = village.api.client.get(Outline(answer.text).list_values("link", "href")[0])
    assert style.headers["Content-Type"].startswith("text/css")
    assert "immutable" in style.headers["Cache-Control"]


def test_page__of_an_unknown_code__is_not_found_and_says_nothing_else(village: Village) -> None:
    """The same words for a made-up code, its notice, a picture, a report, and a form sent to it."""
    answers = [
        village.api.client.get(f"/p/2222222222{suffix}")
        for suffix in ("", "/notice", f"/pictures/{uuid4()}.jpg", f"/reports/{uuid4()}", "/reports/x")
    ]
    answers.append(village.api.client.post("/p/2222222222/reports", data={"text": "x"}))
    answers.append(village.api.client.get(f"{village.path}/reports/{uuid4()}"))
    answers.append(village.api.client.get(f"{village.path}/pictures/{uuid4()}.jpg"))
    assert {each.status_code for each in answers} == {404}
    assert len({each.text for each in answers}) == 1
    assert "没有找到" in answers[0].text
    assert answers[0].headers["Content-Type"].startswith("text/html")


def test_page__texts_from_outside__are_never_markup(village: Village) -> None:
    """A name, a contractor, titles, a report and its answer that look like markup are shown as they were written."""
    api = village.api
    core = api.make_token(Role.CORE)
    api.put_project("p1", name=HOSTILE, contractor=HOSTILE)
    api.client.put("/v1/projects/p1/milestones/m1", json={"title": HOSTILE}, headers=core)
    inspector = api.make_token(Role.INSPECTOR)
    api.client.post("/v1/issues", json={"project_id": "p1", "title": HOSTILE}, headers=inspector)
    village.show_picture()
    report_id = village.report_id(HOSTILE, place=HOSTILE, contact=HOSTILE)
    assert village.answer(report_id, answer=HOSTILE).status_code == 200
    for suffix in ("", "/notice", f"/reports/{report_id}"):
        page = village.read(suffix)
        assert not {"script", "iframe"} & {tag for tag, _ in page.elements}
        assert "x" not in page.list_values("img", "src")
        assert HOSTILE in page.words
    refused = village.report("", place=HOSTILE)
    assert Outline(refused.text).list_values("input", "value").count(HOSTILE) == 1


def test_page__with_every_text_as_long_as_it_may_be__stays_under_100_kb(village: Village) -> None:
    """What costs most is an ampersand, which HTML writes with five bytes; with its style sheet."""
    api = village.api
    core, inspector = api.make_token(Role.CORE), api.make_token(Role.INSPECTOR)
    longest = "&" * 500
    api.put_project("p1", name=longest, contractor=longest)
    for number in range(41):
        body = {"title": longest, "planned_on": "2027-01-31"}
        api.client.put(f"/v1/projects/p1/milestones/m{number}", json=body, headers=core)
        if number < 12:
            for _ in range(3):
                village.show_picture(f"m{number}")
    for _ in range(31):
        api.client.post("/v1/issues", json={"project_id": "p1", "title": longest}, headers=inspector)
    for _ in range(11):
        village.answer(village.report_id("&" * 2000), answer="&" * 2000)
    page = api.client.get(village.path)
    style = api.client.get(Outline(page.text).list_values("link", "href")[0])
    assert "还有其他阶段" in page.text
    assert page.text.count("<img") == 36
    assert len(page.content) + len(style.content) < 100_000


def test_pictures__let_onto_the_page__are_its_milestones_and_small(village: Village) -> None:
    """The newest three, lazily loaded, with a text in their place, from an address that needs no token."""
    shown = [village.show_picture() for _ in range(4)]
    page = village.read()
    sources = page.list_values("img", "src")
    assert sources == [f"{village.path}/pictures/{each}.jpg" for each in reversed(shown[1:])]
    assert page.list_values("img", "loading") == ["lazy"] * 3
    assert page.list_values("img", "alt")[0] == "路基，2026年11月20日，现场照片，人员头部已遮挡"
    picture = village.api.client.get(sources[0])
    assert (picture.content, picture.headers["Content-Type"]) == (b"small", "image/jpeg")
    assert "max-age" in picture.headers["Cache-Control"]


def test_pictures__that_nobody_let_onto_the_page_or_graded_d__are_not_there(village: Village) -> None:
    """Not decided, taken off again, graded D, not analysed yet: neither on the page nor by their address."""
    hidden = [
        village.show_picture(grade="D"),
        village.show_picture(status="failed"),
        village.show_picture(),
        village.report_id(photo=make_jpeg()),
    ]
    village.publish(hidden[2], shown=False)
    with psycopg.connect(village.api.database.url) as connection:
        hidden[3] = str(connection.execute("SELECT media_id FROM report").fetchone()[0])  # type: ignore[index]
        connection.execute("UPDATE media SET status = 'analysed', grade = 'B' WHERE id = %s", [hidden[3]])
    assert village.read().list_values("img", "src") == []
    for each in hidden:
        assert village.api.client.get(f"{village.path}/pictures/{each}.jpg").status_code == 404


def test_picture__of_another_project__is_not_found_by_this_code(village: Village) -> None:
    """A code opens its own project and no other."""
    media_id = village.show_picture()
    other = village.api.put_project("p2").json()["public_code"]
    assert village.api.client.get(f"/p/{other}/pictures/{media_id}.jpg").status_code == 404
    report_id = village.report_id()
    assert village.api.client.get(f"/p/{other}/reports/{report_id}").status_code == 404


def test_picture__without_a_thumbnail__is_asked_for_of_a_worker(village: Village) -> None:
    """One that an earlier release analysed is made when the first villager asks."""
    media_id = village.show_picture()
    DiskMediaStore(village.api.media_folder)._derived_path(UUID(media_id), name_thumbnail()).unlink()
    village.api.rung.clear()
    assert village.api.client.get(f"{village.path}/pictures/{media_id}.jpg").status_code == 404
    assert village.api.rung == [UUID(media_id)]


def test_milestone__with_its_photo__is_met(village: Village) -> None:
    """What the gate says, in a word."""
    village.show_picture()
    assert "已达到要求" in village.read().words


def test_issues__on_the_page__say_what_became_of_them_and_name_nobody(village: Village) -> None:
    """Title, state and dates; neither who raised it nor who must mend it."""
    inspector = village.api.make_token(Role.INSPECTOR, person="李检查")
    body = {"project_id": "p1", "title": "K0+120 路面开裂", "due_date": "2026-12-01", "assigned_to": "张三"}
    village.api.client.post("/v1/issues", json=body, headers=inspector)
    words = village.read().words
    assert "K0+120 路面开裂" in words
    assert "已登记，等待整改" in words
    assert "整改期限2026年12月1日" in words
    assert "李检查" not in words
    assert "张三" not in words


def test_notice__to_print__has_the_pages_address_as_a_code(village: Village) -> None:
    """The address by which it was asked for, as text and as a QR code; not for a cache."""
    answer = village.api.client.get(f"{village.path}/notice", headers={"Host": "site.example.org"})
    page = Outline(answer.text)
    assert f"http://site.example.org{village.path}" in page.words
    assert [attrs["aria-label"] for _, attrs in page.elements if attrs.get("role") == "img"]
    assert "svg" in {tag for tag, _ in page.elements}
    assert answer.headers["Cache-Control"] == "no-store"
    for words in ("村道", "青山建设", "路基"):
        assert words in page.words


def test_report__sent__is_received_and_its_text_is_not_public(village: Village) -> None:
    """Who sent it is led to a page that says until when it is answered; nothing of what was written is shown."""
    answer = village.report("王五家门口的路裂了", place="村口", contact="13800000000")
    assert answer.status_code == 303
    location = answer.headers["Location"]
    assert location.startswith(f"{village.path}/reports/")
    due = datetime.now(UTC) + timedelta(days=7, hours=8)
    own = Outline(village.api.client.get(location).text).words
    assert f"最迟于{due.year}年{due.month}月{due.day}日答复" in own
    for words in (own, village.read().words):
        assert "等待答复" in words
        for secret in ("王五", "村口", "13800000000"):
            assert secret not in words


def test_report__without_a_photo_urlencoded__is_taken(village: Village) -> None:
    """The other way in which a form may come."""
    data = {"text": "Crack & more", "opened": OPENED}
    answer = village.api.client.post(f"{village.path}/reports?lang=en", data=data, follow_redirects=False)
    assert answer.status_code == 303
    assert answer.headers["Location"].endswith("?lang=en")
    assert village.view("/v1/reports", Role.INSPECTOR)["items"][0]["text"] == "Crack & more"


def test_report__answered__is_public_with_its_answer(village: Village) -> None:
    """Text and answer, and who answered is named nowhere; once, and in the words that the desk wrote in their place."""
    report_id = village.report_id("王五家门口的路裂了")
    answered = village.answer(report_id, published_text="村口的路裂了", answer="三天内修补")
    assert (answered.status_code, answered.json()["answered_by"]) == (200, "王工")
    for suffix in ("", f"/reports/{report_id}"):
        words = village.read(suffix).words
        assert "村口的路裂了" in words
        assert "三天内修补" in words
        assert "王五" not in words
        assert "王工" not in words
    again = village.answer(report_id)
    assert (again.status_code, again.json()["code"]) == (409, "report.already_answered")


def test_report__dismissed__shows_its_answer_and_never_its_text(village: Village) -> None:
    """What is no report stays with the desk."""
    report_id = village.report_id("买一送一")
    assert village.answer(report_id, status="dismissed", answer="与本工程无关").status_code == 200
    words = village.read().words
    assert "与本工程无关" in words
    assert "买一送一" not in words
    other = village.report_id()
    refused = village.answer(other, status="dismissed", issue={"title": "裂缝"})
    assert refused.json()["code"] == "report.dismissed_with_issue"


def test_report__answered_with_an_issue__raises_it_by_an_inspector_alone(village: Village) -> None:
    """The issue stands in the list and on the page; a supervisor answers, and raises none."""
    report_id = village.report_id()
    refused = village.answer(report_id, Role.SUPERVISOR, issue={"title": "路面开裂"})
    assert (refused.status_code, refused.json()["code"]) == (403, "issue.role_may_not")
    answered = village.answer(report_id, issue={"title": "路面开裂", "severity": "minor"}).json()
    issue = village.view(f"/v1/issues/{answered['issue_id']}", Role.INSPECTOR)
    assert (issue["title"], issue["severity"], issue["project_id"]) == ("路面开裂", "minor", "p1")
    assert "路面开裂" in village.read().words
    assert village.answer(village.report_id(), Role.SUPERVISOR).status_code == 200


@pytest.mark.parametrize("role", [Role.INSPECTOR, Role.SUPERVISOR, Role.ADMIN, Role.CORE])
def test_report__read_by_a_role__tells_the_desk_alone_who_wrote_it(village: Village, role: Role) -> None:
    """Contact, place, photo and unmoderated text are for inspectors and supervisors; the photo's routes alike."""
    report_id = village.report_id("裂了", place="村口", contact="13800000000", photo=make_jpeg())
    report = village.view(f"/v1/reports/{report_id}", role)
    is_desk = role in {Role.INSPECTOR, Role.SUPERVISOR}
    told = (report["text"], report["place"], report["contact"])
    assert told == (("裂了", "村口", "13800000000") if is_desk else (None, None, None))
    assert (report["media_id"] is not None) is is_desk
    assert report == village.view("/v1/reports", role)["items"][0]
    with village.api.database.transaction() as connection:
        media_id = connection.execute("SELECT media_id FROM report").fetchone()[0]  # type: ignore[index]
    headers = village.api.make_token(role)
    for suffix in ("", "/content"):
        answer = village.api.client.get(f"/v1/media/{media_id}{suffix}", headers=headers)
        assert answer.status_code == (200 if is_desk else 404)
    assert len(village.view("/v1/projects/p1/media", role)["items"]) == int(is_desk)


def test_report__its_photo__is_a_villagers_and_no_evidence(village: Village) -> None:
    """It goes through the checks of every upload, has no milestone and leaves no finding; a worker is rung for."""
    photo = make_jpeg(lon=120.09, lat=30.29)
    report_id = village.report_id(photo=photo)
    media_id = village.view(f"/v1/reports/{report_id}", Role.INSPECTOR)["media_id"]
    medium = village.view(f"/v1/media/{media_id}", Role.INSPECTOR)
    assert (medium["milestone_id"], medium["capture"]) == (None, {"sent_by": "villager"})
    assert {each["check"] for each in medium["checks"]} >= {"location", "time", "reuse", "editing"}
    assert medium["finding_ids"] == []
    assert village.api.rung == [UUID(media_id)]
    with village.api.database.transaction() as connection:
        row = connection.execute("SELECT token_id FROM media").fetchone()
    assert row == (VILLAGER_TOKEN_ID,)


def test_report__events__tell_no_word_of_it(village: Village) -> None:
    """Received and answered, with ids and times alone."""
    report_id = village.report_id("王五说裂了", contact="13800000000")
    village.answer(report_id)
    events = village.list_events("report")
    assert [each["type"] for each in events] == ["siteproof.report.received", "siteproof.report.answered"]
    assert [each["data"]["status"] for each in events] == ["received", "answered"]
    assert {each["subject"] for each in events} == {f"reports/{report_id}"}
    assert "王五" not in json.dumps(events, ensure_ascii=False)
    assert "1380" not in json.dumps(events)


def test_remind__a_report_unanswered_for_seven_days__is_told_once(village: Village) -> None:
    """At its due time, by the beat that tells of issues; an answered one is not told."""
    report_id = village.report_id()
    village.answer(village.report_id())
    due_at = datetime.fromisoformat(village.view(f"/v1/reports/{report_id}", Role.INSPECTOR)["due_at"])
    for now, count in ((due_at - timedelta(seconds=1), 0), (due_at, 1), (due_at + timedelta(days=1), 0)):
        with village.api.database.transaction() as connection:
            assert remind(connection, now=now, limit=10) == count
    assert [each["type"] for each in village.list_events("report")].count("siteproof.report.overdue") == 1


def test_reports__listed__by_project_and_status_within_sight(village: Village) -> None:
    """Filters, and nothing of another area."""
    first, second = village.report_id("一"), village.report_id("二")
    village.answer(first)
    for query, expected in (("", [first, second]), ("?status=answered", [first]), ("?project_id=p2", [])):
        items = village.view(f"/v1/reports{query}", Role.INSPECTOR)["items"]
        assert [each["id"] for each in items] == expected
    far = village.api.make_token(Role.INSPECTOR, area=AREA + "-2")
    assert village.api.client.get("/v1/reports", headers=far).json()["items"] == []


@pytest.mark.parametrize(
    ("fields", "status", "sentence"),
    [
        ({"text": " "}, 422, "请写下您看到了什么"),
        ({"text": "字" * 2001}, 422, "写得太长了"),
        ({"text": "裂了", "opened": ""}, 422, "请再看一遍"),
        ({"text": "裂了", "opened": "99999999999"}, 422, "请再看一遍"),
        ({"text": "裂了", "opened": "9" * 30}, 422, "请再看一遍"),
    ],
)
def test_report__that_cannot_be_taken__comes_back_with_what_was_written(
    village: Village, fields: dict[str, str], status: int, sentence: str
) -> None:
    """The reason above the form, the text still in it, and nothing stored."""
    answer = village.report(fields["text"], opened=fields.get("opened", OPENED))
    page = Outline(answer.text)
    assert answer.status_code == status
    assert sentence in page.words
    assert fields["text"].strip() in page.words
    assert answer.headers["Cache-Control"] == "no-store"
    assert village.view("/v1/reports", Role.INSPECTOR)["items"] == []


@pytest.mark.parametrize(
    ("content", "status", "sentence"),
    [
        (b"no picture at all" * 20, 415, "不是照片"),
        (b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom" + b"\x00" * 200, 422, "不能附视频"),
    ],
)
def test_report__with_a_file_that_is_no_photo__comes_back(
    village: Village, content: bytes, status: int, sentence: str
) -> None:
    """Neither report nor file is kept."""
    answer = village.report("裂了", photo=content)
    assert (answer.status_code, sentence in answer.text) == (status, True)
    assert "裂了" in answer.text
    assert village.view("/v1/reports", Role.INSPECTOR)["items"] == []


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/x-www-form-urlencoded", b"text=%ff%fe&opened=0"),
        ("application/x-www-form-urlencoded", b"text=" + b"a" * 70_000),
        ("application/x-www-form-urlencoded", b"&".join([b"a=b"] * 50)),
        ("multipart/form-data; boundary=x", b"--x\r\nbroken"),
        ("multipart/form-data", b""),
        ("application/json", b"{}"),
    ],
)
def test_report__body_that_is_no_form__comes_back_and_breaks_nothing(
    village: Village, content_type: str, body: bytes
) -> None:
    """A page in the same style, never a stack trace."""
    headers = {"Content-Type": content_type}
    answer = village.api.client.post(f"{village.path}/reports", content=body, headers=headers)
    assert answer.status_code == 422
    assert answer.headers["Content-Type"].startswith("text/html")


def test_report__by_a_program_that_fills_in_everything__is_thanked_and_forgotten(village: Village) -> None:
    """The field that people do not see."""
    answer = village.report(website="http://spam.example")
    assert answer.status_code == 303
    assert village.view("/v1/reports", Role.INSPECTOR)["items"] == []


def test_report__beyond_20_an_hour_of_one_address__is_refused(village: Village) -> None:
    """Whatever the project; with when to try again."""
    for _ in range(20):
        village.report_id()
    refused = village.report()
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "3600")
    assert "提交太多" in refused.text


def test_publication__of_a_picture__is_decided_by_the_desk(village: Village) -> None:
    """Not shown where nobody decided; saying the same again keeps who said it first."""
    media_id = village.show_picture()
    path = f"/v1/media/{media_id}/publication"
    before = village.view(path, Role.CORE)
    headers = village.api.make_token(Role.SUPERVISOR, person="赵")
    assert village.api.client.put(path, json={"shown": True}, headers=headers).json() == before
    assert village.api.client.put(path, json={"shown": False}, headers=headers).json()["decided_by"] == "赵"
