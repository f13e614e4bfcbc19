"""One mapper from every error to a problem response (RFC 9457). Nothing inside the hub shows through it."""

import logging
from http import HTTPStatus
from typing import Any, cast

from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException
from msgspec import Struct

from hub.errors import InputRefused, RefusalError, TooOften

_log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"


class FieldProblem(Struct, frozen=True):
    """One field that cannot be taken."""

    field: str
    detail: str


class Problem(Struct, frozen=True, omit_defaults=True):
    """The body of every refusal."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[FieldProblem] = []


def to_response(request: Request[Any, Any, Any], error: Exception) -> Response[Problem]:
    """The answer to a request that raised ``error``."""
    headers: dict[str, str] = {}
    if isinstance(error, RefusalError):
        problem = _refusal(error)
        if isinstance(error, TooOften):
            headers["retry-after"] = str(error.retry_after_s)
    elif isinstance(error, HTTPException) and error.status_code < 500:
        problem = _from_framework(error)
        headers.update(error.headers or {})
    else:
        _log.error("%s %s failed", request.method, request.url.path, exc_info=error)
        problem = _problem(500, "internal", "The hub failed", "the hub's log says why")
    return Response(problem, status_code=problem.status, media_type=MEDIA_TYPE, headers=headers)


def _refusal(error: RefusalError) -> Problem:
    faults = error.faults if isinstance(error, InputRefused) else ()
    errors = [FieldProblem(fault.field, fault.detail) for fault in faults]
    return _problem(error.status, error.code, error.title, str(error), errors)


def _from_framework(error: HTTPException) -> Problem:
    """Routing, limits and the types of what was sent; the framework's words carry no secrets."""
    if isinstance(error, ValidationException):
        errors = [FieldProblem(_field(item), str(item.get("message", ""))) for item in _items(error.extra)]
        told = "; ".join(f"{e.field}: {e.detail}" for e in errors) or error.detail
        return _problem(InputRefused.status, InputRefused.code, InputRefused.title, told, errors)
    phrase = HTTPStatus(error.status_code).phrase
    return _problem(error.status_code, phrase.lower().replace(" ", "-"), phrase, error.detail)


def _items(extra: Any) -> list[dict[str, Any]]:
    found = cast("list[Any]", extra) if isinstance(extra, list) else []
    return [item for item in found if isinstance(item, dict)]


def _field(item: dict[str, Any]) -> str:
    key = str(item.get("key") or item.get("source") or "body")
    return "state" if key == "which_state" else key  # "state" is the framework's own word in a signature


def _problem(
    status: int, code: str, title: str, detail: str, errors: list[FieldProblem] | None = None
) -> Problem:
    return Problem(f"urn:saqshy:problem:{code}", title, status, detail, errors or [])
