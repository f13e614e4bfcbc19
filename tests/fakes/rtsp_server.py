"""A camera: an RTSP server that loops a clip for ever, with timestamps that go on at the loop.

Run by the system's Python, which has GStreamer's bindings: ``rtsp_server.py CLIP [--port N] [--from-s S]
[--login USER:PASSWORD]``. Prints ``ready <port>`` once it listens. Serves ``/clip``; each client begins at
the first key frame after S seconds.
"""

import argparse
import sys
from typing import NamedTuple

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402  # the versions come first

CAPS = "video/x-h264,stream-format=byte-stream,alignment=au"


class Unit(NamedTuple):
    """One picture as it was encoded."""

    body: bytes
    pts_ns: int
    dts_ns: int
    is_key: bool


def read_units(clip: str) -> list[Unit]:
    pipeline = Gst.parse_launch(
        f'filesrc location="{clip}" ! qtdemux ! h264parse config-interval=-1'
        f" ! {CAPS} ! appsink name=out sync=false"
    )
    out = pipeline.get_by_name("out")
    pipeline.set_state(Gst.State.PLAYING)
    units = []
    while (sample := out.emit("pull-sample")) is not None:
        buffer = sample.get_buffer()
        is_key = not buffer.has_flags(Gst.BufferFlags.DELTA_UNIT)
        units.append(Unit(buffer.extract_dup(0, buffer.get_size()), buffer.pts, buffer.dts, is_key))
    pipeline.set_state(Gst.State.NULL)
    return units


class Loop:
    """Feeds one client's appsrc."""

    def __init__(self, units: list[Unit], from_s: float, source) -> None:
        self.units = units
        times = sorted(unit.pts_ns for unit in units)
        begin_ns = times[0] + from_s * Gst.SECOND
        self.count = next(n for n, unit in enumerate(units) if unit.is_key and unit.pts_ns >= begin_ns)
        self.first_ns = units[self.count].pts_ns
        self.length_ns = times[-1] - times[0] + (times[-1] - times[0]) // max(1, len(times) - 1)
        source.connect("need-data", self.push)

    def push(self, source, _length) -> None:
        lap, index = divmod(self.count, len(self.units))
        unit = self.units[index]
        shift_ns = lap * self.length_ns - self.first_ns
        buffer = Gst.Buffer.new_wrapped(unit.body)
        buffer.pts = unit.pts_ns + shift_ns
        if unit.dts_ns != Gst.CLOCK_TIME_NONE and unit.dts_ns + shift_ns >= 0:
            buffer.dts = unit.dts_ns + shift_ns
        self.count += 1
        source.emit("push-buffer", buffer)


class Factory(GstRtspServer.RTSPMediaFactory):
    """One pipeline for each client."""

    def __init__(self, units: list[Unit], from_s: float) -> None:
        super().__init__()
        self.units = units
        self.from_s = from_s
        self.set_launch(
            # Parameter sets are in the units already; added once more before each slice they would tear
            # pictures of several slices apart.
            f"( appsrc name=src is-live=true format=time max-bytes=200000 caps={CAPS}"
            " ! rtph264pay name=pay0 pt=96 )"
        )

    def do_configure(self, media) -> None:
        source = media.get_element().get_by_name("src")
        media.loop = Loop(self.units, self.from_s, source)


def demand_login(server, factory, login: str) -> None:
    user, _, password = login.partition(":")
    auth = GstRtspServer.RTSPAuth()
    token = GstRtspServer.RTSPToken()
    token.set_string("media.factory.role", "viewer")
    auth.add_basic(GstRtspServer.RTSPAuth.make_basic(user, password), token)
    server.set_auth(auth)
    factory.add_role_from_structure(Gst.Structure.from_string(
        "viewer,media.factory.access=true,media.factory.construct=true")[0])  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("clip")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--from-s", type=float, default=0.0)
    parser.add_argument("--login")
    chosen = parser.parse_args()
    Gst.init(None)
    factory = Factory(read_units(chosen.clip), chosen.from_s)
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service(str(chosen.port))
    server.get_mount_points().add_factory("/clip", factory)
    if chosen.login:
        demand_login(server, factory, chosen.login)
    server.attach(None)
    sys.stdout.write(f"ready {server.get_bound_port()}\n")
    sys.stdout.flush()
    GLib.MainLoop().run()


if __name__ == "__main__":
    main()
