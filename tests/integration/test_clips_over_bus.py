"""Clips and live views over the real bus: from a box's vault to a signed-in operator, and to nobody else."""

import asyncio
import io
import random
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import av
import httpx
import numpy as np
import pytest

from edge_agent.clips import ClipKeeper, Sealing
from edge_agent.commands import Commands, LiveViews
from edge_agent.domain.detection import Detections, Frame, Track
from edge_agent.evidence.vault import Clip, Limits, Vault
from edge_agent.link.credentials import Credentials, Grant
from edge_agent.link.nats import NatsLink
from edge_agent.outbox.store import Outbox
from edge_agent.sources.address import parse_address
from edge_agent.sources.clip_pipe import ClipTerms
from edge_agent.sources.decoders import DecoderServer
from edge_agent.sources.feed import CameraFeed
from hub.domain.access import Role
from shared.kinds import ObjectClass
from shared.messages import ClipLoss
from shared.nkey import KeyKind, fingerprint, make_key
from shared.sealed import Form, recipient_id
from tests.fakes.clips import write_clip
from tests.fakes.hub import RunningHub
from tests.integration.test_clip_keeper import Watcher, recorded
from tests.reports import event_id, report

BOX, SITE = "box-clips", "kosshy"
KEY = make_key(KeyKind.USER, bytes([9]) * 32)


class RunningBox:
    """The parts of a box that answer commands, on a link of its own, in a thread of its own."""

    def __init__(self, hub: RunningHub, folder: Path) -> None:
        self.credentials = enrolled(hub)
        self.server = DecoderServer()
        vault = Vault(folder / "vault", Limits(1 << 30, 30, 0), lambda: time.time_ns() // 1000)
        self.keeper = ClipKeeper(vault, self.server)
        key = self.credentials.evidence_key
        assert key
        self.keeper.seal_for(Sealing(BOX, KEY, {recipient_id(key): key}))
        self.live = LiveViews(["cam-clips", "cam-two"], 1)
        self.outbox = Outbox(folder / "outbox.db", now_us=lambda: 1)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._serving: asyncio.Task[None] | None = None

    def connect(self) -> None:
        commands = Commands(SITE, BOX, KEY.unsealing_key(), self.keeper, self.live, self.outbox, 4 << 20)
        up = threading.Event()

        async def serve() -> None:
            link = NatsLink(self.credentials)
            await link.open()
            up.set()
            try:
                await commands.serve(link)
            finally:
                await link.close()

        async def begin() -> None:
            self._serving = self._loop.create_task(serve())

        asyncio.run_coroutine_threadsafe(begin(), self._loop).result(10)
        assert up.wait(10)

    def disconnect(self) -> None:
        """End the link, and wait until it has ended."""
        serving, self._serving = self._serving, None
        if serving:
            self._loop.call_soon_threadsafe(serving.cancel)
            wait = asyncio.run_coroutine_threadsafe(asyncio.wait([serving]), self._loop)
            wait.result(10)

    def close(self) -> None:
        self.disconnect()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()
        self.keeper.close()
        self.server.close()
        self.outbox.close()


def enrolled(hub: RunningHub) -> Credentials:
    wanted = {
        "box": BOX, "site": SITE, "nkey_public": KEY.public, "serial": "1",
        "fingerprint": fingerprint(KEY.public),
    }  # fmt: skip
    with hub.client(Role.TECHNICIAN) as client:
        answer = client.post("/api/v1/devices", json=wanted)
        assert answer.status_code == 201, answer.text
    return Credentials(BOX, KEY, Grant(**answer.json()))


@pytest.fixture
def box(shared_hub: RunningHub, tmp_path: Path) -> Iterator[RunningBox]:
    box = RunningBox(shared_hub, tmp_path)
    yield box
    box.close()


_numbers = iter(range(7_000, 8_000))


def with_clip(box: RunningBox, hub: RunningHub, tmp_path: Path) -> tuple[str, Clip]:
    """An event that the hub knows, with its clip in the box's vault."""
    number = next(_numbers)
    clip = write_clip(tmp_path / "a.mp4", seconds=20, fps=10, size=(320, 180), gop_s=1, moves=lambda _: True)
    terms = ClipTerms(1.5, 1.0, 4 << 20)
    feed = CameraFeed(
        "cam-clips", parse_address(f"file:{clip.name}", tmp_path), 5, box.server, random.random, terms
    )
    feed.start()
    try:
        watcher = Watcher(feed, box.keeper)
        event = event_id(number)
        watcher.tell(watcher.see(10), int.from_bytes(event, "big"))
        found = recorded(watcher, int.from_bytes(event, "big"))
    finally:
        feed.stop()
    hub.report(report(number, camera="cam-clips"), box=BOX)
    return event.hex(), found


def until(client: httpx.Client, path: str, done: Callable[[Any], bool], limit_s: float = 40) -> Any:
    deadline_s = time.monotonic() + limit_s
    while True:
        answer = client.get(path)
        if answer.status_code == 200 and done(answer.json()):
            return answer.json()
        assert time.monotonic() < deadline_s, answer.text
        time.sleep(0.1)


def is_over(progress: Any) -> bool:
    return progress["state"] in ("here", "failed")


def test_an_operator_gets_the_redacted_clip_and_only_a_supervisor_the_original(
    shared_hub: RunningHub, box: RunningBox, tmp_path: Path
) -> None:
    event, _ = with_clip(box, shared_hub, tmp_path)
    path = f"/api/v1/events/{event}/clip"
    box.connect()
    with shared_hub.client(Role.OPERATOR) as client:
        assert client.post(path, json={"form": "original"}).status_code == 403
        assert client.get(f"{path}.mp4?form=original").status_code == 403
        assert client.get(f"{path}.mp4").status_code == 404
        assert client.post(path, json={}).status_code == 202
        progress = until(client, path, is_over)
        assert progress["state"] == "here", progress
        video = client.get(f"{path}.mp4")
        incident = shared_hub.call(incident_of(shared_hub, event))
        lines = client.get(f"/api/v1/incidents/{incident}").json()["timeline"]
    with av.open(io.BytesIO(video.content)) as made:
        assert sum(1 for _ in made.decode(video=0)) >= 20
    wishes = [line for line in lines if line["what"] == "clip_redacted_asked"]
    assert {line["actor"] for line in wishes} == {Role.OPERATOR}
    with shared_hub.client(Role.SUPERVISOR) as client:
        assert client.post(path, json={"form": "original"}).status_code == 202
        assert until(client, f"{path}?form=original", is_over)["state"] == "here"
        original = client.get(f"{path}.mp4?form=original")
    assert original.status_code == 200
    kept = list((shared_hub.desk.parts.evidence_dir / "clips").rglob(f"{event}-*.clip"))
    assert {path.read_bytes()[:4] for path in kept} == {b"EVS1"}
    assert original.content != video.content


async def incident_of(hub: RunningHub, event: str) -> str:
    source = await hub.desk.clips._source(event)
    return source.incident_id


def test_a_link_that_breaks_costs_nothing_that_has_come(
    shared_hub: RunningHub, box: RunningBox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge_agent.commands.MAX_PART_BYTES", 1_000)
    event, clip = with_clip(box, shared_hub, tmp_path)
    path = f"/api/v1/events/{event}/clip"
    box.connect()
    with shared_hub.client(Role.SUPERVISOR) as client:
        client.post(path, json={"form": "original"})
        half = until(client, f"{path}?form=original", lambda p: p["have_bytes"] > 3_000 or is_over(p))
        box.disconnect()
        assert half["state"] == "sending", "the clip was there before the link could break"
        monkeypatch.setattr("edge_agent.commands.MAX_PART_BYTES", 49_152)
        box.connect()
        done = until(client, f"{path}?form=original", is_over)
    assert (done["state"], done["have_bytes"]) == ("here", clip.manifest.sealed_bytes)


@pytest.mark.parametrize("harm", ["flip", "cut", "swap", "manifest"])
def test_what_was_changed_on_the_box_is_refused(
    shared_hub: RunningHub, box: RunningBox, tmp_path: Path, harm: str
) -> None:
    event, clip = with_clip(box, shared_hub, tmp_path)
    body = bytearray(clip.path.read_bytes())
    if harm == "flip":
        body[len(body) // 2] ^= 1
        clip.path.write_bytes(body)
    elif harm == "cut":
        clip.path.write_bytes(body[: len(body) // 2])
    elif harm == "swap":
        number = next(_numbers)
        event = event_id(number).hex()
        shared_hub.report(report(number, camera="cam-clips"), box=BOX)
        box.keeper.vault._of_event[event, Form.ORIGINAL] = clip
    else:
        signed = clip.signed.replace(b"cam-clips", b"cam-other")
        box.keeper.vault._of_event[event, Form.ORIGINAL] = clip._replace(signed=signed)
    box.connect()
    path = f"/api/v1/events/{event}/clip?form=original"
    with shared_hub.client(Role.SUPERVISOR) as client:
        client.post(f"/api/v1/events/{event}/clip", json={"form": "original"})
        progress = until(client, path, is_over)
        assert progress["state"] == "failed"
        assert progress["cause"] == "altered"
        said = {
            "flip": "not what its manifest names", "cut": "another part",
            "swap": "another clip", "manifest": "not signed",
        }  # fmt: skip
        assert said[harm] in progress["detail"]
        assert client.get(f"/api/v1/events/{event}/clip.mp4?form=original").status_code == 404


def test_a_clip_that_was_dropped_says_why(shared_hub: RunningHub, box: RunningBox) -> None:
    number = next(_numbers)
    shared_hub.report(report(number, camera="cam-clips"), box=BOX)
    event = event_id(number).hex()
    box.keeper.vault.note_dropped(event, Form.ORIGINAL, ClipLoss.VAULT_FULL)
    box.connect()
    with shared_hub.client(Role.OPERATOR) as client:
        client.post(f"/api/v1/events/{event}/clip", json={})
        progress = until(client, f"/api/v1/events/{event}/clip", is_over)
    assert (progress["state"], progress["cause"]) == ("failed", "vault_full")
    assert progress["detail"] == f"box {BOX}: the vault was full"


class Street:
    """Frames of a camera, shown to the live view as its watch would."""

    def __init__(self, box: RunningBox, camera: str) -> None:
        self._box, self._camera = box, camera
        self._stop = threading.Event()
        self._shown = threading.Semaphore(0)
        self._thread = threading.Thread(target=self._run, daemon=True)

    def show(self, frames: int) -> None:
        """Wait until so many more were shown."""
        while self._shown.acquire(blocking=False):
            pass
        for _ in range(frames):
            assert self._shown.acquire(timeout=10)

    def __enter__(self) -> "Street":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        feed: Any = type("Feed", (), {"camera": self._camera})()
        chance = np.random.default_rng(1)
        i420 = chance.integers(0, 256, (270, 320), np.uint8)
        box = np.array([100, 40, 140, 170], np.float32)
        while not self._stop.wait(0.1):
            at_us = time.time_ns() // 1000
            track = Track(1, ObjectClass.PERSON, box, 0.9, at_us, at_us, 9, (0, 0), at_us)
            frame = Frame(self._camera, 0, at_us, i420, 320, 180, is_key=True)
            self._box.live.saw(feed, frame, [track], Detections.empty())
            self._shown.release()


def test_a_live_view_lasts_as_long_as_somebody_looks(shared_hub: RunningHub, box: RunningBox) -> None:
    for camera in ("cam-clips", "cam-two"):
        shared_hub.report(report(next(_numbers), camera=camera), box=BOX)
    box.connect()
    with Street(box, "cam-clips") as street, shared_hub.client(Role.OPERATOR) as client:
        street.show(5)
        assert box.live.encoded == 0, "nobody looks, yet something was encoded"
        first = client.get("/api/v1/cameras/cam-clips/live.jpg")
        assert first.status_code == 200, first.text
        after = int(first.headers["x-taken-at-us"])
        second = client.get(f"/api/v1/cameras/cam-clips/live.jpg?after={after}")
        assert int(second.headers["x-taken-at-us"]) > after
        assert second.content.startswith(b"\xff\xd8\xff")
        refused = client.get("/api/v1/cameras/cam-two/live.jpg")
        assert refused.status_code == 503
        assert refused.json()["type"].endswith(":views-full")
        box.live._leases.clear()  # the lease runs out
        street.show(2)
        encoded = box.live.encoded
        street.show(10)
        assert box.live.encoded == encoded
        assert client.get("/api/v1/cameras/no-such/live.jpg").status_code == 404
    with shared_hub.client(Role.TECHNICIAN) as client:
        assert client.get("/api/v1/cameras/cam-clips/live.jpg").status_code == 403
