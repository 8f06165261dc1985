"""`Idempotency-Key`: a POST that comes twice is done once, and answered twice.

The key is taken in the transaction of what the request does, so a crash leaves neither the one without the other. A
refusal is not kept: nothing was done, and the same key may be used for another try.
"""

import hashlib
import re
from collections.abc import Callable, Coroutine
from typing import Any, ClassVar, Final

from fastapi import Request, Response
from starlette.concurrency import run_in_threadpool

from api.access import Once, authenticate
from api.services import Services, get_services
from api.strict_json import StrictRoute
from domain.errors import Conflict, Invalid, SiteproofError
from storage.idempotency import RequestKey, find_answer, keep_answer, release_key

HEADER: Final = "idempotency-key"
REPLAYED: Final = "Idempotency-Replayed"
MAX_KEPT_BYTES: Final = 1024 * 1024
_FORM: Final = re.compile(r"[\x21-\x7e]{1,255}")
_KEPT_HEADERS: Final = ("content-type", "etag", "location")

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class InvalidKey(Invalid):
    """A key that is empty, too long, or holds blanks or other than ASCII."""

    code: ClassVar[str] = "idempotency.invalid_key"


class KeyReused(Invalid):
    """The same key came with another request."""

    code: ClassVar[str] = "idempotency.key_reused"


class AnswerLost(Conflict):
    """It was done, and its answer was lost: look at what is there."""

    code: ClassVar[str] = "idempotency.answer_lost"


class IdempotentRoute(StrictRoute):
    """A route whose POST honours Idempotency-Key."""

    async def answer(self, handler: Handler, request: Request, body: bytes) -> Response:
        """Answer once, and from then on the same."""
        key = request.headers.get(HEADER)
        if request.method != "POST" or key is None:
            return await handler(request)
        if not _FORM.fullmatch(key):
            raise InvalidKey("a key is 1 to 255 printable ASCII characters without blanks")
        services = get_services(request)
        request_key, kept = await run_in_threadpool(_look_up, services, request, key, body)
        if kept is not None:
            return kept
        request.state.once = Once(request_key)
        try:
            response = await handler(request)
        except SiteproofError:
            await run_in_threadpool(_release, services, request_key)
            raise
        content = bytes(response.body)
        if len(content) <= MAX_KEPT_BYTES:
            await run_in_threadpool(_keep, services, request_key, response, content)
        return response


def _look_up(services: Services, request: Request, key: str, body: bytes) -> tuple[RequestKey, Response | None]:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    asked = f"{request.method}\n{request.url.path}\n{request.url.query}\n".encode() + body
    with services.database.transaction() as connection:
        principal = authenticate(connection, token.strip() if scheme.lower() == "bearer" else None)
        request_key = RequestKey(principal.token_id, key, hashlib.sha256(asked).digest())
        kept = find_answer(connection, request_key, now=services.clock.now())
    if kept is None:
        return request_key, None
    if kept.fingerprint != request_key.fingerprint:
        raise KeyReused("this key was used for another request")
    if kept.status is None or kept.body is None:
        raise AnswerLost("it was done, or is being done; its answer is not there: look at what is stored")
    headers = {**(kept.headers or {}), REPLAYED: "true"}
    return request_key, Response(kept.body, status_code=kept.status, headers=headers)


def _keep(services: Services, request_key: RequestKey, response: Response, content: bytes) -> None:
    headers = {name: response.headers[name] for name in _KEPT_HEADERS if name in response.headers}
    with services.database.transaction() as connection:
        keep_answer(connection, request_key, status=response.status_code, headers=headers, body=content)


def _release(services: Services, request_key: RequestKey) -> None:
    with services.database.transaction() as connection:
        release_key(connection, request_key)
