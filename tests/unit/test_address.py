"""Camera addresses: what is opened, what is refused, and that no secret is ever shown."""

import ipaddress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.errors import SourceRefused
from edge_agent.sources.address import FileAddress, RtspAddress, check_ip, parse_address

SECRET = "gehe1m"

TAKEN = {
    "rtsp://cam1/stream2": "rtsp://cam1:554/stream2",
    f"rtsp://admin:{SECRET}@192.0.2.7/ch0?token={SECRET}": "rtsp://192.0.2.7:554/ch0",
    f"rtsp://admin:{SECRET}%40%3A@cam-7.town.example:8554/a/b": "rtsp://cam-7.town.example:8554/a/b",
    "RTSPS://Cam1:322": "rtsps://cam1:322",
    "rtsps://cam1/x": "rtsps://cam1:322/x",
    "rtsp://[2001:db8::7]/x": "rtsp://[2001:db8::7]:554/x",
    "rtsp://[::1]:8554/x": "rtsp://[::1]:8554/x",
    "rtsp://127.0.0.1:8554/x": "rtsp://127.0.0.1:8554/x",
}

SCHEMES = """
http https ftp ftps sftp tcp udp tls rtp srtp rtmp rtmps rtmpt mms mmsh gopher gophers data
crypto cache concat concatf subfile pipe fd unix ipfs ipns async hls sctp srt zmq amqp tee md5
icecast prompeg rist smb ssh bluray dvd v4l2 lavfi exec echo ffmpeg javascript gs s3 jar ldap
dict telnet tftp netdoc file+rtsp
""".split()  # noqa: SIM905
HOSTS = """
169.254.169.254 169.254.0.1 0.0.0.0 224.0.0.1 239.255.255.250 255.255.255.255 240.0.0.1 [::]
[fe80::1] [fe80::1%25eth0] [fe80::1%eth0] [ff02::1] [::ffff:127.0.0.1] [::ffff:169.254.169.254]
[::ffff:a9fe:a9fe] [2002:a9fe:a9fe::1] [2001:0:a9fe:a9fe::1] 2130706433 2852039166 0x7f000001
0x7f.0.0.1 0x7f.1 127.1 127.0.1 0177.0.0.1 010.0.0.1 017700000001 1 0 0x0 127.0.0.01 256.1.1.1
1.2.3 1.2.3.4.5 [::1 ::1 [] [v1.a] -cam cam- a..b .cam cam_1 *.cam cam%31 кам. ①②⑦.⓪.⓪.① cam1%00
cam1%0d%0a
""".split()  # noqa: SIM905
SHAPES = (
    "rtsp:", "rtsp:/", "rtsp://", "rtsp:///x", "rtsp:cam1/x", "rtsp://:554/x", "rtsp://@/x", "rtsp://u:p@/x",
    "rtsp://cam1:0/x", "rtsp://cam1:65536/x", "rtsp://cam1:-1/x", "rtsp://cam1:abc/x", "rtsp://cam1:5 54/x",
    "rtsp://hub:4222", "rtsp://hub:4222/x", "rtsp://u:p@hub:4222/x", "rtsp://u:p@h/ -i x", "rtsp://h/\t-i",
    "rtsp://h/x\n-i", "rtsp://h/x\r\nX: y", "\nrtsp://h/x", " rtsp://h/x", "rtsp://h/x ", "rtsp://h/%0d%0aX",
    "rtsp://h/%0A", "rtsp://h/%00", "rtsp://h/%7f", "rtsp://h/x#y", "rtsp://h#@evil/x", "rtsp://a@b@c/x",
    "rtsp://h\\@evil/x", "rtsp:\\\\h\\x", "rtsp://h/\u202ex", "rtsp://h/é", "rtsp://h/" + "x" * 1100, "", "x",
    "rtsp", "-i", "--help", "/etc/passwd", "etc/passwd", "//h/x", "rtsp+http://h/x", "rtspu://h/x", "rtspt://h/x",
    "rtsp;http://h/x", "rtsp%3a//h/x", "|rtsp://h/x", "concat:rtsp://h/x|/etc/passwd", "subfile,,start,0::rtsp://h",
    "@rtsp://h/x", "{rtsp://h/x}", "$(rtsp://h/x)", "rtsp\0://h/x", "rtsp://h\0/x", "rtsp://h/x\0.mp4",
)  # fmt: skip
FILES = (
    "file:", "file:/", "file:.", "file:..", "file:../clip.mp4", "file:a/../../x", "file:/etc/passwd",
    "file:///etc/passwd", "file://host/clip.mp4", "file://localhost/etc/passwd", "file:nothere.mp4",
    "file:folder",
    "file:clip.mp4\0", "file:%2e%2e/clip.mp4", "file:..\\clip.mp4", "file:link-out.mp4",
    "file:folder/link-up/x",
    "file:~/clip.mp4", "file:clip.mp4|x", "file:clip.mp4?x", "file:/proc/self/environ", "FILE:/etc/passwd",
    "file:/dev/stdin", "file:" + "x" * 2000,
)  # fmt: skip


@pytest.fixture
def clips(tmp_path: Path) -> Path:
    folder = tmp_path / "clips"
    (folder / "folder").mkdir(parents=True)
    (folder / "clip.mp4").write_bytes(b"x")
    (tmp_path / "outside.mp4").write_bytes(b"x")
    (folder / "link-in.mp4").symlink_to("clip.mp4")
    (folder / "link-out.mp4").symlink_to("../outside.mp4")
    (folder / "folder" / "link-up").symlink_to("../..")
    return folder


@pytest.mark.parametrize(("text", "shown"), TAKEN.items())
def test_a_camera_is_taken_and_shown_without_its_secrets(text: str, shown: str, tmp_path: Path) -> None:
    address = parse_address(text, tmp_path)
    assert isinstance(address, RtspAddress)
    assert address.shown == shown
    assert SECRET not in f"{address} {address!r} {[address]} {address.shown}"


def test_a_clip_is_taken(clips: Path) -> None:
    clip = clips / "clip.mp4"
    for text in ("file:clip.mp4", "file:./clip.mp4", f"file:{clip}", f"file://{clip}", "file:link-in.mp4"):
        assert parse_address(text, clips) == FileAddress(clip)


CORPUS = [f"{scheme}://cam1/x" for scheme in SCHEMES]
CORPUS += [f"{scheme}:/etc/passwd" for scheme in SCHEMES]
CORPUS += [f"rtsp://u:{SECRET}@{host}/x" for host in HOSTS]
CORPUS += [*SHAPES, *FILES]


def test_the_corpus_is_as_large_as_demanded() -> None:
    assert len(set(CORPUS)) >= 200


@pytest.mark.parametrize("text", CORPUS)
def test_everything_else_is_refused_and_nothing_repeated(text: str, clips: Path) -> None:
    with pytest.raises(SourceRefused) as caught:
        parse_address(text, clips, "camera cam-1: url")
    message = str(caught.value)
    assert message.startswith("camera cam-1: url: ")
    assert SECRET not in message
    assert message.isprintable()


def test_an_address_that_a_name_leads_to_is_judged_too() -> None:
    for bad in ("169.254.169.254", "::ffff:10.0.0.1", "fe80::1", "224.0.0.9", "0.0.0.0"):
        with pytest.raises(SourceRefused):
            check_ip(ipaddress.ip_address(bad), "host")
    for good in ("10.0.0.1", "192.168.1.7", "127.0.0.1", "::1", "fd00::7"):
        check_ip(ipaddress.ip_address(good), "host")


def test_the_judged_number_takes_the_names_place() -> None:
    address = parse_address("rtsp://u:p%40@cam1:8554/a?b=c", Path())
    assert isinstance(address, RtspAddress)
    assert address.at(ipaddress.ip_address("10.0.0.5")) == "rtsp://u:p%40@10.0.0.5:8554/a?b=c"
    assert address.at(ipaddress.ip_address("fd00::7")) == "rtsp://u:p%40@[fd00::7]:8554/a?b=c"


@given(st.text(max_size=200))
def test_any_text_is_taken_or_refused(text: str) -> None:
    for candidate in (text, f"rtsp://{text}", f"rtsp://h/{text}", f"file:{text}"):
        try:
            address = parse_address(candidate, Path("/nowhere"))
        except SourceRefused:
            continue
        assert isinstance(address, RtspAddress)
