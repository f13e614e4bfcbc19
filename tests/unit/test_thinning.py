"""A box gone wild: what is thinned, what never is, and a ledger that is exact."""

from pathlib import Path

from msgspec import structs

from edge_agent.outbox.store import Outbox, Snapshot
from edge_agent.outbox.thinning import Thinning
from shared.kinds import Lane
from shared.messages import EventReport, Phase
from tests.wire import TYPICAL

S_US = 1_000_000
START_US = 1_795_000_000_000_000


def report(number: int, phase: Phase = Phase.BEGIN) -> EventReport:
    return structs.replace(TYPICAL, event_id=number.to_bytes(16), phase=phase)


def passed(thinning: Thinning, count: int, at_us: int, lane: Lane = Lane.STANDARD, first: int = 0) -> int:
    return sum(thinning.may_pass(lane, report(first + n), at_us) for n in range(count))


def test_a_burst_passes_and_then_so_many_a_second() -> None:
    thinning = Thinning(most_per_s=10, burst=50)
    assert passed(thinning, 80, START_US) == 50
    assert passed(thinning, 80, START_US + 2 * S_US, first=100) == 20
    assert passed(thinning, 80, START_US + 3600 * S_US, first=200) == 50


def test_alarms_are_never_thinned() -> None:
    thinning = Thinning(most_per_s=1, burst=1)
    for lane in (Lane.SOS, Lane.CRITICAL):
        assert passed(thinning, 500, START_US, lane) == 500


def test_an_end_goes_the_way_of_its_beginning() -> None:
    thinning = Thinning(most_per_s=1, burst=1)
    assert [thinning.may_pass(Lane.STANDARD, report(n), START_US) for n in (1, 2)] == [True, False]
    later_us = START_US + 60 * S_US
    assert thinning.may_pass(Lane.STANDARD, report(1, Phase.END), later_us)
    assert not thinning.may_pass(Lane.STANDARD, report(2, Phase.UPDATE), later_us)
    assert not thinning.may_pass(Lane.STANDARD, report(2, Phase.END), later_us)


def test_a_clock_that_is_set_back_gives_nothing_and_takes_nothing() -> None:
    thinning = Thinning(most_per_s=10, burst=10)
    assert passed(thinning, 20, START_US) == 10
    assert passed(thinning, 20, START_US - 3600 * S_US, first=100) == 0
    assert passed(thinning, 20, START_US - 3599 * S_US, first=200) == 10


def test_the_ledger_is_exact_and_outlives_a_restart(tmp_path: Path) -> None:
    at_us = START_US
    outbox = Outbox(tmp_path / "outbox.db", now_us=lambda: at_us, thinning=Thinning(most_per_s=10, burst=50))
    for number in range(0, 300, 3):
        some = [
            (Lane.LOW, report(number)),
            (Lane.STANDARD, report(number + 1)),
            (Lane.SOS, report(number + 2)),
        ]
        outbox.put(some, [Snapshot(report(number).event_id, "cam-1", at_us, b"\xff\xd8")])
    kept = [parcel.lane for parcel in outbox.form(10_000) for _ in parcel.rows]
    counts = {lane: kept.count(lane) for lane in Lane}
    assert counts[Lane.SOS] == 100
    assert counts[Lane.LOW] + counts[Lane.STANDARD] == 50
    assert counts[Lane.EVIDENCE] == counts[Lane.LOW], "a picture goes with its report"
    lost = outbox.lost()
    assert lost == {**dict.fromkeys(Lane, 0), **{n: 100 - counts[n] for n in (Lane.LOW, Lane.STANDARD)}}
    outbox.close()
    again = Outbox(tmp_path / "outbox.db", now_us=lambda: at_us)
    assert again.lost() == lost
    again.close()
