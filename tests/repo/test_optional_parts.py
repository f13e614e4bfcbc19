"""A box runs without the hub's packages, a hub without the box's; the command line says what is missing."""

import subprocess
import sys

import pytest

import saqshy

BLOCK = """
import sys
class Block:
    def find_spec(self, name, path=None, target=None):
        if name.partition('.')[0] in {blocked!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Block())
{code}
"""
BOX_ONLY = {"cv2", "av", "lap", "ai_edge_litert", "tflite_runtime", "numpy"}
HUB_ONLY = {
    "litestar",
    "sqlmodel",
    "sqlalchemy",
    "aiosqlite",
    "asyncpg",
    "alembic",
    "granian",
    "argon2",
    "h3",
}


def _run_without(blocked: set[str], code: str) -> subprocess.CompletedProcess[str]:
    program = BLOCK.format(blocked=blocked, code=code)
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)


def test_the_hub_runs_without_the_boxes_packages() -> None:
    done = _run_without(BOX_ONLY, "import hub.app, hub.cli.hub")
    assert done.returncode == 0, done.stderr


def test_the_agent_runs_without_the_hubs_packages() -> None:
    done = _run_without(HUB_ONLY, "import edge_agent.app, edge_agent.cli.edge, edge_agent.cli.field")
    assert done.returncode == 0, done.stderr


def test_a_missing_extra_is_named() -> None:
    code = "import sys; sys.argv = ['saqshy', 'hub', 'serve', '--port', '1']; import saqshy; saqshy.main()"
    done = _run_without(HUB_ONLY, code)
    assert done.returncode == 2
    assert "pip install 'saqshy[hub]'" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("part", [*saqshy.PARTS, *(f"bench {name}" for name in saqshy.BENCHES)])
def test_every_part_explains_itself(part: str) -> None:
    command = [sys.executable, "-m", "saqshy", *part.split(), "--help"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Usage: saqshy" in done.stdout


def test_help_imports_no_part() -> None:
    code = "import sys; sys.argv = ['saqshy', '--help']; import saqshy; saqshy.main()"
    done = _run_without(BOX_ONLY | HUB_ONLY | {"nats", "zeroconf"}, code)
    assert done.returncode == 0
    assert "operations centre" in done.stdout
