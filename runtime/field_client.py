"""The public API as a field device uses it: uploads, a camera's status, the server's clock."""

import json
import logging
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, ClassVar, Final

import httpx2

from domain.clock import Clock
from domain.errors import Invalid, Unavailable

_LOG: Final = logging.getLogger(__name__)
_HALF_SECOND: Final = timedelta(seconds=0.5)  # HTTP dates are cut to whole seconds (RFC 9110, 5.6.7)
# What sending again may mend: a token that is not there yet, too many requests, a server that is down or being updated.
_MAY_MEND: Final = frozenset({401, 403, 404, 408, 425, 429, 507})


class ApiAway(Unavailable):
    """The API does not answer, or not now, or does not know the token yet; sending again may help."""

    code: ClassVar[str] = "watch.api_away"


class ShotRefused(Invalid):
    """The API will never take this file."""

    code: ClassVar[str] = "watch.shot_refused"


class UnknownProjectOfToken(Invalid):
    """The token is for no single project, and none was named."""

    code: ClassVar[str] = "watch.no_project"


@dataclass
class FieldClient:
    """One project's uploads with one token.

    Attributes:
        project_id: where shots go; empty asks the token's own.
        server_ahead: by how much the server's clock is ahead of ours, as its last answer told to half a second.
    """

    http: httpx2.Client
    clock: Clock
    project_id: str = ""
    server_ahead: timedelta = field(default=timedelta(0))

    def now(self) -> datetime:
        """The time by the server's clock."""
        return self.clock.now() + self.server_ahead

    def find_project(self) -> None:
        """Ask which project the token is for, where none was named.

        Raises:
            UnknownProjectOfToken: it is for several.
            ApiAway: the API does not answer.
        """
        if not self.project_id:
            self.project_id = self._ask("GET", "/v1/whoami").json()["project_id"] or ""
        if not self.project_id:
            raise UnknownProjectOfToken("the token sees several projects: name one with --project")

    def find_time_zone(self) -> str:
        """The project's time zone, an IANA name.

        Raises:
            ApiAway: the API does not answer.
        """
        return str(self._ask("GET", f"/v1/projects/{self.project_id}").json()["time_zone"])

    def send(self, path: Path, *, capture: dict[str, Any]) -> None:
        """Upload a shot; when this returns the API has it, and has it once.

        Args:
            path: of its bytes.
            capture: the sender's word, with a `client_id`.

        Raises:
            ApiAway: it could not be sent now.
            ShotRefused: it will never be taken.
            OSError: the file cannot be read.
        """
        with path.open("rb") as file:
            self._ask(
                "POST",
                f"/v1/projects/{self.project_id}/media",
                files={"file": (path.name, file)},
                data={"capture": json.dumps(capture)},
            )

    def report(self, camera_id: str, *, is_reachable: bool, next_within_s: float, clock_skew_s: float | None) -> None:
        """Say whether the camera sends.

        Raises:
            ApiAway: it could not be said now.
        """
        body = {
            "state": "sending" if is_reachable else "unreachable",
            "next_within_s": next_within_s,
            "clock_skew_s": clock_skew_s,
        }
        self._ask("PUT", f"/v1/projects/{self.project_id}/cameras/{camera_id}/status", json=body)

    def _ask(self, method: str, path: str, **more: Any) -> httpx2.Response:  # noqa: ANN401 - httpx's own
        try:
            response = self.http.request(method, path, **more)
        except httpx2.TransportError as error:
            raise ApiAway(f"the API does not answer: {error}") from error
        self._read_clock(response)
        if response.status_code >= 500 or response.status_code in _MAY_MEND:  # noqa: PLR2004 - server errors
            raise ApiAway(f"the API answers {response.status_code}: {_tell(response)}")
        if response.is_error:
            raise ShotRefused(f"the API answers {response.status_code}: {_tell(response)}")
        return response

    def _read_clock(self, response: httpx2.Response) -> None:
        try:
            told = parsedate_to_datetime(response.headers.get("date", ""))
        except ValueError:
            return
        ahead = told.astimezone(UTC) + _HALF_SECOND - self.clock.now()
        # Clocks that agree to a second are as equal as a date in whole seconds can tell.
        self.server_ahead = ahead if abs(ahead) > timedelta(seconds=1) else timedelta(0)


def _tell(response: httpx2.Response) -> str:
    try:
        problem = response.json()
    except ValueError:
        return response.text[:200]
    return f"{problem.get('detail', '')} [{problem.get('code', '')}]" if isinstance(problem, dict) else ""
