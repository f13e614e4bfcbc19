"""Every command in README and guides works: each page is followed from top to bottom, as a reader would."""

import json
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from edge_agent.domain.scene_file import parse_scene

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted((ROOT / "docs" / "guide").glob("*.md"))
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")), ROOT / "SECURITY.md"]
_FENCE = re.compile(r"^```(\w+)([^\n]*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
_PASSWORD = "correct horse battery"


class Block(NamedTuple):
    """A fenced block: its language, what stands beside it, and its text."""

    language: str
    options: dict[str, str]
    text: str


def _blocks(path: Path) -> Iterator[Block]:
    for language, rest, text in _FENCE.findall(path.read_text()):
        words = (word.partition("=") for word in shlex.split(rest))
        yield Block(language, {name: value for name, _, value in words}, text)


class Reader:
    """Follows a page in a folder and a home of its own; ports of the page are replaced by free ones."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        scripts = Path(sys.executable).parent
        path = f"{scripts}:{os.environ['PATH']}"
        self.environment = {**os.environ, "HOME": str(folder), "PATH": path, "SAQSHY_PASSWORD": _PASSWORD}
        self.ports = {port: str(_free_port()) for port in ("8000", "4222", "7460")}
        self.running: list[subprocess.Popen[bytes]] = []

    def _here(self, text: str) -> str:
        for port, free in self.ports.items():
            text = re.sub(rf"\b{port}\b", free, text)
        return text

    def follow(self, block: Block) -> None:
        if block.language in ("toml", "python") and "title" in block.options:
            (self.folder / block.options["title"]).write_text(self._here(block.text))
        elif block.language == "diff":
            self.change(block)
        elif block.language == "sh" and "background" in block.options:
            self.start(block.text, block.options["until"])
        elif block.language == "sh":
            self.run(block.text)

    def change(self, block: Block) -> None:
        """Add the lines with a plus after the line that stands before them."""
        file = self.folder / block.options["title"]
        before, *more = block.text.rstrip("\n").split("\n")
        assert all(line.startswith("+") for line in more)
        text = file.read_text()
        anchor = before.removeprefix(" ") + "\n"
        assert text.count(anchor) == 1, f"{file}: {anchor!r}"
        file.write_text(text.replace(anchor, anchor + "".join(line[1:] + "\n" for line in more)))

    def run(self, text: str) -> str:
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", self._here(text)],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{text}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def start(self, text: str, until: str) -> None:
        log = self.folder / f"background-{len(self.running)}.log"
        command = shlex.split(self._here(text))
        with log.open("wb") as file:
            self.running.append(
                subprocess.Popen(command, cwd=self.folder, env=self.environment, stdout=file, stderr=file)
            )
        deadline = time.monotonic() + 60
        while until not in log.read_text():
            assert self.running[-1].poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)

    def close(self) -> None:
        for process in reversed(self.running):
            process.terminate()
            process.wait(20)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    reader = Reader(tmp_path)
    yield reader
    reader.close()


def copy_of_the_program(reader: Reader) -> None:
    """For a page that changes it."""
    caches = shutil.ignore_patterns("__pycache__", "node_modules", "dist")
    for name in ("edge_agent", "hub", "shared", "simulator"):
        shutil.copytree(ROOT / name, reader.folder / name, ignore=caches)
    shutil.copy(ROOT / "saqshy.py", reader.folder)
    reader.environment["PYTHONPATH"] = str(reader.folder)


@pytest.mark.timeout(400)
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_can_be_followed(page: Path, reader: Reader) -> None:
    blocks = list(_blocks(page))
    if page.stem == "developer":
        shutil.copy(ROOT / "justfile", reader.folder)
    if page.stem == "technician":
        account = "saqshy hub user add ermek --role technician --password-stdin --data ./hub"
        reader.run(f"echo '{_PASSWORD}' | {account}")
        reader.start("saqshy hub serve --data ./hub --port 8000 --bus-port 4222", "serves at")
    if page.stem == "add-a-rule":
        copy_of_the_program(reader)
    for block in blocks:
        reader.follow(block)
    if page.stem == "add-a-rule":
        score = json.loads(reader.run("saqshy sim score --all --kind queueing --seed 1 --json"))
        assert score["kinds"]["queueing"]["found"] >= 12


def test_scenes_in_the_guides_are_good_scenes() -> None:
    scenes = [b for page in PAGES for b in _blocks(page) if "scene" in b.options]
    assert scenes
    for block in scenes:
        assert parse_scene(block.text, "guide").rules


def test_the_readmes_two_commands() -> None:
    demo, test = (b.text.strip() for b in _blocks(ROOT / "README.md") if b.language == "sh")
    assert demo == "pip install uv && uv run --extra demo saqshy demo"
    assert test == "pip install uv && uv run --extra dev just test-all"
    assert test.removeprefix("pip install uv && ") in (ROOT / ".ci" / "run").read_text()


def test_commands_stand_in_pages_that_are_followed() -> None:
    """Elsewhere a fenced shell block would be run by nobody."""
    others = set(DOCUMENTS) - set(PAGES) - {ROOT / "README.md"}
    assert [path.name for path in others for block in _blocks(path) if block.language == "sh"] == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(path: Path) -> None:
    targets = [t for t in _LINK.findall(path.read_text()) if "://" not in t]
    assert [t for t in targets if not (path.parent / t).exists()] == []
