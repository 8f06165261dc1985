"""Who asks, what they see, and what they may: every route names its roles here, and a test walks them all."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, ClassVar, Final, Generic, TypeVar
from uuid import UUID

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from api.errors import Unauthenticated
from api.services import Provided, Services
from domain.access import Principal, Role
from domain.errors import Conflict, Forbidden, NotFound
from domain.finding import Finding
from domain.identifier import parse_uuid
from domain.issue import Issue
from domain.media import Medium
from domain.project import Project
from domain.report import VILLAGER_TOKEN_ID, Report, may_know_reporter
from domain.sensor import Sensor
from storage.database import Connection
from storage.errors import UnknownProject
from storage.finding import find_finding
from storage.idempotency import RequestKey, claim_key
from storage.issue import find_issue
from storage.media import find_media
from storage.project import find_project
from storage.report import find_report
from storage.sensor import find_sensor
from storage.token import find_token

_BEARER: Final = HTTPBearer(auto_error=False, description="a token of `siteproof token create`")
EVERYBODY: Final = frozenset(Role)

T = TypeVar("T")


class RoleForbidden(Forbidden):
    """The asker's role may not do this."""

    code: ClassVar[str] = "access.role_forbidden"


class AreaForbidden(Forbidden):
    """The asker may not put anything into this area."""

    code: ClassVar[str] = "access.area_forbidden"


class UnknownMedium(NotFound):
    """There is no such medium, or it is out of sight."""

    code: ClassVar[str] = "media.not_found"


class UnknownFinding(NotFound):
    """There is no such finding, or it is out of sight."""

    code: ClassVar[str] = "finding.not_found"


class UnknownSensor(NotFound):
    """There is no such sensor, or it is out of sight."""

    code: ClassVar[str] = "sensor.not_found"


class UnknownIssue(NotFound):
    """There is no such issue, or it is out of sight."""

    code: ClassVar[str] = "issue.not_found"


class UnknownReport(NotFound):
    """There is no such report, or it is out of sight."""

    code: ClassVar[str] = "report.not_found"


class UnderWay(Conflict):
    """Another request with the same Idempotency-Key came first."""

    code: ClassVar[str] = "idempotency.under_way"


@dataclass(slots=True)
class Once:
    """A request that is done once: its key is taken in the transaction of what it does."""

    key: RequestKey
    is_claimed: bool = False

    def claim(self, connection: Connection, *, now: datetime) -> None:
        """Take the key, the first time.

        Raises:
            UnderWay: another request took it meanwhile.
        """
        if not self.is_claimed and not claim_key(connection, self.key, now=now):
            raise UnderWay("another request with this key came first: ask again for its answer")
        self.is_claimed = True


@dataclass(frozen=True, slots=True)
class Asker(Generic[T]):
    """An authenticated request.

    Attributes:
        principal: whom the token stands for.
        thing: what the path names, which the principal sees and may treat so.
        once: of a request that may come twice and is done once.
    """

    principal: Principal
    thing: T
    services: Services
    once: Once | None = None

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """The request's transaction, committed when the block ends."""
        with self.services.database.transaction() as connection:
            if self.once is not None:
                self.once.claim(connection, now=self.services.clock.now())
            yield connection


Resolver = Callable[[Connection, Principal, Request], T]


class Allowed(Generic[T]):
    """A dependency: authenticates, finds what the path names (else 404), then asks for the role (else 403).

    In that order, because what a token may not see must not be told from what is not there.
    """

    def __init__(self, roles: frozenset[Role], sees: Resolver[T]) -> None:
        """Allow `roles`, for the thing that `sees` finds."""
        self.roles = roles
        self._sees = sees

    def __call__(
        self,
        request: Request,
        services: Provided,
        credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)],
    ) -> Asker[T]:
        """Let the request through or refuse it."""
        with services.database.transaction() as connection:
            principal = authenticate(connection, None if credentials is None else credentials.credentials)
            thing = self._sees(connection, principal, request)
        if principal.role not in self.roles:
            raise RoleForbidden(f"a token of role {principal.role} may not do this", role=principal.role.value)
        return Asker(principal, thing, services, getattr(request.state, "once", None))


def authenticate(connection: Connection, text: str | None) -> Principal:
    """Whom the token's text stands for.

    Raises:
        Unauthenticated: there is none, or it is unknown or revoked.
    """
    if text is None:
        raise Unauthenticated("give a token: `Authorization: Bearer ...`")
    token = find_token(connection, text=text)
    if token is None:
        raise Unauthenticated("the token is unknown or revoked")
    return Principal(token.id, token.role, token.area, token.project_id, token.person, token.name)


def see_nothing(_connection: Connection, _principal: Principal, _request: Request) -> None:
    """For routes whose path names no single thing."""


def see_project(connection: Connection, principal: Principal, request: Request) -> Project:
    """The project of the path.

    Raises:
        UnknownProject: it is not there, or out of sight.
    """
    return get_visible_project(connection, principal, request.path_params["project_id"])


def get_visible_project(connection: Connection, principal: Principal, project_id: str) -> Project:
    """A project that the principal sees.

    Raises:
        UnknownProject: it is not there, or out of sight.
    """
    project = find_project(connection, project_id=project_id)
    if project is None or not principal.sees_project(project.id, project.area):
        raise UnknownProject("there is no such project")
    return project


def see_new_project(connection: Connection, principal: Principal, request: Request) -> Project | None:
    """The project of a PUT: None where it is new.

    Raises:
        UnknownProject: it is there, but out of sight.
    """
    project_id = request.path_params["project_id"]
    if find_project(connection, project_id=project_id) is None:
        return None
    return get_visible_project(connection, principal, project_id)


def see_medium(connection: Connection, principal: Principal, request: Request) -> Medium:
    """The medium of the path.

    Raises:
        UnknownMedium: it is not there, or out of sight; to a field token also what another one sent.
    """
    media_id = parse_uuid(request.path_params["media_id"])
    medium = None if media_id is None else find_media(connection, media_id=media_id)
    if medium is None or not _sees_medium(connection, principal, medium):
        raise UnknownMedium("there is no such photo or clip")
    return medium


def see_finding(connection: Connection, principal: Principal, request: Request) -> Finding:
    """The finding of the path.

    Raises:
        UnknownFinding: it is not there, or out of sight.
    """
    finding_id = parse_uuid(request.path_params["finding_id"])
    finding = None if finding_id is None else find_finding(connection, finding_id=finding_id)
    if finding is None or not _sees_finding(connection, principal, finding):
        raise UnknownFinding("there is no such finding")
    return finding


def see_sensor(connection: Connection, principal: Principal, request: Request) -> Sensor:
    """The sensor of the path.

    Raises:
        UnknownSensor: it is not there, or out of sight.
    """
    sensor = find_sensor(connection, sensor_id=request.path_params["sensor_id"])
    if sensor is None or not _sees_project_id(connection, principal, sensor.project_id):
        raise UnknownSensor("there is no such sensor")
    return sensor


def see_new_sensor(connection: Connection, principal: Principal, request: Request) -> Sensor | None:
    """The sensor of a PUT: None where it is new.

    Raises:
        UnknownSensor: it is there, but out of sight.
    """
    if find_sensor(connection, sensor_id=request.path_params["sensor_id"]) is None:
        return None
    return see_sensor(connection, principal, request)


def see_issue(connection: Connection, principal: Principal, request: Request) -> Issue:
    """The issue of the path.

    Raises:
        UnknownIssue: it is not there, or out of sight.
    """
    issue_id = parse_uuid(request.path_params["issue_id"])
    issue = None if issue_id is None else find_issue(connection, issue_id=issue_id)
    if issue is None or not _sees_project_id(connection, principal, issue.project_id):
        raise UnknownIssue("there is no such issue")
    return issue


def see_report(connection: Connection, principal: Principal, request: Request) -> Report:
    """The villager's report of the path.

    Raises:
        UnknownReport: it is not there, or out of sight.
    """
    report_id = parse_uuid(request.path_params["report_id"])
    report = None if report_id is None else find_report(connection, report_id=report_id)
    if report is None or not _sees_project_id(connection, principal, report.project_id):
        raise UnknownReport("there is no such report")
    return report


def _sees_project_id(connection: Connection, principal: Principal, project_id: str) -> bool:
    project = find_project(connection, project_id=project_id)
    return project is not None and principal.sees_project(project.id, project.area)


def _sees_medium(connection: Connection, principal: Principal, medium: Medium) -> bool:
    if principal.sees_only_own_media and medium.token_id != principal.token_id:
        return False
    if medium.token_id == VILLAGER_TOKEN_ID and not may_know_reporter(principal.role):
        return False
    return _sees_project_id(connection, principal, medium.project_id)


def _sees_finding(connection: Connection, principal: Principal, finding: Finding) -> bool:
    if not principal.sees_only_own_media:
        return _sees_project_id(connection, principal, finding.project_id)
    medium: Medium | None = None
    if isinstance(finding.media_id, UUID):
        medium = find_media(connection, media_id=finding.media_id)
    return medium is not None and _sees_medium(connection, principal, medium)
