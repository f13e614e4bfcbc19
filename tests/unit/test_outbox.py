"""The outbox by itself: order, limits, ledger, dead letters, sending again, and a disk that takes nothing."""

import itertools
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec import structs

from edge_agent.errors import OutboxFault
from edge_agent.outbox.envelope import Envelope
from edge_agent.outbox.store import Kept, Outbox, Parcel, Snapshot
from shared.codec import decode, decode_batch
from shared.kinds import Kind, Lane
from shared.messages import MAX_REPORTS, EventReport, Evidence
from tests.wire import TYPICAL

HOUR_US = 3_600_000_000
_numbers = itertools.count(1)


class Clock:
    """A clock that stands still until told."""

    def __init__(self) -> None:
        self.at_us = 1_795_000_000_000_000

    def __call__(self) -> int:
        return self.at_us


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def outbox(tmp_path: Path, clock: Clock) -> Iterator[Outbox]:
    made = Outbox(tmp_path / "outbox.db", now_us=clock, max_rows=1_000)
    yield made
    made.close()


def report(**changes: object) -> EventReport:
    return structs.replace(TYPICAL, event_id=next(_numbers).to_bytes(16, "big"), **changes)


def reports(count: int, lane: Lane = Lane.STANDARD) -> list[tuple[Lane, EventReport]]:
    return [(lane, report()) for _ in range(count)]


def all_parcels(outbox: Outbox) -> list[Parcel]:
    return outbox.form(10_000)


def seqs(parcels: list[Parcel]) -> list[int]:
    return [seq for parcel in parcels for seq, _ in parcel.rows]


def test_the_most_important_goes_first_and_alone(outbox: Outbox) -> None:
    outbox.put([*reports(3, Lane.LOW), *reports(250), *reports(2, Lane.CRITICAL), *reports(2, Lane.SOS)])
    parcels = all_parcels(outbox)
    assert [p.lane for p in parcels] == [Lane.SOS] * 2 + [Lane.CRITICAL] * 2 + [Lane.STANDARD] * 2 + [
        Lane.LOW
    ]
    assert [len(p.rows) for p in parcels[:4]] == [1] * 4
    assert sum(len(p.rows) for p in parcels) == 257
    assert all(len(p.rows) <= MAX_REPORTS for p in parcels)


def test_a_parcel_fits_its_limit_in_bytes(outbox: Outbox) -> None:
    big = {f"number_{i}": float(i) for i in range(8)}
    outbox.put([(Lane.STANDARD, report(reason=big)) for _ in range(400)])
    envelope = Envelope("kosshy", "box-a", outbox.epoch)
    for parcel in all_parcels(outbox):
        assert len(envelope.parcel(parcel).body) <= 32 * 1024


def test_sent_again_a_parcel_is_the_same_bytes(tmp_path: Path, clock: Clock, outbox: Outbox) -> None:
    envelope = Envelope("kosshy", "box-a", outbox.epoch)
    outbox.put(reports(10))
    first = {p.batch_id: envelope.parcel(p) for p in all_parcels(outbox)}
    outbox.put(reports(10))
    outbox.close()
    again = Outbox(tmp_path / "outbox.db", now_us=clock)
    assert {p.batch_id: envelope.parcel(p) for p in again.formed()} == first
    again.close()


def test_a_message_says_what_it_holds(outbox: Outbox) -> None:
    other = report(kind=Kind.INTRUSION, camera="cam-2")
    outbox.put(
        [(Lane.STANDARD, report()), (Lane.STANDARD, other), (Lane.SOS, report(kind=Kind.SOS, zone="gate"))]
    )
    sos, mixed = (Envelope("kosshy", "box-a", outbox.epoch).parcel(p) for p in all_parcels(outbox))
    assert sos.subject == "saqshy.v1.kosshy.box-a.sos.gate"
    assert mixed.subject == "saqshy.v1.kosshy.box-a.evt.std.-.-"
    contents = decode_batch(mixed.body)
    assert contents.epoch == outbox.epoch
    assert [seq for seq, _ in contents.entries] == [1, 2]


def test_a_picture_travels_with_its_report(outbox: Outbox) -> None:
    seen = report()
    outbox.put([(Lane.STANDARD, seen)], [Snapshot(seen.event_id, "cam-1", 17, b"\xff\xd8 jpeg")])
    first, second = all_parcels(outbox)
    message = Envelope("kosshy", "box-a", outbox.epoch).parcel(second)
    picture = decode(Evidence, message.body)
    assert (first.lane, second.lane) == (Lane.STANDARD, Lane.EVIDENCE)
    assert (picture.seq, picture.event_id, picture.jpeg) == (2, seen.event_id, b"\xff\xd8 jpeg")
    assert message.subject == f"saqshy.v1.kosshy.box-a.evidence.{seen.event_id.hex()}"


def test_a_full_outbox_forgets_chatter_and_counts_it(outbox: Outbox) -> None:
    """F11: room for 1,000; 100 alarms and 2,000 of the least important."""
    for _ in range(10):
        outbox.put([*reports(10, Lane.SOS), *reports(200, Lane.LOW)])
    assert outbox.unconfirmed == 1_000
    assert outbox.lost() == dict.fromkeys(Lane, 0) | {Lane.LOW: 1_100}
    parcels = all_parcels(outbox)
    assert sum(p.lane is Lane.SOS for p in parcels) == 100
    kept = [seq for p in parcels if p.lane is Lane.LOW for seq, _ in p.rows]
    assert kept == sorted(kept)
    assert kept[-1] == 2_100, "the oldest go, the newest stay"


def test_only_when_all_else_is_gone_goes_an_alarm(outbox: Outbox) -> None:
    outbox.put(reports(900, Lane.SOS))
    outbox.put([*reports(50, Lane.CRITICAL), *reports(200, Lane.SOS)])
    assert outbox.lost()[Lane.CRITICAL] == 50
    assert outbox.lost()[Lane.SOS] == 100


def test_what_is_left_of_a_parcel_gets_a_new_id(outbox: Outbox) -> None:
    outbox.put(reports(1_000, Lane.LOW))
    before = all_parcels(outbox)
    outbox.put(reports(1, Lane.SOS))
    after = {p.batch_id for p in outbox.formed()}
    assert before[0].batch_id not in after
    assert {p.batch_id for p in before[1:]} <= after
    assert seqs([p for p in all_parcels(outbox) if p.lane is Lane.LOW]) == seqs(before[:1])[1:]


def test_what_is_too_large_is_buried_with_its_reason(outbox: Outbox) -> None:
    outbox.put(reports(2), [Snapshot(bytes(16), "cam-1", 1, bytes(70_000))])
    assert len(all_parcels(outbox)) == 1
    [(seq, lane, reason)] = outbox.dead()
    assert (seq, lane) == (3, Lane.EVIDENCE)
    assert "at most 60000 are sent" in reason
    assert outbox.unconfirmed == 2


def test_a_refused_parcel_is_split_and_what_is_refused_alone_is_buried(outbox: Outbox) -> None:
    outbox.put(reports(3))
    [parcel] = all_parcels(outbox)
    outbox.refused(parcel, "too large")
    singles = all_parcels(outbox)
    assert [len(p.rows) for p in singles] == [1, 1, 1]
    outbox.refused(singles[1], "too large")
    assert outbox.dead() == [(2, Lane.STANDARD, "too large")]
    assert outbox.unconfirmed == 2


def test_what_the_hub_committed_is_kept_until_its_time(outbox: Outbox, clock: Clock) -> None:
    outbox.put(reports(10))
    outbox.sent(all_parcels(outbox))
    assert (outbox.waiting(), outbox.sent_unconfirmed()) == (0, 10)
    assert outbox.reconcile([(1, 7)]) == 0
    assert outbox.sent_unconfirmed() == 3
    clock.at_us += 49 * HOUR_US
    outbox.reconcile([(1, 10)])
    assert outbox.reconcile([]) == 0, "forgotten: too old to be sent again"


def test_a_hub_restored_from_a_backup_gets_its_rows_again(outbox: Outbox) -> None:
    """D4: the ranges shrink; what had been confirmed is sent again under new ids."""
    outbox.put(reports(10))
    before = all_parcels(outbox)
    outbox.sent(before)
    outbox.reconcile([(1, 10)])
    assert outbox.unconfirmed == 0
    assert outbox.reconcile([(1, 3), (6, 6)]) == 6
    again = all_parcels(outbox)
    assert seqs(again) == [4, 5, 7, 8, 9, 10]
    assert {p.batch_id for p in again}.isdisjoint(p.batch_id for p in before)


def test_what_stays_uncommitted_is_sent_again_with_growing_pauses(outbox: Outbox, clock: Clock) -> None:
    outbox.put(reports(1))
    waits_s: list[int] = []
    for _ in range(7):
        outbox.sent(all_parcels(outbox))
        waited_s = 0
        while not outbox.reconcile([]):
            clock.at_us += 1_000_000
            waited_s += 1
        waits_s.append(waited_s)
    assert waits_s == [31, 61, 121, 241, 481, 961, 961]


def test_a_reply_as_long_as_can_be_says_nothing_of_older_rows(tmp_path: Path, clock: Clock) -> None:
    outbox = Outbox(tmp_path / "long.db", now_us=clock)
    outbox.put(reports(8_000))
    outbox.sent(all_parcels(outbox))
    outbox.reconcile([(1, 8_000)])
    newest = [(seq, seq) for seq in range(2_001, 8_000, 2)]
    assert len(newest) == 3_000
    assert outbox.reconcile(newest) == 3_000, "the gaps between and after, nothing before"
    outbox.close()


def test_history_has_its_budget(tmp_path: Path, clock: Clock) -> None:
    outbox = Outbox(tmp_path / "small.db", now_us=clock, kept=Kept(reports=5, pictures=1))
    outbox.put(reports(10), [Snapshot(bytes(16), "cam-1", 1, b"\xff\xd8")] * 3)
    outbox.sent(all_parcels(outbox))
    outbox.reconcile([(1, 13)])
    assert outbox.reconcile([]) == 6
    assert seqs(all_parcels(outbox)) == [6, 7, 8, 9, 10, 13]
    outbox.close()


def test_a_damaged_file_is_set_aside(tmp_path: Path, clock: Clock, outbox: Outbox) -> None:
    epoch = outbox.epoch
    outbox.close()
    (tmp_path / "outbox.db").write_bytes(b"no database at all" * 1_000)
    fresh = Outbox(tmp_path / "outbox.db", now_us=clock)
    assert fresh.epoch != epoch, "a new file numbers anew"
    assert (tmp_path / "outbox.db.damaged").exists()
    fresh.put(reports(1))
    fresh.close()


def test_the_file_is_the_boxs_own(tmp_path: Path, outbox: Outbox) -> None:
    outbox.put(reports(1))
    for path in tmp_path.glob("outbox.db*"):
        assert path.stat().st_mode & 0o077 == 0, path


def test_a_full_disk_keeps_the_newest_in_memory(tmp_path: Path, clock: Clock, outbox: Outbox) -> None:
    """F12. The limit on pages gives the very error that a full disk gives."""
    outbox.put(reports(10))
    pages = outbox._one("pragma page_count")
    outbox._database.execute(f"pragma max_page_count = {pages}")
    for _ in range(15):
        with pytest.raises(OutboxFault, match=r"outbox\.db: database or disk is full; free some space"):
            outbox.put([*reports(5, Lane.SOS), *reports(95)])
    assert outbox.lost()[Lane.STANDARD] == 500
    assert outbox.lost()[Lane.SOS] == 0
    outbox._database.execute("pragma max_page_count = 1000000")
    outbox.flush()
    assert outbox.waiting() == 1_000, "bounded again by the outbox itself"
    assert outbox.lost()[Lane.STANDARD] == 510
    assert sum(p.lane is Lane.SOS for p in all_parcels(outbox)) == 75
    assert sqlite3.connect(tmp_path / "outbox.db").execute("pragma integrity_check").fetchone() == ("ok",)


def test_many_threads_may_put(outbox: Outbox) -> None:
    woken: list[int] = []
    outbox.listen(lambda: woken.append(1))
    threads = [threading.Thread(target=lambda: [outbox.put(reports(2)) for _ in range(20)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seqs(all_parcels(outbox)) == list(range(1, 161))
    assert len(woken) == 80
