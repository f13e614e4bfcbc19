"""A mailbox for one: the newest thing only; what it drops is counted. The producer never waits."""

import threading
from typing import Generic, TypeVar

T = TypeVar("T")


class Mailbox(Generic[T]):
    """Between one producer's thread and one consumer's."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._item: T | None = None
        self._is_closed = False
        self.dropped = 0
        """How many things were replaced by a newer one before anybody took them."""

    def put(self, item: T) -> None:
        """Leave ``item``; an older one that nobody took is dropped."""
        with self._changed:
            if self._item is not None:
                self.dropped += 1
            self._item = item
            self._changed.notify()

    def take(self, timeout_s: float) -> T | None:
        """The newest thing, as soon as there is one; None after ``timeout_s`` or once the box is closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._item is not None or self._is_closed, timeout_s)
            item, self._item = self._item, None
            return item

    def close(self) -> None:
        """Wake the consumer for good: nothing comes any more."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()

    @property
    def is_closed(self) -> bool:
        return self._is_closed
