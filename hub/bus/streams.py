"""The hub's two streams. They are queues: the database is the truth, and a box keeps what it sent."""

# pyright: reportUnknownMemberType=false
# nats-py leaves its keyword arguments untyped.

from nats.aio.client import Client
from nats.js.api import DiscardPolicy, RetentionPolicy, StorageType, StreamConfig
from nats.js.errors import NotFoundError

from shared.subjects import ALL_EVENTS, ALL_EVIDENCE, ALL_SOS

EVENTS = "EVT"
EVIDENCE = "EVID"

MAX_AGE_S = 7 * 86_400
MAX_MESSAGE_BYTES = 65_536
_DUPLICATE_WINDOW_S = 120


def _stream(name: str, subjects: list[str], max_bytes: int) -> StreamConfig:
    """``discard`` is *old*: a full queue must never refuse a new alarm. What falls out unread is sent again
    by its box, since the hub has not committed it."""
    return StreamConfig(
        name=name,
        subjects=subjects,
        storage=StorageType.FILE,
        retention=RetentionPolicy.LIMITS,
        discard=DiscardPolicy.OLD,
        max_age=MAX_AGE_S,
        max_bytes=max_bytes,
        max_msg_size=MAX_MESSAGE_BYTES,
        duplicate_window=_DUPLICATE_WINDOW_S,
    )


STREAMS = (
    _stream(EVENTS, [ALL_EVENTS, ALL_SOS], 2 * 1024**3),
    _stream(EVIDENCE, [ALL_EVIDENCE], 4 * 1024**3),
)


async def make_streams(client: Client) -> None:
    """Create the streams, or bring those that exist to what is written here."""
    jetstream = client.jetstream()
    for config in STREAMS:
        assert config.name
        try:
            await jetstream.stream_info(config.name)
        except NotFoundError:
            await jetstream.add_stream(config)
        else:
            await jetstream.update_stream(config)
