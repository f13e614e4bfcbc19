"""Camera addresses: the one place where text becomes something that may be opened.

A box opens ``rtsp:`` and ``rtsps:`` addresses, and clips below one folder. Nothing else ever: no other
protocol, no path elsewhere, no option hidden in an address. User names and passwords are taken out of all
that is shown.
"""

import ipaddress
import re
from pathlib import Path
from typing import NamedTuple
from urllib.parse import SplitResult, urlsplit

from edge_agent.errors import SourceRefused

_MAX_CHARS = 1024
_PLAIN = re.compile(r"[!-\[\]-~]+\Z")
"""Printable ASCII without white space and backslash."""
_ENCODED_CONTROL = re.compile(r"%(0[0-9a-f]|1[0-9a-f]|7f)", re.IGNORECASE)
_NAME = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)(\.(?!-)[a-z0-9-]{1,63}(?<!-))*\.?\Z", re.IGNORECASE)
_NUMERIC = re.compile(r"(0x[0-9a-f]*|[0-9]+)(\.(0x[0-9a-f]*|[0-9]+))*\.?\Z", re.IGNORECASE)
"""What C libraries read as an IPv4 address in one of its old spellings: 2130706433, 0x7f.1, 010.0.0.1."""
_DEFAULT_PORT = {"rtsp": 554, "rtsps": 322}
_BUS_PORT = 4222

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address


class RtspAddress(NamedTuple):
    """A camera on the network. ``url`` may hold a password; ``str()`` and ``repr()`` never show it."""

    scheme: str
    host: str
    port: int
    url: str

    @property
    def shown(self) -> str:
        """The address without user name, password and query."""
        path = urlsplit(self.url).path
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}{path}"

    def at(self, ip: IpAddress) -> str:
        """The URL with the host's name replaced by the number that was looked up and judged."""
        parts = urlsplit(self.url)
        userinfo, found, _ = parts.netloc.rpartition("@")
        host = f"[{ip}]" if ip.version == 6 else str(ip)
        return parts._replace(netloc=f"{userinfo}{found}{host}:{self.port}").geturl()

    def __repr__(self) -> str:
        return f"RtspAddress({self.shown})"

    __str__ = __repr__


class FileAddress(NamedTuple):
    """A clip that exists, symbolic links followed."""

    path: Path

    @property
    def shown(self) -> str:
        return f"file:{self.path}"


Address = RtspAddress | FileAddress


def parse_address(text: str, clips_dir: Path, field: str = "url") -> Address:
    """Judge an address, or raise ``SourceRefused`` that names ``field`` and never repeats a secret."""
    scheme = text.partition(":")[0].lower()
    if scheme == "file":
        return _parse_file(text, clips_dir, field)
    if scheme in _DEFAULT_PORT:
        return _parse_rtsp(text, scheme, field)
    raise SourceRefused(
        field, "is not a camera address", "use rtsp://host/path, rtsps://host/path or file:clip.mp4"
    )


def _parse_file(text: str, clips_dir: Path, field: str) -> FileAddress:
    name = text.partition(":")[2]
    if name.startswith("//"):
        if not name.startswith("///"):
            raise SourceRefused(field, "names a host in a file: address", "write file:clip.mp4")
        name = name[2:]
    if not name or len(name) > _MAX_CHARS or "\0" in name or ".." in Path(name).parts:
        raise SourceRefused(field, "is not a plain path", f"write file: and a path below {clips_dir}")
    root = clips_dir.resolve()
    path = (root / name).resolve()
    if not path.is_relative_to(root):
        raise SourceRefused(field, f"leads out of the folder of clips, {root}", "move the clip there")
    if not path.is_file():
        raise SourceRefused(field, f"there is no file {path}", "check the name")
    return FileAddress(path)


def _parse_rtsp(text: str, scheme: str, field: str) -> RtspAddress:
    if len(text) > _MAX_CHARS or not _PLAIN.match(text):
        raise SourceRefused(
            field,
            "holds spaces, control characters, backslashes or letters beyond ASCII",
            "percent-encode them",
        )
    if _ENCODED_CONTROL.search(text):
        raise SourceRefused(field, "holds an encoded control character", "take it out")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise SourceRefused(field, "has a host or port that cannot be read", _RTSP_WAY_OUT) from None
    host = _checked_host(parts, field)
    port = _DEFAULT_PORT[scheme] if port is None else port
    if port in (0, _BUS_PORT):
        raise SourceRefused(field, f"port {port} is no camera's", "give the camera's RTSP port, mostly 554")
    return RtspAddress(scheme, host, port, text)


_RTSP_WAY_OUT = "write rtsp://host:554/path"


def _checked_host(parts: SplitResult, field: str) -> str:
    host = parts.hostname or ""
    if parts.fragment or parts.netloc.count("@") > 1:
        raise SourceRefused(field, "has a second @ or a #", "percent-encode them in the password")
    if not host:
        raise SourceRefused(field, "names no host", _RTSP_WAY_OUT)
    ip = _ip_of(host)
    if ip is not None:
        check_ip(ip, field)
    elif "[" in parts.netloc or _NUMERIC.match(host) or not _NAME.match(host):
        raise SourceRefused(field, "names a host in a spelling that is not taken", _RTSP_WAY_OUT)
    return host


def _ip_of(host: str) -> IpAddress | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def check_ip(ip: IpAddress, field: str) -> None:
    """Raise ``SourceRefused`` for numbers at which no camera stands: also after each look-up of a name."""
    if ip == ipaddress.IPv6Address("::1"):
        return
    is_wrapped = ip.version == 6 and bool(ip.ipv4_mapped or ip.sixtofour or ip.teredo or ip.scope_id)
    if is_wrapped or ip.is_link_local or ip.is_multicast or ip.is_unspecified or ip.is_reserved:
        raise SourceRefused(field, f"no camera may stand at {ip}", "give the camera its own address")
