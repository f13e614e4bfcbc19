"""Who may do what on the bus: NATS identities (JWT version 2, ``ed25519-nkey``) in pure Python.

The operator signs accounts, an account's signing keys sign users. Boxes are signed with a *scoped* key: what
they may do stands in the account, as a template over their name and site, so that even the holder of that
key can make nothing but boxes.
"""

import base64
import hashlib
import json
import os
from collections.abc import Mapping
from typing import Any

import msgspec

from hub.bus.keys import BusKeys
from shared.identity import check_identity
from shared.nkey import Key, KeyKind, make_key, public_key_bytes
from shared.subjects import ROOT

PAYLOAD_BYTES = 262_144
"""A box's largest message; above the stream's 65,536, where the refusal is clean and the link stays up."""

_OWN = ROOT + ".{{tag(site)}}.{{name()}}"
_DEVICE_TEMPLATE = {
    "pub": {"allow": [f"{_OWN}.>"]},
    "sub": {"allow": [f"{_OWN}.cmd.>", "_INBOX_{{name()}}.>"]},
    "subs": 32,
    "data": -1,
    "payload": PAYLOAD_BYTES,
    "allowed_connection_types": ["STANDARD"],
}


class BusAccounts(msgspec.Struct, frozen=True):
    """What the running server is meant to hold; ``account_jwt`` carries the revocations."""

    keys: BusKeys
    operator_jwt: str
    system_jwt: str
    account_jwt: str

    @property
    def preload(self) -> dict[str, str]:
        """Account public key → JWT, for ``resolver_preload``."""
        return {self.keys.system.public: self.system_jwt, self.keys.account.public: self.account_jwt}


class Login(msgspec.Struct, frozen=True):
    """What a client signs in with."""

    jwt: str
    key: Key


def make_accounts(keys: BusKeys, now_s: int, stored_account_jwt: str | None = None) -> BusAccounts:
    """Sign the operator and both accounts anew; the revocations of the stored account are kept.

    ``now_s`` is UTC in seconds. Raises ``ValueError`` when the stored account is another one than the keys'.
    """
    revocations: dict[str, int] = {}
    if stored_account_jwt is not None:
        stored = read_claims(stored_account_jwt)
        if stored["sub"] != keys.account.public:
            raise ValueError("bus_account: the database's account is not the one of keys/bus-keys.json")
        revocations = stored["nats"].get("revocations", {})
    return BusAccounts(
        keys, _operator_jwt(keys, now_s), _system_jwt(keys, now_s), _account_jwt(keys, now_s, revocations)
    )


def with_revocation(accounts: BusAccounts, public_key: str, now_s: int) -> BusAccounts:
    """Refuse every JWT of ``public_key`` that was signed up to ``now_s``; a later one is taken again."""
    public_key_bytes(public_key)
    revocations = read_claims(accounts.account_jwt)["nats"].get("revocations", {}) | {public_key: now_s}
    return msgspec.structs.replace(accounts, account_jwt=_account_jwt(accounts.keys, now_s, revocations))


def device_jwt(keys: BusKeys, *, box: str, site: str, public_key: str, now_s: int) -> str:
    """Sign a box in. It carries no permissions: the account's template decides by its name and site.

    Raises ``ValueError`` for a box or site that is not a plain name (a box named ``*`` could speak for all)
    and for a key that is not one.
    """
    public_key_bytes(public_key)
    claims = {
        "sub": public_key,
        "name": check_identity(box, "box"),
        "nats": {
            "type": "user",
            "version": 2,
            "issuer_account": keys.account.public,
            "tags": [f"site:{check_identity(site, 'site')}"],
        },
    }
    return _sign(claims, keys.device_signing, now_s)


def hub_login(keys: BusKeys, now_s: int) -> Login:
    """A fresh identity for the hub itself; it lives in memory only."""
    return _login("hub", keys.account_signing, keys.account.public, now_s)


def system_login(keys: BusKeys, now_s: int) -> Login:
    """A fresh identity for pushing accounts to the server; it lives in memory only."""
    return _login("hub-system", keys.system_signing, keys.system.public, now_s)


def read_claims(jwt: str) -> dict[str, Any]:
    """The claims of a JWT; its signature is not looked at."""
    body = jwt.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))


def _operator_jwt(keys: BusKeys, now_s: int) -> str:
    nats = {
        "type": "operator",
        "version": 2,
        "system_account": keys.system.public,
        "signing_keys": [keys.operator_signing.public],
        "strict_signing_key_usage": True,
    }
    return _sign({"sub": keys.operator.public, "name": "saqshy", "nats": nats}, keys.operator, now_s)


def _system_jwt(keys: BusKeys, now_s: int) -> str:
    nats = _account_claims([keys.system_signing.public])
    claims = {"sub": keys.system.public, "name": "system", "nats": nats}
    return _sign(claims, keys.operator_signing, now_s)


def _account_jwt(keys: BusKeys, now_s: int, revocations: Mapping[str, int]) -> str:
    scope = {
        "kind": "user_scope",
        "key": keys.device_signing.public,
        "role": "device",
        "template": _DEVICE_TEMPLATE,
    }
    nats = _account_claims([scope, keys.account_signing.public])
    nats["limits"] |= {"mem_storage": -1, "disk_storage": -1, "streams": -1, "consumer": -1}
    if revocations:
        nats["revocations"] = dict(revocations)
    return _sign({"sub": keys.account.public, "name": "city", "nats": nats}, keys.operator_signing, now_s)


def _account_claims(signing_keys: list[Any]) -> dict[str, Any]:
    limits = {"subs": -1, "data": -1, "payload": -1, "imports": -1, "exports": -1, "conn": -1, "leaf": -1}
    return {
        "type": "account",
        "version": 2,
        "limits": limits | {"wildcards": True, "disallow_bearer": True},
        "signing_keys": signing_keys,
        "default_permissions": {"pub": {}, "sub": {}},
    }


def _login(name: str, signer: Key, account: str, now_s: int) -> Login:
    key = make_key(KeyKind.USER, os.urandom(32))
    nats = {"type": "user", "version": 2, "subs": -1, "data": -1, "payload": -1, "issuer_account": account}
    return Login(_sign({"sub": key.public, "name": name, "nats": nats}, signer, now_s), key)


def _sign(claims: dict[str, Any], signer: Key, now_s: int) -> str:
    claims = {"iat": now_s, "iss": signer.public, **claims}
    digest = hashlib.sha256(_json(claims)).digest()
    claims["jti"] = base64.b32encode(digest).decode().rstrip("=")
    text = f"{_HEAD}.{_base64(_json(claims))}"
    return f"{text}.{_base64(signer.sign(text.encode()))}"


def _json(claims: dict[str, Any]) -> bytes:
    return json.dumps(claims, separators=(",", ":"), sort_keys=True).encode()


def _base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


_HEAD = _base64(b'{"typ":"JWT","alg":"ed25519-nkey"}')
