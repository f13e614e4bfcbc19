"""``saqshy model``: add, list, verify, bench, pull, against a real HTTP server that can misbehave."""

import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from edge_agent.cli.model import app
from edge_agent.errors import DownloadFailed, ModelRefused
from edge_agent.inference.download import fetch
from edge_agent.inference.model import BUNDLED_MODEL, read_model

MODEL = BUNDLED_MODEL / "demo.tflite"
MANIFEST = BUNDLED_MODEL / "manifest.toml"

Answer = Callable[[BaseHTTPRequestHandler], None]


class Server:
    """Answers each path as it was told, and remembers what it was asked."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {}
        self.asked: list[str] = []
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                owner.asked.append(self.path)
                owner.answers.get(self.path, lambda it: it.send_error(404))(self)

            def log_message(self, *args: object) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}"

    def body(self, path: str, content: bytes, said_bytes: int | None = None) -> str:
        def answer(it: BaseHTTPRequestHandler) -> None:
            it.send_response(200)
            it.send_header("Content-Length", str(len(content) if said_bytes is None else said_bytes))
            it.end_headers()
            it.wfile.write(content)

        self.answers[path] = answer
        return self.url + path

    def redirect(self, path: str, to: str) -> str:
        def answer(it: BaseHTTPRequestHandler) -> None:
            it.send_response(302)
            it.send_header("Location", to)
            it.send_header("Content-Length", "0")
            it.end_headers()

        self.answers[path] = answer
        return self.url + path


@pytest.fixture
def server() -> Iterator[Server]:
    running = Server()
    thread = threading.Thread(target=running.http.serve_forever)
    thread.start()
    yield running
    running.http.shutdown()
    thread.join()
    running.http.server_close()


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_a_model_is_pulled_listed_and_added_again(server: Server, tmp_path: Path) -> None:
    content, shelf = MODEL.read_bytes(), tmp_path / "shelf"
    url = server.redirect("/latest", server.body("/model.tflite", content))
    done = run("pull", url, "--sha256", sha256(content), "--manifest", MANIFEST, "--models", shelf, "--json")
    assert done.exit_code == 0, done.output
    pulled = json.loads(done.stdout.splitlines()[-1])
    assert read_model(Path(pulled["path"])).content == content
    again = json.loads(run("add", BUNDLED_MODEL, "--models", shelf, "--json").stdout.splitlines()[-1])
    assert again["path"] == pulled["path"]
    listed = json.loads(run("list", "--models", shelf, "--json").stdout.splitlines()[-1])
    assert [one["path"] for one in listed["models"]] == [str(BUNDLED_MODEL), pulled["path"]]
    assert not any(one["refused"] for one in listed["models"])
    assert len(listed["known"]) >= 6
    assert sorted(path.name for path in shelf.iterdir()) == [Path(pulled["path"]).name]


def test_verify_says_what_the_model_is() -> None:
    done = run("verify", BUNDLED_MODEL, "--json")
    assert done.exit_code == 0, done.output
    said = json.loads(done.stdout.splitlines()[-1])
    assert said["sha256"] == sha256(MODEL.read_bytes())
    assert said["classes"] == ["person", "bicycle", "car", "truck", "bag"]
    assert said["inputs"] == ["int8 [1, 192, 320, 3]"]
    assert said["infer_ms"] > 0


def test_a_damaged_model_on_the_shelf_is_listed_with_its_reason(tmp_path: Path) -> None:
    shelf = tmp_path / "shelf"
    folder = Path(json.loads(run("add", BUNDLED_MODEL, "--models", shelf, "--json").stdout)["path"])
    (folder / "model.tflite").write_bytes(MODEL.read_bytes()[:-100])
    listed = json.loads(run("list", "--models", shelf, "--json").stdout)
    assert "the manifest says" in listed["models"][1]["refused"]
    done = run("verify", folder)
    assert done.exit_code == 2
    assert done.stderr.startswith(f"error: {folder}")


def test_a_model_that_nobody_knows_is_pulled_and_refused(server: Server, tmp_path: Path) -> None:
    content = MODEL.read_bytes() + b"\0"
    url = server.body("/model.tflite", content)
    done = run("pull", url, "--sha256", sha256(content), "--models", tmp_path / "shelf")
    assert done.exit_code == 2
    assert "nobody knows this file" in done.stderr
    assert not (tmp_path / "shelf").exists()


@pytest.mark.parametrize("wrong", ["", "abc", "g" * 64])
def test_a_sum_that_is_none_is_refused_before_anything_is_fetched(server: Server, wrong: str) -> None:
    done = run("pull", server.url + "/model.tflite", "--sha256", wrong)
    assert done.exit_code == 2
    assert done.stderr.startswith("error: --sha256")
    assert server.asked == []


def refused(url: str, folder: Path, expected: type[Exception], reason: str, **limits: float) -> None:
    with pytest.raises(expected, match=reason):
        fetch(url, sha256(b"content"), folder / "model.tflite", **limits)  # type: ignore[arg-type]
    assert list(folder.iterdir()) == []


def test_what_is_not_the_file_leaves_nothing(server: Server, tmp_path: Path) -> None:
    refused(server.body("/other", b"other"), tmp_path, ModelRefused, "sha256 is")
    refused(
        server.body("/cut", b"cont", said_bytes=7),
        tmp_path,
        DownloadFailed,
        "peer closed connection|incomplete",
    )
    refused(
        server.body("/big", bytes(5000)), tmp_path, DownloadFailed, "larger than 1000 bytes", limit_bytes=1000
    )
    refused(server.url + "/none", tmp_path, DownloadFailed, "answers 404")
    refused(server.body("/slow", b"content"), tmp_path, DownloadFailed, "takes too long", whole_limit_s=-1)


def test_a_redirect_leads_nowhere_else(server: Server, tmp_path: Path) -> None:
    other = Server()
    try:
        elsewhere = server.redirect("/elsewhere", other.body("/model", b"content"))
        refused(elsewhere, tmp_path, ModelRefused, "redirects to another place")
        refused(
            server.redirect("/file", "file:///etc/passwd"),
            tmp_path,
            ModelRefused,
            "redirects to another place",
        )
        refused(server.redirect("/round", "/round"), tmp_path, DownloadFailed, "redirects without end")
        assert other.asked == []
    finally:
        other.http.server_close()


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://192.0.2.7/model.tflite", "only https"),
        ("ftp://localhost/model.tflite", "only https"),
        ("file:///etc/passwd", "only https"),
        ("model.tflite", "only https"),
        ("https://", "only https"),
        ("https://user:secret@192.0.2.7/model.tflite", "holds a password"),
        ("http://[::1/model.tflite", "not an address"),
    ],
)
def test_an_address_that_may_not_be_followed_is_refused(url: str, reason: str, tmp_path: Path) -> None:
    refused(url, tmp_path, ModelRefused, reason)
    with pytest.raises(ModelRefused) as told:
        fetch(url, "0" * 64, tmp_path / "model.tflite")
    assert "secret" not in str(told.value)


def test_nobody_at_the_address_is_said(tmp_path: Path) -> None:
    quiet = Server()
    quiet.http.server_close()
    refused(quiet.url + "/model", tmp_path, DownloadFailed, "check the network")


def test_bench_says_what_a_picture_costs_and_what_it_shows(data_dir: Path) -> None:
    picture = next((data_dir / "images" / "street").glob("*.jpg"))
    model = data_dir / "models" / "coco_ssd_mobilenet_v1_quant"
    result = CliRunner().invoke(
        app, ["bench", str(model), "--picture", str(picture), "--seconds", "0.1", "--json"]
    )
    assert result.exit_code == 0, result.output
    answer = json.loads(result.stdout)
    assert answer["runs"] >= 1
    assert 0 < answer["picture_ms_p50"] <= answer["picture_ms_p99"]
    assert answer["found"]


def test_bench_refuses_what_is_no_picture(tmp_path: Path) -> None:
    (tmp_path / "notes.jpg").write_text("not a picture")
    result = CliRunner().invoke(app, ["bench", str(MODEL), "--picture", str(tmp_path / "notes.jpg")])
    assert result.exit_code == 2
    assert "notes.jpg" in result.output
    assert "give a JPEG or PNG file" in result.output
