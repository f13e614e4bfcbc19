"""What can go wrong on a box, as a small tree. The message of each is one line for people.

    EdgeError
      Refused          bad input: the file or field, what is wrong with it, and the way out
        SettingsRefused    box.toml
        SourceRefused      a camera's address
        ModelRefused       a model file or its manifest
        StatesRefused      a file of taught states, or the pictures to teach from
      SourceFailed     a camera that should work does not at the moment; trying again is right
      OutboxFault      the disk takes nothing: full, read-only or broken
      EnrolmentFailed  a box could not be found or enrolled
      LinkFailed       the bus does not answer, or not in time; trying again with the same ids is right
        LinkDenied       the bus refuses this box; a person must act
        HubBusy          the bus cannot store at the moment; the rows wait
        MessageRefused   the bus will never take this message
      DownloadFailed   a model cannot be fetched at the moment

A command ends with exit code 2 on ``Refused`` and 1 on any other ``EdgeError``.
"""

from enum import StrEnum
from pathlib import Path


class EdgeError(Exception):
    """Something on the box does not work."""


class Refused(EdgeError):
    """Input that can never work as it is: ``where`` is wrong because of ``reason``; ``way_out`` helps."""

    def __init__(self, where: str | Path, reason: str, way_out: str) -> None:
        super().__init__(f"{where}: {reason}; {way_out}")
        self.where = str(where)
        self.reason = reason
        self.way_out = way_out


class SettingsRefused(Refused):
    """The box's configuration file cannot be used."""


class SourceRefused(Refused):
    """A camera's address is not one that a box may open."""


class ModelRefused(Refused):
    """A model file cannot be used."""


class StatesRefused(Refused):
    """States cannot be taught from these pictures, or their file cannot be used."""


class DownloadFailed(EdgeError):
    """A file could not be fetched: nobody answers, or not what was asked for; trying again may help."""


class SourceFault(StrEnum):
    """Why a camera gives no pictures; also the metric's label."""

    UNREACHABLE = "unreachable"
    """Nobody answers, or the connection broke."""
    SILENT = "silent"
    """Connected, but no picture within the time-out."""
    REFUSED = "refused"
    """The camera said no: credentials, or a path that it does not know."""
    REDIRECTED = "redirected"
    """The camera sends us to another host, where we never go."""
    NO_VIDEO = "no_video"
    """The stream has no picture, or one in a form that cannot be decoded."""
    ENDED = "ended"
    """The stream came to its end."""
    CRASHED = "crashed"
    """The decoder process died."""
    HUNG = "hung"
    """The decoder process stopped answering and was killed."""


class SourceFailed(EdgeError):
    """A camera gives no pictures: ``fault`` says why, the text says more (never an address with secrets)."""

    def __init__(self, fault: SourceFault, detail: str) -> None:
        super().__init__(f"{fault}: {detail}")
        self.fault = fault
        self.detail = detail


class OutboxFault(EdgeError):
    """The disk under the outbox takes nothing; what was to be stored waits in memory."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}; free some space or replace the disk")


class LinkFailed(EdgeError):
    """The bus does not answer, or what was sent may or may not have arrived."""


class LinkDenied(LinkFailed):
    """The bus refuses this box, or something that it did."""


class HubBusy(LinkFailed):
    """The bus is there but cannot store now."""


class MessageRefused(LinkFailed):
    """The bus will never take this message."""


class EnrolmentFailed(EdgeError):
    """A box could not be enrolled: ``what`` happened, ``way_out`` helps."""

    def __init__(self, what: str, way_out: str) -> None:
        super().__init__(f"{what}; {way_out}")
