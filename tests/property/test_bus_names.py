"""S2: no name but a plain one ever gets a signature, so no template ever grows a wildcard."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.bus.accounts import device_jwt, read_claims
from hub.bus.keys import BusKeys
from shared.identity import IDENTITY_PATTERN
from shared.nkey import KeyKind, check_key, fingerprint, is_signed_by, make_key, public_key_bytes

KEYS = BusKeys(
    *(
        make_key(kind, bytes([i] * 32))
        for i, kind in enumerate([KeyKind.OPERATOR] * 2 + [KeyKind.ACCOUNT] * 5)
    )
)
BOX = make_key(KeyKind.USER, bytes(range(32)))
names = (
    st.text(max_size=70)
    | st.text(alphabet="ab1-.*>_ {}\n\0AЁ", max_size=66)
    | st.from_regex(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", fullmatch=True)
)


@settings(max_examples=300)
@given(box=names, site=names)
def test_only_plain_names_are_signed(box: str, site: str) -> None:
    is_plain = re.match(IDENTITY_PATTERN, box) and re.match(IDENTITY_PATTERN, site)
    if not is_plain:
        with pytest.raises(ValueError, match=r"^(box|site): "):
            device_jwt(KEYS, box=box, site=site, public_key=BOX.public, now_s=1)
        return
    claims = read_claims(device_jwt(KEYS, box=box, site=site, public_key=BOX.public, now_s=1))
    assert claims["name"] == box
    assert claims["nats"]["tags"] == [f"site:{site}"]
    assert not {"pub", "sub", "bearer_token"} & claims["nats"].keys()


@pytest.mark.parametrize("box", ["*", ">", "a.b", "cam-1 ", "cam-1\n", "a" * 64, "", "-a", "bоx"])
def test_the_classics(box: str) -> None:
    with pytest.raises(ValueError, match=r"^box: "):
        device_jwt(KEYS, box=box, site="kosshy", public_key=BOX.public, now_s=1)


@given(st.binary(min_size=32, max_size=32), st.binary(max_size=64))
def test_a_key_signs_and_is_recognised(secret: bytes, message: bytes) -> None:
    key = make_key(KeyKind.USER, secret)
    assert key.public.startswith("U")
    assert key.seed.startswith("SU")
    assert check_key(key.public, key.seed) == key
    signature = key.sign(message)
    assert is_signed_by(key.public, message, signature)
    assert not is_signed_by(key.public, message + b"x", signature)
    assert not is_signed_by(BOX.public, message, signature) or key == BOX
    assert re.fullmatch(r"[A-Z2-7]{4}(-[A-Z2-7]{4}){3}", fingerprint(key.public))
    assert key.seed not in repr(key)


@given(st.text(max_size=60) | st.text(alphabet="ABCDEFGHU234567", min_size=56, max_size=56))
def test_what_is_no_public_key_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"^nkey_public: not a public key"):
        public_key_bytes(text)


@given(st.integers(0, 55), st.sampled_from("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"))
def test_one_wrong_letter_is_noticed(position: int, letter: str) -> None:
    wrong = BOX.public[:position] + letter + BOX.public[position + 1 :]
    if wrong != BOX.public:
        with pytest.raises(ValueError, match="nkey_public"):
            public_key_bytes(wrong)


def test_keys_are_those_of_nkeys() -> None:
    """Parity with the reference implementation."""
    import nkeys

    for kind in KeyKind:
        key = make_key(kind, bytes(range(32)))
        assert nkeys.encode_seed(bytes(range(32)), int(kind)).decode() == key.seed
        assert nkeys.from_seed(bytearray(key.seed.encode())).public_key.decode() == key.public


def test_halves_that_do_not_belong_together_are_refused() -> None:
    other = make_key(KeyKind.USER, bytes(32))
    with pytest.raises(ValueError, match="does not belong"):
        check_key(BOX.public, other.seed)
    with pytest.raises(ValueError, match="seed"):
        check_key(BOX.public, "rubbish")
