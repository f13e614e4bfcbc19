"""A camera on the network that was taken over: it signs in like any other and then sends mutated RTP.

Real packets of a real encoder, of which bits are flipped, lengths cut and headers swapped on their way.
"""

import contextlib
import itertools
import random
import socket
import threading
import time

import av
import numpy as np

SIZE_PX = (320, 180)
_PICTURES, _FPS = 20, 10
_ENCODERS = {
    "H264": ("libx264", {"preset": "ultrafast", "tune": "zerolatency", "slice-max-size": "600"}),
    "AV1": ("libsvtav1", {"preset": "12"}),
}
_TICKS = 90_000
_SPEED = 8
"""It says, and keeps, so many times the pictures a second that were encoded."""


def rtp_packets(encoding: str) -> list[bytes]:
    """Two seconds of a street's noise as RTP packets, by FFmpeg's own packetizer."""
    encoder, options = _ENCODERS[encoding]
    chance = np.random.default_rng(5)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        taken.bind(("127.0.0.1", 0))
        taken.settimeout(0.5)
        url = f"rtp://127.0.0.1:{taken.getsockname()[1]}?pkt_size=900"
        with av.open(url, "w", format="rtp", options={"strict": "experimental"}) as container:
            stream = container.add_stream(encoder, rate=_FPS, options=options)
            stream.width, stream.height, stream.pix_fmt = *SIZE_PX, "yuv420p"
            stream.gop_size = _FPS
            for number in range(_PICTURES):
                picture = np.full((SIZE_PX[1], SIZE_PX[0], 3), 40 + 5 * number, np.uint8)
                picture[40:120, number * 8 : number * 8 + 90] = chance.integers(0, 255, (80, 90, 3), np.uint8)
                container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "rgb24")))
            container.mux(stream.encode(None))
        packets: list[bytes] = []
        with contextlib.suppress(TimeoutError):
            while True:
                packets.append(taken.recv(65_536))
    return [packet for packet in packets if packet[1] & 0x7F == packets[0][1] & 0x7F]


def mutated(packet: bytes, chance: random.Random) -> bytes:
    """Bits flipped in a few places, now and then a cut, a repeated piece or another header."""
    body = bytearray(packet)
    for _ in range(chance.choice((1, 1, 3, 20, 200))):
        body[chance.randrange(12, len(body))] ^= 1 << chance.randrange(8)
    match chance.randrange(12):
        case 0:
            del body[chance.randrange(12, len(body)) :]
        case 1:
            at = chance.randrange(12, len(body))
            body[at:at] = body[12:at] * 3
        case 2:
            body[12] = chance.randrange(256)  # another kind of unit
        case 3:
            body[0] = 0x80 | chance.randrange(64)  # padding, extension, sources
    return bytes(body[:60_000])


class HostileCamera:
    """Answers RTSP on ``port``. ``sent`` counts the mutated packets; ``is_hostile`` may be turned off."""

    def __init__(self, encoding: str, seed: int) -> None:
        self.is_hostile = True
        self.sent = 0
        self.sessions = 0
        self._encoding, self._chance = encoding, random.Random(seed)
        self._packets = rtp_packets(encoding)
        self._ending = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"rtsp://127.0.0.1:{self._listener.getsockname()[1]}/x"

    def close(self) -> None:
        self._ending.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(10)

    def _serve(self) -> None:
        while not self._ending.is_set():
            try:
                peer, _ = self._listener.accept()
            except OSError:
                return
            with peer, contextlib.suppress(OSError, ValueError, IndexError):
                peer.settimeout(5)
                self.sessions += 1
                self._talk(peer)

    def _talk(self, peer: socket.socket) -> None:
        with peer.makefile("rb") as asked:
            while True:
                method, url, headers = _read_request(asked)
                peer.sendall(self._answer(method, url, headers))
                if method == "PLAY":
                    self._play(peer)
                    return

    def _answer(self, method: str, url: str, headers: dict[str, str]) -> bytes:
        lines = ["RTSP/1.0 200 OK", f"CSeq: {headers['cseq']}", "Session: 1;timeout=60"]
        body = ""
        if method == "OPTIONS":
            lines.append("Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN")
        elif method == "DESCRIBE":
            kind = self._packets[0][1] & 0x7F
            body = (
                "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=x\r\nt=0 0\r\n"
                f"m=video 0 RTP/AVP {kind}\r\na=rtpmap:{kind} {self._encoding}/{_TICKS}\r\na=control:t0\r\n"
            )
            lines += [
                f"Content-Base: {url}/",
                "Content-Type: application/sdp",
                f"Content-Length: {len(body)}",
            ]
        elif method == "SETUP":
            lines.append("Transport: RTP/AVP/TCP;unicast;interleaved=0-1")
        return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()

    def _play(self, peer: socket.socket) -> None:
        """The first picture whole, so that it is decoded at all; from then on as hostile as can be."""
        first = int.from_bytes(self._packets[0][4:8])
        length = _PICTURES * _TICKS // _FPS
        clean = sum(p[4:8] == self._packets[0][4:8] for p in self._packets)
        pause_s = _PICTURES / _FPS / _SPEED / len(self._packets)
        for number, at in enumerate(itertools.cycle(range(len(self._packets)))):
            if self._ending.is_set():
                return
            packet = self._packets[at]
            ticks = int.from_bytes(packet[4:8]) - first + number // len(self._packets) * length
            packet = _restamped(packet, number, first + ticks // _SPEED)
            if self.is_hostile and number >= clean:
                packet = mutated(packet, self._chance)
                self.sent += 1
            time.sleep(pause_s)
            peer.sendall(b"$\0" + len(packet).to_bytes(2) + packet)


def _read_request(asked: object) -> tuple[str, str, dict[str, str]]:
    """Raises ``ValueError`` at the end of the connection."""
    lines: list[str] = []
    while line := asked.readline(4096).decode().strip():  # type: ignore[attr-defined]
        lines.append(line)
    method, url, _ = lines[0].split(" ", 2)
    pairs = (line.split(":", 1) for line in lines[1:])
    return method, url, {name.lower(): value.strip() for name, value in pairs}


def _restamped(packet: bytes, number: int, ticks: int) -> bytes:
    """With sequence number and time as if the stream went on for ever."""
    return packet[:2] + (number & 0xFFFF).to_bytes(2) + (ticks & 0xFFFF_FFFF).to_bytes(4) + packet[8:]
