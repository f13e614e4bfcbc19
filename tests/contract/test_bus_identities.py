"""What the bus lets a box do, tried against the real server: its own subjects, and nothing else."""

import asyncio
import json
import os
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs
from nats.errors import Error as NatsError

from hub.bus.accounts import (
    Login,
    make_accounts,
    read_claims,
    system_login,
    with_revocation,
)
from hub.bus.claims import assert_account
from hub.bus.connection import connect
from hub.bus.embedded import EmbeddedNats, check_version
from hub.bus.errors import BusUnfit, PortTaken
from shared.nkey import KeyKind, make_key
from tests.fakes.bus import RunningBus, now_s, running_bus

OWN = "saqshy.v1.kosshy.box-a"


def on_bus(folder: Path, test: Callable[[RunningBus], Awaitable[None]]) -> None:
    async def run() -> None:
        async with running_bus(folder) as bus:
            await test(bus)

    asyncio.run(run())


async def until(said: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not said():
            await asyncio.sleep(0.01)


def test_a_box_speaks_under_its_own_prefix_only(tmp_path: Path) -> None:
    """AC1 and AC3: nine foreign subjects; each is refused by name, none stores anything."""
    foreign = [
        "saqshy.v1.kosshy.box-b.evt.std.intrusion.cam-1",
        "saqshy.v1.kosshy.box-b.sos.button",
        "saqshy.v1.other.box-a.evt.std.intrusion.cam-1",
        "$JS.API.STREAM.INFO.EVT",
        "$JS.API.STREAM.PURGE.EVT",
        "$JS.API.STREAM.DELETE.EVT",
        "$JS.API.CONSUMER.CREATE.EVT",
        "$JS.API.CONSUMER.MSG.NEXT.EVT.ingest",
        "$SYS.REQ.CLAIMS.UPDATE",
        "_INBOX_box-b.x",
    ]

    async def test(bus: RunningBus) -> None:
        said: list[str] = []
        box = await bus.sign_in(bus.login("box-a"), "box-a", said)
        await box.jetstream().publish(f"{OWN}.evt.std.intrusion.cam-1", b"mine")
        for subject in foreign:
            await box.publish(subject, b"{}")
            await box.flush()
            await until(lambda s=subject: any(f'publish to "{s.lower()}"' in text.lower() for text in said))
        assert await bus.events_stored() == 1
        await box.close()

    on_bus(tmp_path, test)


def test_a_box_hears_its_own_commands_and_answers_only(tmp_path: Path) -> None:
    """AC2."""
    foreign = [
        "saqshy.v1.>",
        "saqshy.v1.kosshy.box-b.cmd.>",
        "saqshy.v1.kosshy.box-a.evt.>",
        "_INBOX.>",
        "_INBOX_box-b.>",
        ">",
    ]

    async def test(bus: RunningBus) -> None:
        said: list[str] = []
        box = await bus.sign_in(bus.login("box-a"), "box-a", said)
        heard: list[str] = []

        async def hear(message: Any) -> None:
            heard.append(message.subject)

        for subject in [*foreign, f"{OWN}.cmd.>"]:
            await box.subscribe(subject, cb=hear)
        await box.flush()
        for subject in foreign:
            await until(
                lambda s=subject: any(f'subscription to "{s.lower()}"' in text.lower() for text in said)
            )
        hub = await bus.hub.client()
        for subject in (
            "saqshy.v1.kosshy.box-b.cmd.x",
            "_INBOX_box-b.x",
            f"{OWN}.evt.std.x.y",
            f"{OWN}.cmd.x",
        ):
            await hub.publish(subject, b"")
        await until(lambda: bool(heard))
        assert heard == [f"{OWN}.cmd.x"]
        await box.close()

    on_bus(tmp_path, test)


def test_an_acknowledgement_cannot_be_turned_into_an_order(tmp_path: Path) -> None:
    """The server answers a publish on whatever reply subject it names, even one that the box may not use."""

    async def test(bus: RunningBus) -> None:
        box = await bus.sign_in(bus.login("box-a"), "box-a")
        for _ in range(3):
            await box.jetstream().publish(f"{OWN}.evt.std.x.y", b"x")
        for api in ("STREAM.PURGE.EVT", "STREAM.DELETE.EVT"):
            await box.publish(f"{OWN}.evt.std.x.y", b"x", reply=f"$JS.API.{api}")
        await box.jetstream().publish(f"{OWN}.evt.std.x.y", b"x")
        assert await bus.events_stored() == 6
        await box.close()

    on_bus(tmp_path, test)


def test_a_box_without_a_site_may_nothing(tmp_path: Path) -> None:
    """An empty template must not become "everything"."""

    async def test(bus: RunningBus) -> None:
        said: list[str] = []
        login = _resigned(bus, lambda claims: claims["nats"].update(tags=[]))
        box = await bus.sign_in(login, "box-a", said)
        for subject in (f"{OWN}.evt.std.x.y", "saqshy.v1..box-a.evt.std.x.y", "anything"):
            await box.publish(subject, b"{}")
        await box.subscribe(">")
        await box.flush()
        await until(lambda: len(said) == 4)
        assert await bus.events_stored() == 0
        await box.close()

    on_bus(tmp_path, test)


Forge = Callable[[RunningBus], Login]


def _without_seed(bus: RunningBus) -> Login:
    return Login(bus.login("box-a").jwt, make_key(KeyKind.USER, os.urandom(32)))


def _resigned(bus: RunningBus, change: Callable[[dict[str, Any]], None], signer: Any = None) -> Login:
    from hub.bus import accounts

    login = bus.login("box-a")
    claims = read_claims(login.jwt)
    del claims["jti"], claims["iss"]
    change(claims)
    return Login(accounts._sign(claims, signer or bus.keys.device_signing, now_s()), login.key)


def _expired(bus: RunningBus) -> Login:
    return _resigned(bus, lambda claims: claims.update(exp=now_s() - 1))


def _bearer(bus: RunningBus) -> Login:
    return _resigned(bus, lambda claims: claims["nats"].update(bearer_token=True))


def _own_permissions(bus: RunningBus) -> Login:
    return _resigned(bus, lambda claims: claims["nats"].update(pub={"allow": [">"]}, sub={"allow": [">"]}))


def _unknown_signer(bus: RunningBus) -> Login:
    return _resigned(bus, lambda claims: None, make_key(KeyKind.ACCOUNT, os.urandom(32)))


def _account_itself(bus: RunningBus) -> Login:
    return _resigned(bus, lambda claims: None, bus.keys.account)


@pytest.mark.parametrize(
    "forge",
    [_without_seed, _expired, _bearer, _own_permissions, _unknown_signer, _account_itself],
)
def test_forged_credentials_do_not_sign_in(tmp_path: Path, forge: Forge) -> None:
    """AC6; the seventh kind, a revoked key, has a test of its own below."""

    async def test(bus: RunningBus) -> None:
        with pytest.raises(NatsError, match=r"(?i)authorization violation"):
            await bus.sign_in(forge(bus), "box-a")

    on_bus(tmp_path, test)


async def _is_refused(bus: RunningBus, login: Login, box: str) -> bool:
    try:
        client = await bus.sign_in(login, box)
    except NatsError:
        return True
    await client.close()
    return False


def test_a_revoked_box_is_out_at_once_and_stays_out(tmp_path: Path) -> None:
    """S4, without the power cut: the other box is undisturbed; a restart changes nothing."""

    async def test(bus: RunningBus) -> None:
        stolen, honest = bus.login("box-a"), bus.login("box-b")
        gone = await bus.sign_in(stolen, "box-a")
        stays = await bus.sign_in(honest, "box-b")
        revoked = with_revocation(bus.accounts, stolen.key.public, now_s())
        bus.server.set_accounts(revoked)
        assert await assert_account(bus.server.url, revoked, now_s())
        await until(lambda: gone.is_closed)
        assert stays.is_connected
        assert await _is_refused(bus, stolen, "box-a")
        await bus.server.stop()
        await bus.server.start()
        await bus.hub.client()
        assert await _is_refused(bus, stolen, "box-a")
        assert not await _is_refused(bus, honest, "box-b")
        await stays.close()

    on_bus(tmp_path, test)


def test_an_older_account_does_not_bring_a_revoked_box_back(tmp_path: Path) -> None:
    """D6: the server itself takes the older account; the comparison finds it and puts ours back."""

    async def test(bus: RunningBus) -> None:
        stolen = bus.login("box-a")
        revoked = with_revocation(bus.accounts, stolen.key.public, now_s())
        bus.server.set_accounts(revoked)
        await assert_account(bus.server.url, revoked, now_s())
        system = await connect(bus.server.url, system_login(bus.keys, now_s()))
        await system.request("$SYS.REQ.CLAIMS.UPDATE", bus.accounts.account_jwt.encode())
        assert not await _is_refused(bus, stolen, "box-a"), "the hole that the comparison closes"
        assert await assert_account(bus.server.url, revoked, now_s())
        assert await _is_refused(bus, stolen, "box-a")
        await system.close()

    on_bus(tmp_path, test)


def test_a_forged_account_does_not_survive_a_restart(tmp_path: Path) -> None:
    """D6: signed by nobody we know, dated ahead of us; the server stores it and says "200"."""

    async def test(bus: RunningBus) -> None:
        forger = structs.replace(bus.keys, operator_signing=make_key(KeyKind.OPERATOR, os.urandom(32)))
        forged = make_accounts(forger, now_s() + 86_400)
        system = await connect(bus.server.url, system_login(bus.keys, now_s()))
        answer = await system.request("$SYS.REQ.CLAIMS.UPDATE", forged.account_jwt.encode())
        assert json.loads(answer.data)["data"]["code"] == 200
        await system.close()
        await bus.server.stop()
        await bus.server.start()
        assert not await assert_account(bus.server.url, bus.accounts, now_s())
        assert not await _is_refused(bus, bus.login("box-a"), "box-a")

    on_bus(tmp_path, test)


def test_the_server_dies_with_a_hub_that_is_killed(tmp_path: Path) -> None:
    program = f"""
import asyncio
from pathlib import Path
from tests.fakes.bus import RunningBus
async def main():
    bus = RunningBus(Path({str(tmp_path)!r}))
    await bus.server.start()
    print(bus.server.pid, flush=True)
    await asyncio.sleep(600)
asyncio.run(main())
"""

    async def test() -> None:
        import sys

        hub = await asyncio.create_subprocess_exec(
            sys.executable, "-c", program, stdout=asyncio.subprocess.PIPE
        )
        assert hub.stdout
        server = int(await hub.stdout.readline())
        assert _is_alive(server)
        hub.kill()
        await hub.wait()
        await until(lambda: not _is_alive(server))

    asyncio.run(test())


def _is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_the_server_comes_back_when_it_dies(tmp_path: Path) -> None:
    async def test(bus: RunningBus) -> None:
        first = bus.server.pid
        assert first
        os.kill(first, 9)
        await until(lambda: bus.server.pid not in (None, first))
        assert (await bus.hub.client()).is_connected

    on_bus(tmp_path, test)


def test_a_taken_port_is_said_so(tmp_path: Path) -> None:
    async def test(bus: RunningBus) -> None:
        second = EmbeddedNats(tmp_path / "second", bus.accounts, port=bus.server.port)
        with pytest.raises(
            PortTaken, match=f"port {bus.server.port} of 127.0.0.1 is taken; choose another port"
        ):
            await second.start()

    on_bus(tmp_path, test)


@pytest.mark.parametrize("said", ["nats-server: v2.9.10", "nats-server: v2.14.2", "something else"])
def test_an_old_server_is_refused(tmp_path: Path, said: str) -> None:
    program = tmp_path / "nats-server"
    program.write_text(f"#!/bin/sh\necho '{said}'\n")
    program.chmod(0o755)
    with pytest.raises(BusUnfit, match=re.escape(said) + r".*2\.14\.3.*install saqshy\[hub\]"):
        asyncio.run(check_version(program))


def test_secrets_are_readable_by_the_hub_only(tmp_path: Path) -> None:
    async def test(bus: RunningBus) -> None:
        for path in (tmp_path / "keys" / "bus-keys.json", tmp_path / "nats" / "nats-server.conf"):
            assert path.stat().st_mode & 0o077 == 0
        assert bus.keys.account.seed not in repr(bus.accounts)
        assert bus.keys.account.seed not in (tmp_path / "nats" / "nats-server.conf").read_text()

    on_bus(tmp_path, test)
