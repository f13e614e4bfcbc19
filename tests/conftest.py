"""What all tests share: where the real clips and models lie."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of real clips and models; tests that need it skip where it is missing."""
    folder = Path(os.environ.get("SAQSHY_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no clips and models at {folder}; set SAQSHY_DATA to their folder")
    return folder
