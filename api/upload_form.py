"""The multipart form of an upload, read as it streams in: the file goes to the media store, never whole into memory."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import ClassVar, Final

from fastapi import Request
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect
from streaming_form_data import StreamingFormDataParser
from streaming_form_data.parser import ParseFailedException
from streaming_form_data.targets import BaseTarget

from domain.errors import Invalid
from storage.media_store import MediaStore, MediaTooLarge, StagedFile, Staging

MAX_CAPTURE_BYTES: Final = 16 * 1024
_FORM_OVERHEAD_BYTES: Final = MAX_CAPTURE_BYTES + 8 * 1024  # boundaries, headers of parts, other short fields


class MalformedForm(Invalid):
    """The body is not a multipart form that ends where it should."""

    code: ClassVar[str] = "upload.malformed_form"


class MissingFile(Invalid):
    """The form has no part called `file`."""

    code: ClassVar[str] = "upload.missing_file"


class CaptureTooLarge(Invalid):
    """A part beside the file, such as `capture`, is longer than it can be."""

    code: ClassVar[str] = "upload.capture_too_large"


@dataclass(frozen=True, slots=True)
class UploadForm:
    """A form that came whole.

    Attributes:
        file: staged; whoever keeps it takes it out of the staging.
        fields: the bytes of the parts beside it that were asked for, by name; one that did not come is left out.
    """

    file: StagedFile
    fields: Mapping[str, bytes]

    @property
    def capture(self) -> bytes | None:
        """The bytes of the `capture` part; None where there is none."""
        return self.fields.get("capture")


class _FileTarget(BaseTarget):  # type: ignore[misc] # the library has no types
    """Writes the part into the staging; a second part of the same name is refused."""

    def __init__(self, staging: Staging) -> None:
        super().__init__()
        self._staging = staging
        self.finished = False
        self.parts = 0

    def on_start(self) -> None:
        self.parts += 1
        if self.parts > 1:
            raise MalformedForm("the form has more than one `file`")

    def on_data_received(self, chunk: bytes) -> None:
        self._staging.write(chunk)

    def on_finish(self) -> None:
        self.finished = True


class _FieldTarget(BaseTarget):  # type: ignore[misc] # the library has no types
    """Keeps a short part in memory."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name
        self.value: bytes | None = None

    def on_start(self) -> None:
        if self.value is not None:
            raise MalformedForm(f"the form has more than one `{self._name}`")
        self.value = b""

    def on_data_received(self, chunk: bytes) -> None:
        self.value = (self.value or b"") + chunk
        if len(self.value) > MAX_CAPTURE_BYTES:
            raise CaptureTooLarge(f"`{self._name}` is longer than {MAX_CAPTURE_BYTES} bytes")


@asynccontextmanager
async def receive_form(
    request: Request,
    store: MediaStore,
    *,
    max_bytes: int,
    fields: Sequence[str] = ("capture",),
    needs_file: bool = True,
) -> AsyncIterator[UploadForm]:
    """Receive the form; what is not kept inside the block is thrown away after it.

    Args:
        request: with a multipart body.
        store: where the file is staged.
        max_bytes: of the file. [B]
        fields: the short parts that are kept; others are skipped.
        needs_file: whether the form must have a `file`; without one, it is empty where none came.

    Raises:
        MediaTooLarge: the file is larger.
        MalformedForm: the body is no such form, or was cut off.
        MissingFile: it has no `file`.
        CaptureTooLarge: a short part is too long.
        StoreFull: there is no room.
    """
    length = request.headers.get("content-length", "0")
    if length.isdigit() and int(length) > max_bytes + _FORM_OVERHEAD_BYTES:
        raise MediaTooLarge(f"the file is larger than {max_bytes} bytes", limit_bytes=max_bytes)
    staging = await run_in_threadpool(store.stage, max_bytes=max_bytes)
    try:
        received = await _parse(request, staging, fields, needs_file=needs_file)
        staged = await run_in_threadpool(staging.finish)
        yield UploadForm(staged, received)
    finally:
        await run_in_threadpool(staging.discard)


async def _parse(request: Request, staging: Staging, fields: Sequence[str], *, needs_file: bool) -> dict[str, bytes]:
    file, targets = _FileTarget(staging), {name: _FieldTarget(name) for name in fields}
    try:
        parser = StreamingFormDataParser(headers={"Content-Type": request.headers.get("content-type", "")})
        parser.register("file", file)
        for name, target in targets.items():
            parser.register(name, target)
        received = 0
        async for chunk in request.stream():
            received += len(chunk)
            await run_in_threadpool(parser.data_received, chunk)
    except (ParseFailedException, ValueError, KeyError) as error:
        raise MalformedForm("the body is not a multipart form that can be read") from error
    except ClientDisconnect as error:
        raise MalformedForm("the upload was cut off") from error
    if not file.parts and needs_file:
        raise MissingFile("the form has no part called `file`")
    if file.parts and not file.finished:
        raise MalformedForm("the upload was cut off")
    return {name: target.value for name, target in targets.items() if target.value is not None}
