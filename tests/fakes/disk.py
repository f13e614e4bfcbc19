"""A disk whose plug can be pulled.

The store lies on an ext4 image behind a loop device. What the kernel has not written yet is not in the
image's file, so a copy of that file, taken while the writer is stopped, is what a disk would hold after the
power went. Needs root.
"""

import os
import subprocess
from pathlib import Path

import pytest

_SIZE_MB = 128


class Disk:
    """``folder`` is the mounted file system; see ``cut`` and ``power_on``."""

    def __init__(self, work: Path) -> None:
        self._image, self._copy = work / "disk.img", work / "disk.copy"
        self.folder = work / "disk"
        self.folder.mkdir()
        if os.geteuid() != 0:
            pytest.skip("mounting a loop image needs root")
        _run("truncate", "-s", f"{_SIZE_MB}M", self._image)
        _run("mkfs.ext4", "-q", "-E", "lazy_itable_init=0,lazy_journal_init=0", self._image)
        try:
            self._mount(self._image)
        except subprocess.CalledProcessError as error:
            pytest.skip(f"this machine cannot mount loop images: {error.stderr.decode().strip()}")
        os.sync()

    def cut(self) -> None:
        """Keep what is on the disk at this moment. The writer must be stopped (SIGSTOP)."""
        _run("cp", "--sparse=always", self._image, self._copy)

    def power_on(self) -> None:
        """Put the disk as it was at ``cut`` in place. The writer must be dead."""
        _run("umount", self.folder)
        self._mount(self._copy)

    def repair(self) -> None:
        """After a failure of the file system: check it, and mount it anew. Nobody may have files open."""
        _run("umount", self.folder)
        subprocess.run(["e2fsck", "-fy", str(self._image)], check=False, capture_output=True)
        self._mount(self._image)

    def close(self) -> None:
        subprocess.run(["umount", str(self.folder)], check=False, capture_output=True)

    def _mount(self, image: Path) -> None:
        _run("mount", "-o", "loop", image, self.folder)


def _run(*command: str | Path) -> None:
    subprocess.run([str(word) for word in command], check=True, capture_output=True)
