"""Signing in, the set-up link, and how sessions end."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from hub.domain.access import Role
from hub.services import sessions
from tests.fakes.hub import PASSWORD, RunningHub

API = "/api/v1"
PERSON = {"username": "aliya", "password": PASSWORD, "display_name": "Әлия", "locale": "kk"}


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[RunningHub]:
    with RunningHub(tmp_path) as hub:
        yield hub


def link_token(hub: RunningHub) -> str:
    assert hub.ready.setup_link
    return hub.ready.setup_link.rpartition("/")[2]


def sign_in(client: httpx.Client, username: str, password: str = PASSWORD, **headers: str) -> httpx.Response:
    body = {"username": username, "password": password}
    return client.post(f"{API}/session", json=body, headers=headers)


def test_the_link_makes_one_admin_once(hub: RunningHub) -> None:
    token = link_token(hub)
    with hub.client() as client:
        weak = client.post(f"{API}/setup", json=PERSON | {"token": token, "password": "aliya"})
        assert weak.status_code == 422
        assert [error["field"] for error in weak.json()["errors"]] == ["password"]
        assert client.post(f"{API}/setup", json=PERSON | {"token": "x" * 43}).status_code == 403
        made = client.post(f"{API}/setup", json=PERSON | {"token": token})
        assert made.status_code == 200, made.text
        assert made.json()["user"]["role"] == "admin"
        assert client.get(f"{API}/session").json()["user"]["display_name"] == "Әлия"
    with hub.client() as client:
        again = client.post(f"{API}/setup", json=PERSON | {"token": token, "username": "second"})
        assert again.status_code == 403
        assert "saqshy hub init" in again.json()["detail"]
    assert hub.call(sessions.new_setup_link_token(hub.desk.parts.database, 0)) is None


def test_a_second_link_is_worth_nothing_once_there_is_a_user(hub: RunningHub) -> None:
    database, now_us = hub.desk.parts.database, hub.desk.parts.now_us()
    other = hub.call(sessions.new_setup_link_token(database, now_us))
    old = hub.call(sessions.new_setup_link_token(database, now_us - 24 * 3_600_000_000))
    with hub.client() as client:
        assert client.post(f"{API}/setup", json=PERSON | {"token": old}).status_code == 403
        assert client.post(f"{API}/setup", json=PERSON | {"token": link_token(hub)}).status_code == 200
        late = client.post(f"{API}/setup", json=PERSON | {"token": other, "username": "second"})
    assert late.status_code == 403


def test_guessing_is_held_up_whatever_the_headers_say(hub: RunningHub) -> None:
    hub.add_user("aliya", Role.ADMIN)
    with hub.client() as client:
        answers = [
            sign_in(
                client, "aliya", f"wrong {n}", **{"x-forwarded-for": f"10.0.0.{n}", "forwarded": f"for={n}"}
            )
            for n in range(40)
        ]
    assert [answer.status_code for answer in answers] == [401] * 10 + [429] * 30
    assert 0 < int(answers[-1].headers["retry-after"]) <= 60


def test_a_wrong_name_and_a_wrong_password_sound_the_same(hub: RunningHub) -> None:
    hub.add_user("aliya", Role.ADMIN)
    with hub.client() as client:
        answers = [sign_in(client, "aliya", "wrong"), sign_in(client, "nobody", "wrong")]
    assert [answer.status_code for answer in answers] == [401, 401]
    assert answers[0].json() == answers[1].json()
    assert "set-cookie" not in answers[0].headers


def test_a_disabled_user_is_out_at_once_and_cannot_come_back(hub: RunningHub) -> None:
    hub.add_user("boss", Role.ADMIN)
    user_id = hub.add_user("omar", Role.OPERATOR)
    with hub.client("boss") as boss, hub.client("omar") as omar:
        assert boss.patch(f"{API}/users/{user_id}", json={"disabled": True}).status_code == 200
        assert omar.get(f"{API}/session").status_code == 401
        assert sign_in(omar, "omar").status_code == 401
        assert boss.patch(f"{API}/users/{user_id}", json={"disabled": False}).status_code == 200
        assert omar.get(f"{API}/session").status_code == 401
        assert sign_in(omar, "omar").status_code == 200


def test_the_last_admin_stays(hub: RunningHub) -> None:
    user_id = hub.add_user("boss", Role.ADMIN)
    with hub.client("boss") as boss:
        for change in ({"disabled": True}, {"role": "operator"}):
            answer = boss.patch(f"{API}/users/{user_id}", json=change)
            assert answer.status_code == 409
            assert "last admin" in answer.json()["detail"]
        assert boss.get(f"{API}/session").status_code == 200


def test_a_new_password_needs_the_old_one_and_ends_the_other_sessions(hub: RunningHub) -> None:
    hub.add_user("omar", Role.OPERATOR)
    new = "басқа құпия сөз 5"
    with hub.client("omar") as here, hub.client("omar") as there:
        change = {"old_password": "not it at all", "new_password": new}
        assert here.put(f"{API}/session/password", json=change).status_code == 422
        change["old_password"] = PASSWORD
        assert here.put(f"{API}/session/password", json=change).status_code == 204
        assert here.get(f"{API}/session").status_code == 200
        assert there.get(f"{API}/session").status_code == 401
        assert sign_in(there, "omar").status_code == 401
        assert sign_in(there, "omar", new).status_code == 200


def test_tokens_and_passwords_are_not_in_the_database(hub: RunningHub, tmp_path: Path) -> None:
    hub.add_user("omar", Role.OPERATOR)
    with hub.client("omar") as client:
        secrets = [client.cookies["saqshy_session"], PASSWORD, link_token(hub)]
    stored = b"".join(path.read_bytes() for path in tmp_path.glob("hub.db*"))
    assert b"$argon2id$" in stored
    for secret in secrets:
        assert secret.encode() not in stored
