"""The built console. All its files are read at start, so no request ever names a path on the disk."""

import hashlib
import mimetypes
from pathlib import Path
from typing import Any, NamedTuple

from litestar import Request, Response, get
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.params import FromPath

from hub.api.guards import OPEN
from hub.errors import NotFound

DIST = Path(__file__).parent.parent / "console" / "dist"
_NOT_BUILT = (
    b"<!doctype html><title>Saqshy</title><p>The console is not built. Run <code>just console</code> in a "
    b"checkout, or install the wheel."
)
_KEPT = "public, max-age=31536000, immutable"
_ASKED_ANEW = "no-cache"
_TYPES = {".js": "text/javascript", ".mjs": "text/javascript", ".webmanifest": "application/manifest+json"}


class File(NamedTuple):
    """A file as it is served."""

    body: bytes
    media_type: str
    etag: str
    cache_control: str


class Console:
    """The files by their path in the address."""

    def __init__(self, dist: Path = DIST) -> None:
        paths = [path for path in dist.rglob("*") if path.is_file()] if dist.is_dir() else []
        self._files = {path.relative_to(dist).as_posix(): _read(path, dist) for path in paths}
        self._files.setdefault("index.html", _file(_NOT_BUILT, ".html", _ASKED_ANEW))

    def find(self, path: str) -> File:
        """The file under ``path``; the root is ``index.html``. Raises ``NotFound``."""
        found = self._files.get(path.lstrip("/") or "index.html")
        if found is None:
            raise NotFound("there is no such page")
        return found


def _read(path: Path, dist: Path) -> File:
    # The build puts a hash of the content into the names under assets/, so those never change.
    is_hashed = path.relative_to(dist).parts[0] == "assets"
    return _file(path.read_bytes(), path.suffix, _KEPT if is_hashed else _ASKED_ANEW)


def _file(body: bytes, suffix: str, cache_control: str) -> File:
    kind = _TYPES.get(suffix) or mimetypes.types_map.get(suffix, "application/octet-stream")
    if kind.startswith("text/"):
        kind += "; charset=utf-8"
    return File(body, kind, f'"{hashlib.sha256(body).hexdigest()[:32]}"', cache_control)


@get(["/", "/{path:path}"], roles=OPEN, include_in_schema=False)
async def page(
    request: Request[Any, Any, State], console: NamedDependency[Console], path: FromPath[str] = ""
) -> Response[bytes]:
    """A file of the console."""
    file = console.find(path)
    headers = {"etag": file.etag, "cache-control": file.cache_control}
    if request.headers.get("if-none-match") == file.etag:
        return Response(b"", status_code=304, headers=headers)
    return Response(file.body, media_type=file.media_type, headers=headers)


ROUTES = [page]
