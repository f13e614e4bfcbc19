"""The box's side of its enrolment: it shows who it is, and takes what the hub grants it, once."""

import asyncio
import hashlib
import logging
from http import HTTPStatus
from importlib.metadata import version
from pathlib import Path

import msgspec

from edge_agent.errors import SettingsRefused
from edge_agent.link.credentials import Credentials, Grant, open_key, read_credentials, write_grant
from edge_agent.provisioning.announcing import Announcement
from edge_agent.provisioning.endpoint import Answer, Endpoint, Request
from edge_agent.provisioning.wire import CARD_PATH, GRANT_PATH, Card, Fault, Kept, SetupState, grant_fault
from edge_agent.settings import Settings
from shared.nkey import fingerprint

_log = logging.getLogger(__name__)

_SERIALS = (Path("/proc/device-tree/serial-number"), Path("/sys/class/dmi/id/product_serial"))


class SetupMode:
    """Shows the box to technicians as long as the context lasts, enrolled or not::

    async with SetupMode(settings) as setup:
        credentials = await setup.credentials()
    """

    def __init__(self, settings: Settings) -> None:
        """Raises ``SettingsRefused`` when what lies in the credentials folder cannot be used."""
        self._settings = settings
        self._folder = settings.state_dir / "credentials"
        self._key = open_key(self._folder)
        self._credentials = self._read()
        self._enrolled = asyncio.Event()
        self._endpoint = Endpoint(self._key, self._answer)
        self._announcement: Announcement | None = None

    async def __aenter__(self) -> "SetupMode":
        box = self._settings.box
        port = await self._endpoint.start(box.setup_host, box.setup_port)
        self._announcement = Announcement(box.id, self._key.public, box.setup_host, port)
        await self._announcement.start(self._state)
        print_of_key = fingerprint(self._key.public)
        _log.info(
            "set-up of box %s: %s:%d, key %s, %s", box.id, box.setup_host, port, print_of_key, self._state
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._endpoint.stop()
        if self._announcement:
            await self._announcement.stop()

    async def credentials(self) -> Credentials:
        """What the box signs in with; waits until a technician has enrolled it."""
        if self._credentials is None:
            await self._enrolled.wait()
        assert self._credentials
        assert self._announcement
        await self._announcement.say(self._state)
        return self._credentials

    @property
    def _state(self) -> SetupState:
        return SetupState.OK if self._credentials else SetupState.NEW

    def _read(self) -> Credentials | None:
        found = read_credentials(self._folder, self._settings.box.id)
        if found and (fault := self._fault(found.grant)):
            raise SettingsRefused(
                self._folder / "grant.json",
                fault,
                "delete this file and enrol the box again, or correct box.toml",
            )
        return found

    def _fault(self, grant: Grant) -> str | None:
        box = self._settings.box
        if box.site not in (None, grant.site):
            return f"site: the box belongs to site {box.site!r}, not {grant.site!r}"
        return grant_fault(grant, box.id, self._key.public)

    def _answer(self, request: Request) -> Answer:
        match request.method, request.path:
            case "GET", path if path == CARD_PATH:
                return Answer(HTTPStatus.OK, self._card())
            case "POST", path if path == GRANT_PATH:
                return self._take(request.body)
        return Answer(HTTPStatus.NOT_FOUND, Fault(f"only GET {CARD_PATH} and POST {GRANT_PATH} are answered"))

    def _card(self) -> Card:
        box = self._settings.box
        return Card(box.id, box.site, serial_number(), self._key.public, self._state, version("saqshy"))

    def _take(self, body: bytes) -> Answer:
        if self._credentials is not None:
            way_out = f"to enrol it anew, delete {self._folder / 'grant.json'} on the box and start it again"
            return Answer(HTTPStatus.CONFLICT, Fault(f"this box is enrolled already; {way_out}"))
        try:
            grant = msgspec.json.decode(body, type=Grant)
        except ValueError as error:
            return Answer(HTTPStatus.UNPROCESSABLE_ENTITY, Fault(str(error)[:400]))
        if fault := self._fault(grant):
            return Answer(HTTPStatus.UNPROCESSABLE_ENTITY, Fault(fault[:400]))
        try:
            write_grant(self._folder, grant)
        except OSError as error:
            return Answer(HTTPStatus.INSUFFICIENT_STORAGE, Fault(f"cannot be stored: {error.strerror}"))
        self._credentials = Credentials(self._settings.box.id, self._key, grant)
        self._enrolled.set()
        _log.info("enrolled at site %s, hub %s", grant.site, grant.hub_fingerprint)
        return Answer(HTTPStatus.OK, Kept(hashlib.sha256(body).hexdigest()))


def serial_number() -> str:
    """The number on the hardware's label, as far as the hardware tells it."""
    for path in _SERIALS:
        try:
            text = path.read_text("ascii").strip("\0 \n")
        except (OSError, UnicodeDecodeError):
            continue
        if text and text.isprintable():
            return text[:64]
    return "none"
