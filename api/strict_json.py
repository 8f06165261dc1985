"""Bodies in JSON, read more strictly than Python does: only what PostgreSQL and other readers can read again."""

import json
import math
from collections.abc import Callable, Coroutine
from typing import Any, ClassVar, Final, NoReturn

from fastapi import Request, Response
from fastapi.routing import APIRoute

from domain.errors import Invalid

MAX_BODY_BYTES: Final = 5 * 1024 * 1024  # a boundary of 20,000 vertices with 15 digits each is under 1 MB
MAX_DEPTH: Final = 40  # GeoJSON needs 6
_WITHOUT_BODY: Final = frozenset({"GET", "HEAD", "DELETE", "OPTIONS"})


class UnreadableBody(Invalid):
    """A body that is not JSON, or not JSON that can be kept."""

    code: ClassVar[str] = "request.unreadable_body"


class BodyTooLarge(Invalid):
    """A body over the limit."""

    code: ClassVar[str] = "request.body_too_large"


class _ParsedRequest(Request):
    """A request whose body was read and parsed already."""

    def __init__(self, request: Request, body: bytes, parsed: object) -> None:
        # JSON is all that these routes read, so it is JSON whatever the header says: curl's default is a form's.
        others = [pair for pair in request.scope["headers"] if pair[0] != b"content-type"]
        scope = {**request.scope, "headers": [*others, (b"content-type", b"application/json")]}
        super().__init__(scope, request.receive)
        self._body = body
        self._json = parsed


class StrictRoute(APIRoute):
    """A route that reads its JSON body itself, before the framework, which would lose the reason of a refusal."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The framework's handler behind ours."""
        handler = super().get_route_handler()

        async def handle(request: Request) -> Response:
            if request.method in _WITHOUT_BODY or "multipart/" in request.headers.get("content-type", ""):
                return await handler(request)
            body = await read_body(request)
            parsed = _ParsedRequest(request, body, parse_strict_json(body) if body else None)
            return await self.answer(handler, parsed, body)

        return handle

    async def answer(
        self, handler: Callable[[Request], Coroutine[Any, Any, Response]], request: Request, _body: bytes
    ) -> Response:
        """Answer a request whose body was read; for routes that do more than that."""
        return await handler(request)


async def read_body(request: Request) -> bytes:
    """The whole body.

    Raises:
        BodyTooLarge: it is larger than MAX_BODY_BYTES.
    """
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise BodyTooLarge(f"the body is larger than {MAX_BODY_BYTES} bytes", limit_bytes=MAX_BODY_BYTES)
    return bytes(body)


def parse_strict_json(body: bytes) -> object:
    """Parse JSON that every reader after us can read as well.

    Raises:
        UnreadableBody: not JSON; NaN or Infinity; a number beyond float; NUL or a lone surrogate in a text; deeper
            than MAX_DEPTH.
    """
    try:
        value = json.loads(body, parse_constant=_refuse_constant, parse_float=_parse_finite)
    except (ValueError, RecursionError) as error:
        raise UnreadableBody(f"the body is not JSON that can be read: {error}") from error
    _require_storable(value, depth=0)
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number in JSON")


def _parse_finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text[:20]} is too large a number")
    return value


def _require_storable(value: object, *, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise UnreadableBody(f"the body is nested deeper than {MAX_DEPTH}")
    if isinstance(value, str):
        if "\x00" in value or any("\ud800" <= character <= "\udfff" for character in value):
            raise UnreadableBody("a text holds a NUL character or half of a surrogate pair")
    elif isinstance(value, dict):
        for key, each in value.items():
            _require_storable(key, depth=depth)
            _require_storable(each, depth=depth + 1)
    elif isinstance(value, list):
        for each in value:
            _require_storable(each, depth=depth + 1)
