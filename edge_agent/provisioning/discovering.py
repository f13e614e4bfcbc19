"""Finding boxes: what they say of themselves over multicast, read with distrust. Nothing is connected to."""

import asyncio
import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from zeroconf import Error as ZeroconfError
from zeroconf import InterfaceChoice, ServiceStateChange, Zeroconf
from zeroconf.asyncio import AsyncServiceBrowser, AsyncServiceInfo, AsyncZeroconf

from edge_agent.errors import EnrolmentFailed
from edge_agent.provisioning.wire import API, SERVICE, SetupState
from shared.identity import check_identity

MAX_ENTRIES = 256
_MAX_TXT_BYTES = 1_300
_MAX_ADDRESSES = 8
_ASK_FOR_MS = 1_500
_FINGERPRINT = re.compile(r"[A-Z2-7]{4}(-[A-Z2-7]{4}){3}\Z")


class Found(NamedTuple):
    """What somebody on this network says. Anybody may say anything: only the key's proof counts."""

    box: str
    state: SetupState
    fingerprint: str
    addresses: Sequence[str]
    port: int

    @property
    def hosts(self) -> list[str]:
        """Where it says it can be reached."""
        return [f"[{a}]:{self.port}" if ":" in a else f"{a}:{self.port}" for a in self.addresses]


class AdvertisementRefused(ValueError):
    """An advertisement that no box of ours would make; the text says what is wrong."""


def read_advertisement(
    properties: Mapping[bytes, bytes | None], addresses: Sequence[str], port: int
) -> Found:
    """Read the TXT entries of a service, all of which may be hostile. Raises ``AdvertisementRefused``."""
    if sum(len(k) + len(v or b"") for k, v in properties.items()) > _MAX_TXT_BYTES:
        raise AdvertisementRefused("its TXT record is too long")
    texts = {name: _text(properties, name) for name in ("txtvers", "id", "api", "fp", "st")}
    if texts["txtvers"] != "1" or texts["api"] != API:
        raise AdvertisementRefused("it speaks another version")
    try:
        box = check_identity(texts["id"], "id")
        state = SetupState(texts["st"])
    except ValueError as error:
        raise AdvertisementRefused(str(error)[:200]) from error
    if not _FINGERPRINT.match(texts["fp"]):
        raise AdvertisementRefused("fp: not a fingerprint")
    if not 1 <= port <= 65_535 or not addresses:
        raise AdvertisementRefused("it has no address")
    return Found(box, state, texts["fp"], tuple(addresses[:_MAX_ADDRESSES]), port)


def _text(properties: Mapping[bytes, bytes | None], name: str) -> str:
    """A value as ASCII; what is missing or no ASCII becomes empty, which nothing accepts."""
    value = properties.get(name.encode()) or b""
    return value.decode("ascii") if value.isascii() and len(value) <= 255 else ""


class Discovery:
    """What was found and what was refused so far; at most ``MAX_ENTRIES`` services are looked at."""

    def __init__(self) -> None:
        self.found: dict[str, Found] = {}
        self.refused: dict[str, str] = {}
        self._names: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self, seconds: float) -> None:
        """Listen for ``seconds``. Raises ``EnrolmentFailed`` where multicast cannot be used."""
        try:
            zeroconf = AsyncZeroconf(interfaces=InterfaceChoice.All)
        except (OSError, ZeroconfError) as error:
            raise EnrolmentFailed(
                f"this machine cannot discover boxes ({error})", "give --host HOST:PORT"
            ) from error
        try:
            browser = AsyncServiceBrowser(zeroconf.zeroconf, [SERVICE], handlers=[self._changed])
            await asyncio.sleep(seconds)
            await browser.async_cancel()
        finally:
            for task in self._tasks:
                task.cancel()
            await zeroconf.async_close()

    def _changed(
        self, zeroconf: Zeroconf, service_type: str, name: str, state_change: ServiceStateChange
    ) -> None:
        if state_change is ServiceStateChange.Removed:
            self.found.pop(name, None)
            self.refused.pop(name, None)
            return
        if name not in self._names and len(self._names) >= MAX_ENTRIES:
            return
        self._names.add(name)
        task = asyncio.get_running_loop().create_task(self._look(zeroconf, service_type, name))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _look(self, zeroconf: Zeroconf, service_type: str, name: str) -> None:
        info = AsyncServiceInfo(service_type, name)
        if not await info.async_request(zeroconf, _ASK_FOR_MS):
            return
        try:
            self.found[name] = read_advertisement(info.properties, info.parsed_addresses(), info.port or 0)
            self.refused.pop(name, None)
        except AdvertisementRefused as error:
            self.found.pop(name, None)
            self.refused[name] = str(error)
