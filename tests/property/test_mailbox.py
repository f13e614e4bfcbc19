"""The mailbox: the newest thing, once, and every other one counted."""

import threading

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from edge_agent.mailbox import Mailbox


class OneThread(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.box: Mailbox[int] = Mailbox()
        self.put_count = 0
        self.taken: list[int] = []
        self.waiting: int | None = None

    @rule()
    def put(self) -> None:
        self.put_count += 1
        self.box.put(self.put_count)
        self.waiting = self.put_count

    @rule()
    def take(self) -> None:
        item = self.box.take(0)
        assert item == self.waiting
        if item is not None:
            self.taken.append(item)
        self.waiting = None

    @invariant()
    def nothing_vanishes(self) -> None:
        assert self.put_count == len(self.taken) + self.box.dropped + (self.waiting is not None)
        assert self.taken == sorted(set(self.taken))


TestOneThread = OneThread.TestCase


@given(st.integers(1, 2_000))
def test_between_two_threads_each_thing_is_taken_or_counted(count: int) -> None:
    box: Mailbox[int] = Mailbox()
    taken: list[int] = []

    def consume() -> None:
        while (item := box.take(10)) is not None:
            taken.append(item)

    consumer = threading.Thread(target=consume)
    consumer.start()
    for number in range(count):
        box.put(number)
    box.close()
    consumer.join()
    assert len(taken) + box.dropped == count
    assert taken == sorted(set(taken))
    assert taken[-1] == count - 1


def test_closing_wakes_whoever_waits() -> None:
    box: Mailbox[int] = Mailbox()
    threading.Timer(0.01, box.close).start()
    assert box.take(60) is None
    assert box.is_closed
