"""A camera that does what it likes: an RTSP server in this process, for one clip or for a redirect.

It speaks just enough RTSP for one client at a time and sends RTP in the same connection.
"""

import base64
import socket
import struct
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import av
import numpy as np
from av.bitstream import BitStreamFilterContext

_CLOCK_HZ = 90_000
_PART_BYTES = 1_200


class Media(NamedTuple):
    """What is described and then sent."""

    sdp: str
    packets: list[bytes]
    """Whole RTP packets."""


def h264(clip: Path) -> Media:
    """A clip's packets as RTP: single NAL units, and fragments (FU-A) of larger ones."""
    units: list[tuple[int, list[bytes]]] = []
    with av.open(str(clip)) as container:
        video = container.streams.video[0]
        into_bytes = BitStreamFilterContext("h264_mp4toannexb", video)
        for packet in container.demux(video):
            for whole in into_bytes.filter(packet) if packet.size else []:
                at = round(float((whole.pts or 0) * (whole.time_base or 0)) * _CLOCK_HZ)
                units.append(
                    (
                        at,
                        [
                            unit
                            for unit in bytes(whole).replace(b"\0\0\0\1", b"\0\0\1").split(b"\0\0\1")
                            if unit
                        ],
                    )
                )
    sets = [unit for unit in units[0][1] if unit[0] & 31 in (7, 8)]
    parameters = ",".join(base64.b64encode(one).decode() for one in sets)
    form = f"a=fmtp:96 packetization-mode=1;sprop-parameter-sets={parameters}\r\n"
    sdp = f"m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n{form}"
    return Media(
        sdp, list(_numbered((at, part, is_last) for at, nals in units for part, is_last in _h264_parts(nals)))
    )


def _h264_parts(nals: list[bytes]) -> Iterator[tuple[bytes, bool]]:
    for number, nal in enumerate(nals):
        is_end = number == len(nals) - 1
        if len(nal) <= _PART_BYTES:
            yield nal, is_end
            continue
        pieces = [nal[at : at + _PART_BYTES] for at in range(1, len(nal), _PART_BYTES)]
        for place, piece in enumerate(pieces):
            is_last = place == len(pieces) - 1
            head = bytes([nal[0] & 0xE0 | 28, (place == 0) << 7 | is_last << 6 | nal[0] & 31])
            yield head + piece, is_end and is_last


def av1(clip: Path) -> Media:
    """A clip's temporal units as RTP, one packet each: elements with their lengths."""
    rows: list[tuple[int, bytes, bool]] = []
    with av.open(str(clip)) as container:
        for packet in container.demux(video=0):
            if packet.size:
                at = round(float((packet.pts or 0) * (packet.time_base or 0)) * _CLOCK_HZ)
                body = b"".join(_leb128(len(obu)) + obu for obu in _obus(bytes(packet)))
                rows.append((at, bytes([packet.is_keyframe << 3]) + body, True))
    return Media("m=video 0 RTP/AVP 96\r\na=rtpmap:96 AV1/90000\r\n", list(_numbered(rows)))


def _obus(unit: bytes) -> Iterator[bytes]:
    """Each without its size field and without the temporal delimiters, as RTP wants them."""
    at = 0
    while at < len(unit):
        head, at = unit[at], at + 1
        extension = unit[at : at + (head >> 2 & 1)]
        at += len(extension)
        length = shift = 0
        while True:
            byte, at = unit[at], at + 1
            length |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                break
        if head >> 3 & 15 != 2:
            yield bytes([head & ~2]) + extension + unit[at : at + length]
        at += length


def _leb128(number: int) -> bytes:
    found = bytearray()
    while number >= 128:
        found.append(number & 127 | 128)
        number >>= 7
    return bytes([*found, number])


def _numbered(rows: Iterable[tuple[int, bytes, bool]]) -> Iterator[bytes]:
    for number, (at, body, is_last) in enumerate(rows):
        yield struct.pack(">BBHII", 0x80, 96 | is_last << 7, number & 0xFFFF, at & 0xFFFFFFFF, 0x5A) + body


def mutated(packet: bytes, chance: np.random.Generator) -> bytes:
    """Bytes changed, cut off, doubled or put in, header included."""
    body = bytearray(packet)
    for _ in range(int(chance.integers(1, 12))):
        body[int(chance.integers(0 if chance.random() < 0.1 else 12, len(body)))] = int(
            chance.integers(0, 256)
        )
    kind = chance.random()
    if kind < 0.1:
        return bytes(body[: int(chance.integers(1, len(body)))])
    if kind < 0.2:
        at = int(chance.integers(12, len(body)))
        return bytes(body[:at] + chance.bytes(int(chance.integers(1, 400))) + body[at:])
    return bytes(body[:12] + body[12:] * 2) if kind < 0.25 else bytes(body)


class HostileCamera:
    """Serves ``media`` as ``change`` makes it, or answers DESCRIBE with a redirect to ``elsewhere``."""

    def __init__(
        self,
        media: Media | None,
        change: Callable[[bytes], bytes] = bytes,
        elsewhere: str = "",
        *,
        falls_silent: bool = False,
    ) -> None:
        """``falls_silent``: at the end of its media it keeps the connection and says nothing more."""
        self._falls_silent = falls_silent
        self._media, self._change, self._elsewhere = media, change, elsewhere
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]
        self.sent = 0
        self.clients = 0
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> "HostileCamera":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._thread.join(5)

    @property
    def url(self) -> str:
        return f"rtsp://127.0.0.1:{self.port}/x"

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            self.clients += 1
            with client:
                try:
                    self._talk(client)
                except OSError:
                    continue

    def _talk(self, client: socket.socket) -> None:
        client.settimeout(10)
        reading = client.makefile("rb")
        while words := reading.readline().split():
            sequence = b"0"
            while line := reading.readline().strip():
                if line.lower().startswith(b"cseq:"):
                    sequence = line.partition(b":")[2].strip()
            method = words[0].decode()
            client.sendall(self._answer(method, sequence.decode()))
            if method == "PLAY":
                self._play(client)
                if self._falls_silent:
                    client.settimeout(60)
                    while reading.read(1):
                        pass
                return

    def _answer(self, method: str, sequence: str) -> bytes:
        head, body = f"CSeq: {sequence}\r\nSession: 7\r\n", ""
        if method == "DESCRIBE" and self._elsewhere:
            return f"RTSP/1.0 302 Found\r\n{head}Location: {self._elsewhere}\r\n\r\n".encode()
        if method == "DESCRIBE":
            assert self._media
            body = f"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nt=0 0\r\n{self._media.sdp}a=control:track\r\n"
            head += f"Content-Type: application/sdp\r\nContent-Length: {len(body)}\r\n"
        if method == "SETUP":
            head += "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n"
        return f"RTSP/1.0 200 OK\r\n{head}\r\n{body}".encode()

    def _play(self, client: socket.socket) -> None:
        assert self._media
        for packet in self._media.packets:
            body = self._change(packet)[:65_000]
            client.sendall(b"$\0" + struct.pack(">H", len(body)) + body)
            self.sent += 1
