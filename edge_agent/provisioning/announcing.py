"""Making a box findable: DNS-SD over multicast. A hint for people, never a proof of anything."""

import ipaddress
import logging
import socket

from zeroconf import Error as ZeroconfError
from zeroconf import InterfaceChoice
from zeroconf.asyncio import AsyncServiceInfo, AsyncZeroconf

from edge_agent.provisioning.wire import API, SERVICE, SetupState
from shared.nkey import fingerprint

_log = logging.getLogger(__name__)


class Announcement:
    """Where multicast does not work the box is still reached by its address; the log says so once."""

    def __init__(self, box: str, nkey_public: str, host: str, port: int) -> None:
        self._box = box
        self._fingerprint = fingerprint(nkey_public)
        self._host = host
        self._port = port
        self._zeroconf: AsyncZeroconf | None = None
        self._name = f"{box}.{SERVICE}"

    async def start(self, state: SetupState) -> None:
        """Announce the box."""
        everywhere = ipaddress.ip_address(self._host).is_unspecified
        try:
            self._zeroconf = AsyncZeroconf(interfaces=InterfaceChoice.All if everywhere else [self._host])
            info = self._info(state)
            # Two boxes of one name are both shown: which one is meant, their fingerprints tell.
            registered = await self._zeroconf.async_register_service(info, allow_name_change=True)
            self._name = info.name
            await registered
        except (OSError, ZeroconfError) as error:
            _log.warning("the box cannot be discovered (%s); give its address to `saqshy field enrol`", error)

    async def say(self, state: SetupState) -> None:
        """Announce a new state."""
        if self._zeroconf:
            await (await self._zeroconf.async_update_service(self._info(state)))

    async def stop(self) -> None:
        """Say good-bye."""
        if self._zeroconf:
            await self._zeroconf.async_unregister_all_services()
            await self._zeroconf.async_close()

    def _info(self, state: SetupState) -> AsyncServiceInfo:
        return AsyncServiceInfo(
            SERVICE,
            self._name,
            addresses=[socket.inet_aton(address) for address in self._addresses()],
            port=self._port,
            server=self._name,
            properties={
                "txtvers": "1",
                "id": self._box,
                "api": API,
                "fp": self._fingerprint,
                "st": str(state),
            },
        )

    def _addresses(self) -> list[str]:
        if not ipaddress.ip_address(self._host).is_unspecified:
            return [self._host]
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                probe.connect(("192.0.2.1", 9))  # sends nothing; asks which of our addresses would be used
                return [probe.getsockname()[0]]
            except OSError:
                return ["127.0.0.1"]
