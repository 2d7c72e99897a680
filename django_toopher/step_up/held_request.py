"""A request that waits for its approval: its body, as it was sent.

It is held by the browser, in the page that asks for the approval, signed and for a few minutes; the page posts it back
together with the approval. So nothing that people typed, passwords least of all, lies in our database or has to be
purged from it; two tabs can't overwrite each other's; reloading the page sends the form again and asks anew; and a form
that is never approved is gone with its tab. What comes back is carried out only when its digest is the one that was
written down when the approval was asked for (``Attempt.request_digest``, SECURITY.md S13).

The price is that body and page must fit into one form: ``DATA_UPLOAD_MAX_MEMORY_SIZE`` (Django's default: 2.5 MB). What
is larger, files mostly, is refused with a page that says so.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from io import BytesIO
from typing import Any

from django.conf import settings
from django.core import signing
from django.core.exceptions import RequestDataTooBig
from django.core.files.uploadedfile import InMemoryUploadedFile, TemporaryUploadedFile
from django.http import HttpRequest, QueryDict
from django.utils.datastructures import MultiValueDict
from django.utils.encoding import force_bytes

from ..errors import TooLargeRequestError

MULTIPART = "multipart/form-data"

_SALT = "django_toopher.step_up.held_request"
_ROOM = 20_000
"""Bytes of the form that are left for everything else in it."""


@dataclass(frozen=True)
class HeldFile:
    """One uploaded file.

    ``content`` is base64; ``extra``, the parameters of the content type, is bytes as Latin-1. ``temporary``: it lay on
    the disk, where the view may look for it.
    """

    field: str
    name: str
    content_type: str
    extra: dict[str, str]
    content: str
    temporary: bool


@dataclass(frozen=True)
class Held:
    """A body: as bytes (base64), or, of a form with files, which Django has read by then, as fields and files."""

    content_type: str = ""
    content_length: str = ""
    body: str = ""
    fields: list[list[Any]] = field(default_factory=list)
    files: list[HeldFile] = field(default_factory=list)

    @property
    def is_multipart(self) -> bool:
        """Whether it is a form that can have files."""
        return self.content_type.partition(";")[0].strip().lower() == MULTIPART

    def canonical(self) -> str:
        """The same text for the same content; a client may draw another boundary when it repeats a form."""
        kind = MULTIPART if self.is_multipart else self.content_type
        # JSON, in which nothing can be shifted from one field into the next (S13)
        return json.dumps([kind, self.body, self.fields, [asdict(file) for file in self.files]])


def hold(request: HttpRequest) -> Held:
    """The body of ``request``, which the view can still read afterwards. Raises ``TooLargeRequestError``."""
    if request.method in {"GET", "HEAD"}:
        return Held()
    sent = {
        "content_type": request.META.get("CONTENT_TYPE", ""),
        "content_length": request.META.get("CONTENT_LENGTH", ""),
    }
    if request.method == "POST" and request.content_type == MULTIPART:
        fields = [[name, values] for name, values in request.POST.lists()]
        return Held(**sent, fields=fields, files=[*_held_files(request)])
    try:
        return Held(**sent, body=b64encode(request.body).decode())
    except RequestDataTooBig as exc:
        raise TooLargeRequestError from exc


def _held_files(request: HttpRequest) -> Iterator[HeldFile]:
    files: list[tuple[str, list[Any]]] = [*request.FILES.lists()]
    limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    if limit is not None and sum(each.size or 0 for _name, several in files for each in several) > limit:
        raise TooLargeRequestError  # before any is read
    for name, several in files:
        for each in several:
            each.seek(0)
            content = b64encode(each.read()).decode()
            each.seek(0)
            extra = {
                key: force_bytes(value).decode("latin-1") for key, value in (each.content_type_extra or {}).items()
            }
            temporary = isinstance(each, TemporaryUploadedFile)
            yield HeldFile(name, each.name, each.content_type or "", extra, content, temporary)


def restore(request: Any, held: Held) -> None:
    """Give ``request`` the held body in place of its own: content type, ``body``, ``POST`` and ``FILES``."""
    request.META["CONTENT_TYPE"] = held.content_type
    request.META["CONTENT_LENGTH"] = held.content_length
    for read in ("_post", "_files", "_body", "headers"):  # what was read of the other body
        request.__dict__.pop(read, None)
    request._encoding = None
    # before _post is set: a charset in the content type deletes it (HttpRequest.encoding)
    request._set_content_type_params(request.META)
    request._read_started = True
    if held.is_multipart:
        request._post, request._files = _fields(held), _files(held)
    else:  # as Django leaves it when the body was read once
        request._body = b64decode(held.body)
        request._stream = BytesIO(request._body)


def _fields(held: Held) -> QueryDict:
    fields = QueryDict(mutable=True)
    for name, values in held.fields:
        fields.setlist(name, values)
    fields._mutable = False
    return fields


def _files(held: Held) -> MultiValueDict[str, Any]:
    files: MultiValueDict[str, Any] = MultiValueDict()
    for file in held.files:
        files.appendlist(file.field, _uploaded(file))
    return files


def _uploaded(file: HeldFile) -> Any:
    content = b64decode(file.content)
    extra = {key: value.encode("latin-1") for key, value in file.extra.items()}
    charset: Any = extra.get("charset")
    if not file.temporary:
        stream = BytesIO(content)
        return InMemoryUploadedFile(stream, file.field, file.name, file.content_type, len(content), charset, extra)
    uploaded = TemporaryUploadedFile(file.name, file.content_type, len(content), charset, extra)
    uploaded.write(content)
    uploaded.seek(0)
    return uploaded


def pack(held: Held, **beside: str) -> str:
    """``held`` and a few texts, signed, for a field of the page. Raises ``TooLargeRequestError``."""
    packed = signing.dumps({"held": asdict(held), **beside}, salt=_SALT, compress=True)
    limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    if limit is not None and len(packed) > limit - _ROOM:
        raise TooLargeRequestError
    return packed


def unpack(packed: str, max_age: int) -> tuple[Held, dict[str, str]]:
    """What was packed at most ``max_age`` seconds ago. Raises ``django.core.signing.BadSignature``."""
    beside = signing.loads(packed, salt=_SALT, max_age=max_age)
    held = beside.pop("held")
    return Held(**{**held, "files": [HeldFile(**file) for file in held["files"]]}), beside
