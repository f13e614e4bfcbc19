"""A new model's first run, in a child process that may crash, hang or eat memory without harm to the agent.

Damaged files make TFLite runtimes crash (the older one often): no exception can catch that. So each model is
loaded and run in a child once; the outcome is remembered by what was tried, and later starts skip the trial.
"""

import hashlib
import importlib.metadata
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import msgspec

from edge_agent.errors import ModelRefused
from edge_agent.inference.model import ModelFile

TIME_LIMIT_S = 30.0
"""Loading and a few runs take under a second; a small board under full load stays well below this."""
RECAST_VERSION = 1
"""Of how models are made faster: another one is another trial."""
_PACKAGES = {"litert": "ai-edge-litert", "tflite": "tflite-runtime"}


class Trial(msgspec.Struct, frozen=True):
    """How a model did in the child process."""

    refused: str = ""
    """Why it is not fit; empty when it is."""
    way_out: str = ""
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    infer_ms: float = 0.0
    """Median of the child's runs, preparation of the picture included."""
    recast: bytes = b""
    """The model as it runs faster on this machine, see ``recast``; empty when that is the file as it is."""
    recast_sha256: str = ""

    def content_of(self, model: ModelFile) -> bytes:
        """The bytes to run."""
        return self.recast or model.content


def pass_trial(
    model: ModelFile, runtime: str, state_dir: Path | None = None, *, limit_s: float = TIME_LIMIT_S
) -> Trial:
    """Try a model in a child process, or recall how it did.

    Raises:
        ModelRefused: it crashed, hung, or the runtime did not take it.
    """
    remembered = (state_dir or _default_state_dir()) / f"{_key(model, runtime)}.json"
    trial = _recall(remembered)
    if trial is None:
        trial = _try_in_child(model, runtime, limit_s)
        _remember(remembered, trial)
    if trial.refused:
        raise ModelRefused(model.path, trial.refused, trial.way_out)
    return trial


def _default_state_dir() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "saqshy" / "model-trials"


def _key(model: ModelFile, runtime: str) -> str:
    """Another file, manifest or version of the runtime is another trial."""
    version = importlib.metadata.version(_PACKAGES[runtime])
    tried = (model.manifest, runtime, version, RECAST_VERSION)
    return hashlib.sha256(msgspec.json.encode(tried)).hexdigest()[:32]


def _recall(file: Path) -> Trial | None:
    with suppress(OSError, msgspec.MsgspecError):
        trial = msgspec.json.decode(file.read_bytes(), type=Trial)
        is_whole = not trial.recast or sha256_of(trial.recast) == trial.recast_sha256
        return trial if is_whole else None
    return None


def sha256_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _remember(file: Path, trial: Trial) -> None:
    # A folder that cannot be written costs the next start one more trial, no more.
    with suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        fresh = file.with_suffix(f".{os.getpid()}")
        fresh.write_bytes(msgspec.json.encode(trial))
        fresh.replace(file)


def _try_in_child(model: ModelFile, runtime: str, limit_s: float) -> Trial:
    root = Path(__file__).parents[2]
    environment = {"PYTHONPATH": str(root), "LD_LIBRARY_PATH": os.environ.get("LD_LIBRARY_PATH", "")}
    try:
        child = subprocess.run(
            [sys.executable, "-P", "-m", "edge_agent.inference.trial_child", runtime],
            input=msgspec.json.encode(model.manifest) + b"\n" + model.content,
            capture_output=True,
            timeout=limit_s,
            env=environment,
            check=False,
        )
    except subprocess.TimeoutExpired as fault:
        # Not remembered: the machine may just have been busy.
        raise ModelRefused(
            model.path, f"did not finish its trial within {limit_s:g} s", "choose another model, or try again"
        ) from fault
    with suppress(msgspec.MsgspecError, IndexError):
        if child.returncode == 0:
            return msgspec.json.decode(child.stdout.splitlines()[-1], type=Trial)
    return Trial(
        f"{_death(child.returncode)} in its trial with {runtime}", "fetch the file again or choose another"
    )


def _death(returncode: int) -> str:
    if returncode < 0:
        with suppress(ValueError):
            return f"the runtime crashed ({signal.Signals(-returncode).name})"
    return f"the runtime failed (exit code {returncode})"
