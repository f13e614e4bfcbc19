"""Incidents through the API, and the live stream: nothing missed, nothing twice."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from hub.domain.access import Role
from hub.services.feed import MAX_STREAMS_OF_SESSION
from shared.kinds import Kind
from tests import reports
from tests.fakes.hub import RunningHub

API = "/api/v1"


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[RunningHub]:
    with RunningHub(tmp_path) as hub:
        hub.add_user("omar", Role.OPERATOR)
        hub.add_user("tech", Role.TECHNICIAN)
        yield hub


def far_apart(number: int) -> Any:
    """A report so far from the others that it opens an incident of its own."""
    return reports.report(number, east_m=number * 400.0, camera=f"cam-{number}", zone=f"zone-{number}")


class Stream:
    """What a page receives."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines = lines
        self.ids: list[int] = []

    def next(self, kind: str) -> dict[str, Any]:
        """The next message of a kind; changes on the way are noted in ``ids``."""
        fields: dict[str, str] = {}
        for line in self._lines:
            if line:
                name, _, value = line.partition(": ")
                fields[name] = value
                continue
            if fields.get("id"):
                self.ids.append(int(fields["id"]))
            if fields.get("event") == kind:
                return json.loads(fields["data"])
            fields = {}
        raise EOFError("the stream ended")


@contextmanager
def follow(client: httpx.Client, query: str = "", **headers: str) -> Iterator[Stream]:
    with client.stream("GET", f"{API}/stream{query}", headers=headers) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        stream = Stream(answer.iter_lines())
        stream.next("beat")
        yield stream


def test_an_incident_from_its_arrival_to_its_end(hub: RunningHub) -> None:
    with hub.client("omar") as client:
        with follow(client, "?after=0") as stream:
            hub.report(reports.report(1, kind=Kind.INTRUSION))
            arrived = stream.next("incident")
        assert arrived["kind"] == "intrusion"
        assert arrived["state"] == "new"
        assert arrived["reason"] == {"dwell_s": 2.0, "limit_s": 1.5}
        assert arrived["opened_at"].endswith("Z")
        queue = client.get(f"{API}/incidents?state=open").json()
        assert queue["incidents"] == [arrived]
        assert queue["change_seq"] == arrived["change_seq"]
        path = f"{API}/incidents/{arrived['id']}"
        assert client.get(path).json()["allowed"] == ["acknowledge", "resolve", "verdict", "note"]
        assert client.post(f"{path}/close").status_code == 409
        taken = client.post(f"{path}/acknowledge", json={"note": "екіпаж жолда"}).json()
        assert (taken["state"], taken["acknowledged_by"]) == ("acknowledged", "omar")
        assert taken["timeline"][-1]["detail"]["text"] == "екіпаж жолда"
        seq = taken["change_seq"]
        assert client.post(f"{path}/acknowledge").json()["change_seq"] == seq, "asked again, nothing changes"
        assert client.post(f"{path}/verdict", json={"verdict": "confirmed"}).json()["verdict"] == "confirmed"
        assert client.post(f"{path}/resolve", json={}).json()["resolved_by"] == "omar"
        closed = client.post(f"{path}/close", json={"note": "<img onerror=alert(1)>"}).json()
        assert (closed["state"], closed["allowed"]) == ("closed", ["reopen", "note"])
        assert client.get(f"{API}/incidents?state=open").json()["incidents"] == []
        assert len(client.get(f"{API}/incidents?state=closed").json()["incidents"]) == 1
        again = client.post(f"{path}/reopen").json()
        assert (again["state"], again["closed_at"], again["resolved_by"]) == ("acknowledged", None, None)
        events = again["events"]
        assert [(event["phase"], event["camera"], event["score"]) for event in events] == [
            ("begin", "cam-1", 0.8)
        ]
    with hub.client("tech") as client:
        assert client.get(path).json()["allowed"] == []


def test_the_queue_pages_and_filters(hub: RunningHub) -> None:
    hub.report(*[far_apart(number) for number in range(1, 8)])
    with hub.client("omar") as client:
        first = client.get(f"{API}/incidents?limit=4").json()["incidents"]
        rest = client.get(f"{API}/incidents?limit=4&before={first[-1]['number']}").json()["incidents"]
        assert [one["number"] for one in first + rest] == [7, 6, 5, 4, 3, 2, 1]
        assert client.get(f"{API}/incidents?kind=sos").json()["incidents"] == []


def test_a_stream_resumes_without_a_gap_and_without_a_repetition(hub: RunningHub) -> None:
    seen: list[int] = []
    with hub.client("omar") as client:
        for part in range(4):
            resume = {"last-event-id": str(seen[-1])} if seen else {}
            with follow(client, "?after=0", **resume) as stream:
                while len(stream.ids) < 5:
                    if len(stream.ids) % 2 == 0:
                        hub.report(
                            far_apart(part * 10 + len(stream.ids)), far_apart(part * 10 + len(stream.ids) + 5)
                        )
                    stream.next("incident")
            hub.report(far_apart(100 + part))
            seen += stream.ids
        with follow(client, f"?after={seen[-1]}") as stream:
            newest = client.get(f"{API}/incidents?limit=1").json()["change_seq"]
            while not stream.ids or stream.ids[-1] < newest:
                stream.next("incident")
            seen += stream.ids
    assert seen == list(range(1, newest + 1))


def test_changes_in_a_storm_arrive_in_order_at_every_page(hub: RunningHub) -> None:
    count = 120
    pages: list[list[int]] = []

    def watch() -> None:
        with hub.client("omar") as client, follow(client, "?after=0") as stream:
            while not stream.ids or stream.ids[-1] < count:
                stream.next("incident")
            pages.append(stream.ids)

    watchers = [threading.Thread(target=watch) for _ in range(4)]
    for watcher in watchers:
        watcher.start()
    for number in range(count):
        hub.report(far_apart(number))
    for watcher in watchers:
        watcher.join(30)
    assert pages == [list(range(1, count + 1))] * 4


def test_a_page_that_is_ahead_of_a_restored_hub_is_told_to_load_anew(hub: RunningHub) -> None:
    hub.report(far_apart(1))
    with hub.client("omar") as client, follow(client, "?after=999") as stream:
        assert stream.next("reset") == {}
        hub.report(far_apart(2))
        stream.next("incident")
        assert stream.ids == [2]


def test_a_disabled_users_stream_ends_by_itself(hub: RunningHub) -> None:
    user_id = hub.add_user("leaver", Role.OPERATOR)
    hub.add_user("boss", Role.ADMIN)
    with hub.client("leaver") as client, follow(client) as stream, hub.client("boss") as boss:
        assert boss.patch(f"{API}/users/{user_id}", json={"disabled": True}).status_code == 200
        with pytest.raises(EOFError):
            stream.next("incident")


def test_one_session_cannot_open_streams_without_end(hub: RunningHub) -> None:
    with hub.client("omar") as client:
        open_ones = []
        for _ in range(MAX_STREAMS_OF_SESSION):
            context = client.stream("GET", f"{API}/stream")
            answer = context.__enter__()
            stream = Stream(answer.iter_lines())
            stream.next("beat")
            open_ones.append((context, stream))
        refused = client.get(f"{API}/stream")
        assert refused.status_code == 429
        with hub.client("tech") as other, follow(other):
            pass
        for context, _ in open_ones:
            context.__exit__(None, None, None)


def test_a_page_that_does_not_read_keeps_nobody_waiting_and_the_hub_still_stops(hub: RunningHub) -> None:
    with hub.client("omar") as client:
        cookie = client.cookies["saqshy_session"]
        host, port = "127.0.0.1", hub.ready.port
        stuck = socket.socket()
        stuck.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        stuck.connect((host, port))
        request = (
            f"GET {API}/stream?after=0 HTTP/1.1\r\nhost: {host}\r\ncookie: saqshy_session={cookie}\r\n\r\n"
        )
        stuck.sendall(request.encode())
        with follow(client, "?after=0") as stream:
            for number in range(60):
                hub.report(*[far_apart(number * 50 + n) for n in range(50)])
                while len(stream.ids) < 50 * (number + 1):
                    stream.next("incident")
        assert hub.desk.feed.slow_closed >= 1
        stuck.close()
