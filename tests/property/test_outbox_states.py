"""Whatever happens in whatever order, each row waits, is sent, confirmed, dead or in the ledger."""

import itertools
import tempfile
from collections import Counter
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from msgspec import structs

from edge_agent.outbox.store import LANES, Outbox, Parcel, Snapshot
from shared.kinds import Lane
from shared.messages import MAX_REPORTS
from tests.wire import TYPICAL

MAX_ROWS = 30
_numbers = itertools.count(1)


class OutboxMachine(RuleBasedStateMachine):
    """A box, its link and its hub, reduced to what the outbox sees of them."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.now_us = 1_795_000_000_000_000
        self.put_rows: Counter[Lane] = Counter()
        self.flying: dict[bytes, Parcel] = {}
        self.seen: dict[bytes, tuple[int, ...]] = {}
        self.committed: set[int] = set()
        self.open()

    def open(self) -> None:
        path = Path(self.folder.name) / "outbox.db"
        self.outbox = Outbox(path, now_us=lambda: self.now_us, max_rows=MAX_ROWS)

    def teardown(self) -> None:
        self.outbox.close()
        self.folder.cleanup()

    @rule(lanes=st.lists(st.sampled_from(LANES), min_size=1, max_size=12))
    def put(self, lanes: list[Lane]) -> None:
        reports = [
            (lane, structs.replace(TYPICAL, event_id=next(_numbers).to_bytes(16, "big")))
            for lane in lanes
            if lane is not Lane.EVIDENCE
        ]
        pictures = [Snapshot(bytes(16), "cam-1", 1, b"\xff\xd8")] * lanes.count(Lane.EVIDENCE)
        self.outbox.put(reports, pictures)
        self.put_rows.update(lanes)

    @rule(count=st.integers(1, 4), up_to=st.sampled_from(LANES))
    def form(self, count: int, up_to: Lane) -> None:
        self.launch(self.outbox.form(count, up_to=up_to))

    def launch(self, parcels: list[Parcel]) -> None:
        for parcel in parcels:
            rows = tuple(seq for seq, _ in parcel.rows)
            assert self.seen.setdefault(parcel.batch_id, rows) == rows, "an id never stands for other rows"
            alone = parcel.lane in (Lane.SOS, Lane.CRITICAL, Lane.EVIDENCE)
            assert 1 <= len(rows) <= (1 if alone else MAX_REPORTS)
            self.flying[parcel.batch_id] = parcel

    @rule()
    def the_bus_stores_all(self) -> None:
        self.outbox.sent(self.flying.values())
        self.flying.clear()

    @rule()
    def the_link_breaks(self) -> None:
        self.flying.clear()
        self.launch(self.outbox.formed())

    @rule()
    def the_bus_refuses_one(self) -> None:
        if self.flying:
            _, parcel = self.flying.popitem()
            self.outbox.refused(parcel, "too large")

    @rule(upto=st.integers(0, 60), holes=st.sets(st.integers(1, 60)), later_s=st.integers(0, 2_000))
    def the_hub_answers(self, upto: int, holes: set[int], later_s: int) -> None:
        self.now_us += later_s * 1_000_000
        self.outbox.reconcile(_ranges(set(range(1, upto + 1)) - holes))

    @rule()
    def the_agent_is_killed(self) -> None:
        self.outbox.close()
        self.flying.clear()
        self.open()
        self.launch(self.outbox.formed())

    @invariant()
    def nothing_is_nowhere(self) -> None:
        by_lane: Counter[Lane] = Counter()
        for lane, count in self.outbox._all("select lane, count(*) from entry group by lane"):
            by_lane[LANES[lane]] += count
        by_lane.update(lane for _, lane, _ in self.outbox.dead())
        by_lane.update(self.outbox.lost())
        assert +by_lane == +self.put_rows

    @invariant()
    def it_is_bounded_and_counts_right(self) -> None:
        [(kept,)] = self.outbox._all("select count(*) from entry where state < 2")
        assert self.outbox.unconfirmed == kept

    @invariant()
    def alarms_go_last(self) -> None:
        lost = self.outbox.lost()
        if lost[Lane.SOS]:
            assert self.put_rows[Lane.SOS] > MAX_ROWS


def _ranges(numbers: set[int]) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    for number in sorted(numbers):
        if found and found[-1][1] == number - 1:
            found[-1] = (found[-1][0], number)
        else:
            found.append((number, number))
    return found


OutboxMachine.TestCase.settings = settings(
    max_examples=40, stateful_step_count=25, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
TestOutboxStates = OutboxMachine.TestCase
