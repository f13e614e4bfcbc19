"""One hub for all tests that only ask it things."""

from collections.abc import Iterator
from pathlib import Path

import pytest

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
