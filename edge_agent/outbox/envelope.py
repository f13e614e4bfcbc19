"""From rows to messages: the subject and the bytes of a parcel."""

from typing import NamedTuple

from msgspec import structs

from edge_agent.outbox.store import Parcel
from shared import subjects
from shared.codec import decode, encode
from shared.kinds import Lane
from shared.messages import VERSION, Batch, EventReport, Evidence, Health, SyncRequest

_BUTTON = "button"


class Message(NamedTuple):
    """What goes over the link."""

    subject: str
    body: bytes


class Envelope(NamedTuple):
    """The sender: which box of which site, and which outbox numbered the rows."""

    site: str
    box: str
    epoch: bytes

    def parcel(self, parcel: Parcel) -> Message:
        """The same parcel always becomes the same bytes."""
        if parcel.lane is Lane.EVIDENCE:
            seq, body = parcel.rows[0]
            picture = structs.replace(decode(Evidence, body), seq=seq)
            return Message(subjects.evidence(self.site, self.box, picture.event_id), encode(picture))
        entries = [(seq, decode(EventReport, body)) for seq, body in parcel.rows]
        batch = Batch(VERSION, parcel.batch_id, self.epoch, entries)
        return Message(self._subject(parcel.lane, [report for _, report in entries]), encode(batch))

    def sync_request(self) -> Message:
        return Message(subjects.sync(self.site, self.box), encode(SyncRequest(VERSION, self.epoch)))

    def health(self, health: Health) -> Message:
        return Message(subjects.health(self.site, self.box), encode(health))

    def _subject(self, lane: Lane, reports: list[EventReport]) -> str:
        if lane is Lane.SOS:
            return subjects.sos(self.site, self.box, reports[0].zone or _BUTTON)
        kinds = {report.kind.slug for report in reports}
        cameras = {report.camera for report in reports}
        kind = kinds.pop() if len(kinds) == 1 else None
        camera = cameras.pop() if len(cameras) == 1 else None
        return subjects.events(self.site, self.box, lane, kind, camera)
