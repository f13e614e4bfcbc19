"""The metrics text and the little server that gives it."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from edge_agent.clips import ClipKeeper
from edge_agent.domain.conditions import Conditions, Light, Weather
from edge_agent.domain.rules.duty import Pause, Tally
from edge_agent.evidence.vault import Limits, Vault
from edge_agent.metrics import MetricsServer, Sample, exposition
from edge_agent.self_report import clip_samples, clips_state, condition_samples, rule_samples
from shared.kinds import Kind
from shared.messages import ClipLoss
from shared.sealed import Form
from tests.street import scene_of

SAMPLES = [
    Sample("saqshy_frames_total", "counter", "Frames received.", {"camera": "cam-1"}, 1234567),
    Sample("saqshy_frames_total", "counter", "Frames received.", {"camera": 'a"b\\c\nd'}, 0.5),
    Sample("saqshy_link_up", "gauge", "Whether the bus is connected.", {}, True),
]


def test_the_text_is_prometheus_text() -> None:
    assert exposition(SAMPLES) == (
        "# HELP saqshy_frames_total Frames received.\n"
        "# TYPE saqshy_frames_total counter\n"
        'saqshy_frames_total{camera="cam-1"} 1234567\n'
        'saqshy_frames_total{camera="a\\"b\\\\c\\nd"} 0.5\n'
        "# HELP saqshy_link_up Whether the bus is connected.\n"
        "# TYPE saqshy_link_up gauge\n"
        "saqshy_link_up 1\n"
    )


def test_what_rules_saw_is_counted_in_shadow_too() -> None:
    scene = scene_of(
        """
        [[zone]]
        id = "yard"
        polygon_px = [[200, 200], [800, 200], [800, 500], [200, 500]]

        [[rule]]
        kind = "intrusion"
        zone = "yard"
        mode = "shadow"
        """
    )
    told = [(spec, Tally(shadowed=3)) for spec in scene.rules if spec.kind is Kind.INTRUSION]
    text = exposition(rule_samples("gate", told))
    labels = 'camera="gate",rule="intrusion/yard",mode="shadow"'
    assert f'saqshy_sightings_total{{{labels},outcome="shadowed"}} 3\n' in text
    assert f'saqshy_sightings_total{{{labels},outcome="reported"}} 0\n' in text


def test_light_and_weather_are_told() -> None:
    pipeline = SimpleNamespace(conditions=Conditions(Light.NIGHT, weather=Weather.SNOW), pause=Pause.BLACKOUT)
    watches: Any = [SimpleNamespace(feed=SimpleNamespace(camera="gate"), pipeline=pipeline)]
    text = exposition(condition_samples(watches))
    labels = 'camera="gate",light="night",infrared="false",weather="snow"'
    assert f"saqshy_camera_conditions{{{labels}}} 1\n" in text
    assert 'saqshy_rules_paused{camera="gate"} 1\n' in text


def test_what_the_vault_drops_is_counted_and_told(tmp_path: Path) -> None:
    vault = Vault(tmp_path, Limits(1, 1, 0), lambda: 1)
    decoders: Any = None
    keeper = ClipKeeper(vault, decoders)
    for why in (ClipLoss.VAULT_FULL, ClipLoss.VAULT_FULL, ClipLoss.POWER_CUT):
        vault.note_dropped("00", Form.ORIGINAL, why)
    text = exposition(clip_samples(keeper))
    assert 'saqshy_clips_dropped_total{why="vault_full"} 2\n' in text
    assert 'saqshy_clips_dropped_total{why="power_cut"} 1\n' in text
    assert clips_state(keeper) == {"kept": 0, "kept_bytes": 0, "dropped": {"vault_full": 2, "power_cut": 1}}
    assert clips_state(None) is None


async def ask(port: int, request: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    answer = await reader.read()
    writer.close()
    return answer


def test_two_paths_are_answered_and_nothing_else(socket_enabled: None) -> None:
    status = {"status": "ok"}

    async def main() -> list[bytes]:
        server = MetricsServer(lambda: iter(SAMPLES), lambda: dict(status))
        port = await server.start("127.0.0.1", 0)
        lines: list[bytes] = []
        for request in requests():
            status["status"] = "degraded" if request.endswith(b"X: y\r\n\r\n") else "ok"
            lines.append((await ask(port, request)).split(b"\r\n")[0])
        await server.stop()
        return lines

    def requests() -> Iterator[bytes]:
        yield b"GET /metrics HTTP/1.1\r\n\r\n"
        yield b"GET /health HTTP/1.1\r\n\r\n"
        yield b"GET /health HTTP/1.1\r\nX: y\r\n\r\n"
        yield b"GET /../etc/passwd HTTP/1.1\r\n\r\n"
        yield b"POST /metrics HTTP/1.1\r\n\r\n"
        yield b"\r\n\r\n"
        yield b"x" * 20_000 + b"\r\n\r\n"

    words = [line.partition(b" ")[2] for line in asyncio.run(main())]
    assert words == [
        b"200 OK", b"200 OK", b"503 Service Unavailable", b"404 Not Found", b"405 Method Not Allowed",
        b"405 Method Not Allowed", b"",
    ]  # fmt: skip
