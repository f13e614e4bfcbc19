"""The shape of the code: short functions, files with one noun, nothing built in git."""

import ast
import statistics
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PARTS = ("shared", "edge_agent", "hub", "firmware_hooks", "simulator", "demo", "saqshy.py")
LONGEST_FUNCTION = 60
LONGEST_FILE = 450
HOLLOW_NAMES = {"utils", "util", "helpers", "helper", "common", "manager", "data", "info", "misc"}


def _tracked() -> list[str]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode != 0:
        pytest.skip("not a git checkout")
    return [name for name in listed.stdout.split("\0") if name]


def _sources() -> list[Path]:
    files = [ROOT / part for part in PARTS if part.endswith(".py")]
    for part in PARTS:
        files += sorted((ROOT / part).rglob("*.py"))
    return [f for f in files if "node_modules" not in f.parts and "migrations" not in f.parts]


def _function_lengths() -> dict[str, int]:
    lengths: dict[str, int] = {}
    for path in _sources():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno:
                name = f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"
                lengths[name] = node.end_lineno - node.lineno + 1
    return lengths


def test_functions_are_short() -> None:
    lengths = _function_lengths()
    assert {n: length for n, length in lengths.items() if length > LONGEST_FUNCTION} == {}
    assert statistics.median(lengths.values()) <= 10
    assert statistics.quantiles(lengths.values(), n=10)[-1] <= 35


def test_files_hold_one_noun() -> None:
    lengths = {str(f.relative_to(ROOT)): f.read_text().count("\n") for f in _sources()}
    assert {name: length for name, length in lengths.items() if length > LONGEST_FILE} == {}


def test_no_file_has_a_hollow_name() -> None:
    assert [f for f in _sources() if f.stem in HOLLOW_NAMES] == []


def test_nothing_built_or_vendored_is_in_git() -> None:
    refused = (".min.js", ".whl", ".mp4", ".onnx", ".wasm", ".woff2", ".so", ".pyc")
    built = [n for n in _tracked() if n.endswith(refused) or "/dist/" in n or "node_modules" in n]
    assert built == []
    models = [n for n in _tracked() if n.endswith(".tflite")]
    assert models == ["edge_agent/inference/models/demo/demo.tflite"]
    assert (ROOT / models[0]).stat().st_size < 1_000_000
