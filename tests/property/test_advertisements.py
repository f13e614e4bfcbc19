"""S8: whatever anybody shouts on the network is a box, or is refused; nothing else happens."""

import asyncio
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.provisioning.discovering import (
    MAX_ENTRIES,
    AdvertisementRefused,
    Discovery,
    Found,
    read_advertisement,
)
from edge_agent.provisioning.wire import SERVICE

GOOD = {b"txtvers": b"1", b"id": b"box-7", b"api": b"1", b"fp": b"ABCD-EFGH-2345-MNOP", b"st": b"new"}
values = st.none() | st.binary(max_size=300) | st.sampled_from(list(GOOD.values()))
texts = st.dictionaries(st.sampled_from(list(GOOD)) | st.binary(max_size=20), values, max_size=12)


def test_a_box_is_read() -> None:
    found = read_advertisement(GOOD, ["192.0.2.7", "fe80::1"], 7460)
    assert found == Found("box-7", "new", "ABCD-EFGH-2345-MNOP", ("192.0.2.7", "fe80::1"), 7460)
    assert found.hosts == ["192.0.2.7:7460", "[fe80::1]:7460"]


@given(texts, st.lists(st.just("192.0.2.7"), max_size=20), st.integers(-1, 70_000))
def test_hostile_entries(changes: dict[bytes, bytes | None], addresses: list[str], port: int) -> None:
    try:
        found = read_advertisement(GOOD | changes, addresses, port)
    except AdvertisementRefused as error:
        assert len(str(error)) <= 300
        assert str(error).isprintable()
        return
    assert found.box.isascii()
    assert len(found.addresses) <= 8


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (b"id", b"*"),
        (b"id", b"<img src=x onerror=alert(1)>"),
        (b"id", "бокс".encode()),
        (b"id", b"box-7\n"),
        (b"fp", b"ABCD-EFGH-2345-MNOP\n"),
        (b"fp", b"\x1b[2J"),
        (b"st", b"enrolled"),
        (b"txtvers", b"2"),
        (b"x", b"y" * 64_000),
    ],
)
def test_the_corpus(name: bytes, value: bytes) -> None:
    with pytest.raises(AdvertisementRefused):
        read_advertisement(GOOD | {name: value}, ["192.0.2.7"], 7460)


def test_a_flood_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """AC11: ten thousand services; 256 are looked at."""
    from zeroconf import ServiceStateChange

    looked: list[str] = []

    async def look(self: Discovery, zeroconf: object, service_type: str, name: str) -> None:
        looked.append(name)

    monkeypatch.setattr(Discovery, "_look", look)

    async def run() -> None:
        discovery = Discovery()
        for number in range(10_000):
            discovery._changed(None, SERVICE, f"box-{number}.{SERVICE}", ServiceStateChange.Added)  # type: ignore[arg-type]
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    asyncio.run(run())
    assert len(looked) == MAX_ENTRIES


def test_nothing_advertised_is_connected_to() -> None:
    """Somebody advertises a service on this machine; discovery must not touch it."""
    from zeroconf.asyncio import AsyncServiceInfo, AsyncZeroconf

    with socket.create_server(("127.0.0.1", 0)) as victim:
        victim.setblocking(False)
        port = victim.getsockname()[1]

        async def run() -> Discovery:
            speaker = AsyncZeroconf(interfaces=["127.0.0.1"])
            text = {k.decode(): v for k, v in GOOD.items()} | {"id": "box-lure"}
            info = AsyncServiceInfo(
                SERVICE,
                f"box-lure.{SERVICE}",
                addresses=[socket.inet_aton("127.0.0.1")],
                port=port,
                properties=text,
            )
            await (await speaker.async_register_service(info))
            discovery = Discovery()
            await discovery.run(2)
            await speaker.async_close()
            return discovery

        discovery = asyncio.run(run())
        if not any(found.box == "box-lure" for found in discovery.found.values()):
            pytest.skip("multicast does not work on this machine")
        with pytest.raises(BlockingIOError):
            victim.accept()
