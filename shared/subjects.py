"""The bus's subjects, built and parsed here and nowhere else.

``saqshy.v1.<site>.<box>.`` and then one of::

    evt.<lane>.<kind>.<camera>     a batch of reports; '-' where it holds several kinds or cameras, or none
    sos.<button>                   a press of a button
    evidence.<event>               a redacted picture
    health                         a heartbeat
    sync                           "what have you committed?", answered on the box's own inbox
    cmd.<verb>                     from the hub to the box
    answer.<request>               what the box says to a command
    live.<camera>                  a redacted picture while somebody looks
"""

from typing import NamedTuple

from shared.identity import check_identity
from shared.kinds import Lane

ROOT = "saqshy.v1"
SEVERAL = "-"

ALL_EVENTS = f"{ROOT}.*.*.evt.>"
ALL_SOS = f"{ROOT}.*.*.sos.*"
ALL_EVIDENCE = f"{ROOT}.*.*.evidence.*"
ALL_HEALTH = f"{ROOT}.*.*.health"
ALL_SYNC = f"{ROOT}.*.*.sync"
ALL_ANSWERS = f"{ROOT}.*.*.answer.*"
ALL_LIVE = f"{ROOT}.*.*.live.*"


class Address(NamedTuple):
    """Which box a subject belongs to, and what follows."""

    site: str
    box: str
    topic: str
    """``evt``, ``sos``, ``evidence``, ``health``, ``sync``, ``cmd``, ``answer`` or ``live``."""
    rest: tuple[str, ...]


def prefix(site: str, box: str) -> str:
    """Everything that a box may publish begins so."""
    return f"{ROOT}.{check_identity(site, 'site')}.{check_identity(box, 'box')}"


def events(site: str, box: str, lane: Lane, kind: str | None, camera: str | None) -> str:
    """Subject of a batch; ``None`` where it holds several kinds or cameras."""
    return f"{prefix(site, box)}.evt.{lane}.{kind or SEVERAL}.{camera or SEVERAL}"


def sos(site: str, box: str, button: str) -> str:
    return f"{prefix(site, box)}.sos.{check_identity(button, 'button')}"


def evidence(site: str, box: str, event_id: bytes) -> str:
    return f"{prefix(site, box)}.evidence.{event_id.hex()}"


def health(site: str, box: str) -> str:
    return f"{prefix(site, box)}.health"


def sync(site: str, box: str) -> str:
    return f"{prefix(site, box)}.sync"


def command(site: str, box: str, verb: str) -> str:
    return f"{prefix(site, box)}.cmd.{check_identity(verb, 'verb')}"


def answer(site: str, box: str, request_id: bytes) -> str:
    return f"{prefix(site, box)}.answer.{request_id.hex()}"


def live(site: str, box: str, camera: str) -> str:
    return f"{prefix(site, box)}.live.{check_identity(camera, 'camera')}"


def inbox_prefix(box: str) -> str:
    """A box's own inbox: with the common one, any client could read all replies."""
    return f"_INBOX_{check_identity(box, 'box')}"


def parse(subject: str) -> Address:
    """Take a subject apart or raise ``ValueError`` that says which part is wrong."""
    tokens = subject.split(".")
    if len(tokens) < 5 or ".".join(tokens[:2]) != ROOT:
        raise ValueError(f"subject: {subject[:120]!r} does not begin with {ROOT}.<site>.<box>.<topic>")
    site, box, topic = tokens[2:5]
    return Address(check_identity(site, "site"), check_identity(box, "box"), topic, tuple(tokens[5:]))
