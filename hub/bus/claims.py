"""Telling the running server which account is meant, and seeing that it holds exactly that."""

# pyright: reportUnknownMemberType=false
# nats-py leaves its keyword arguments untyped.

import asyncio
import json
import logging
from collections.abc import Callable

from nats.aio.client import Client
from nats.errors import Error as NatsError

from hub.bus.accounts import BusAccounts, system_login
from hub.bus.connection import connect, end
from hub.bus.errors import BusAway, BusError

_log = logging.getLogger(__name__)

COMPARE_EVERY_S = 60.0
_ANSWER_WITHIN_S = 5.0


async def assert_account(url: str, accounts: BusAccounts, now_s: int) -> bool:
    """See to it that the server holds ``accounts.account_jwt``; return whether it held another one.

    The server takes any well-formed account with a later date, even one that locks all boxes out, and says
    "200". So what counts is reading it back. Raises ``BusAway``, and ``BusError`` when it will not take ours.
    """
    client = await connect(url, system_login(accounts.keys, now_s))
    try:
        if await _held(client, accounts) == accounts.account_jwt:
            return False
        await _push(client, accounts)
        if await _held(client, accounts) != accounts.account_jwt:
            raise BusError(
                "the bus holds another account than the hub means; restart the hub to put its own in"
            )
        return True
    except (NatsError, TimeoutError, OSError) as error:
        raise BusAway(f"{url}: {error or type(error).__name__}") from error
    finally:
        await end(client)


async def watch_account(
    url: Callable[[], str],
    accounts: Callable[[], BusAccounts],
    now_s: Callable[[], int],
    alarm: Callable[[str], None],
) -> None:
    """Compare every minute, put it right, and say so, until cancelled."""
    while True:
        try:
            if await assert_account(url(), accounts(), now_s()):
                alarm("the bus held a foreign account; the hub's own was put back")
        except BusAway as error:
            _log.warning("the bus's account could not be compared: %s", error)
        except BusError as error:
            alarm(str(error))
        await asyncio.sleep(COMPARE_EVERY_S)


async def _push(client: Client, accounts: BusAccounts) -> None:
    reply = await client.request(
        "$SYS.REQ.CLAIMS.UPDATE", accounts.account_jwt.encode(), timeout=_ANSWER_WITHIN_S
    )
    answer = json.loads(reply.data)
    if "error" in answer:
        raise BusError(f"the bus refused the account: {answer['error'].get('description')}")


async def _held(client: Client, accounts: BusAccounts) -> str:
    subject = f"$SYS.REQ.ACCOUNT.{accounts.keys.account.public}.CLAIMS.LOOKUP"
    return (await client.request(subject, b"", timeout=_ANSWER_WITHIN_S)).data.decode()
