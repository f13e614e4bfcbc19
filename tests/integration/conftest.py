"""One hub for all tests that only ask it things."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from edge_agent.sources.decoders import DecoderServer
from edge_agent.sources.feed import CameraFeed
from hub.domain.access import Role
from tests.fakes.hub import RunningHub


@pytest.fixture(scope="session")
def shared_hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHub]:
    """A hub with one user of each role, named like the role."""
    folder: Path = tmp_path_factory.mktemp("hub")
    with RunningHub(folder) as hub:
        for role in Role:
            hub.add_user(role, role)
        yield hub


@pytest.fixture(scope="module")
def server() -> Iterator[DecoderServer]:
    """Starts decoder processes."""
    server = DecoderServer()
    server.start()
    yield server
    server.close()


@pytest.fixture
def keep() -> Iterator[Callable[[CameraFeed], CameraFeed]]:
    """Starts a feed; it is stopped after the test."""
    feeds: list[CameraFeed] = []

    def keep(feed: CameraFeed) -> CameraFeed:
        feeds.append(feed)
        feed.start()
        return feed

    yield keep
    for feed in feeds:
        feed.stop()
