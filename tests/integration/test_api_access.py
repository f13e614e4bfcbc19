"""Who may call what: every route of the running hub, with and without a session, for every role."""

import re
from typing import Any

import httpx
import pytest

from hub.api.application import describe_api
from hub.api.guards import OPEN
from hub.domain.access import Role
from tests.fakes.hub import PASSWORD, RunningHub

O, S, A, T = Role.OPERATOR, Role.SUPERVISOR, Role.ADMIN, Role.TECHNICIAN  # noqa: E741
ALL = {O, S, A, T}
OPERATORS = {O, S, A}
API = "/api/v1"
ROUTES: dict[tuple[str, str], set[Role] | str] = {
    ("POST", "/session"): OPEN,
    ("POST", "/setup"): OPEN,
    ("GET", "/health"): OPEN,
    ("GET", "/session"): ALL,
    ("DELETE", "/session"): ALL,
    ("PUT", "/session/password"): ALL,
    ("GET", "/users"): {A},
    ("POST", "/users"): {A},
    ("PATCH", "/users/{user_id:int}"): {A},
    ("GET", "/incidents"): ALL,
    ("GET", "/incidents/{incident_id:str}"): ALL,
    ("POST", "/incidents/{incident_id:str}/acknowledge"): OPERATORS,
    ("POST", "/incidents/{incident_id:str}/resolve"): OPERATORS,
    ("POST", "/incidents/{incident_id:str}/close"): OPERATORS,
    ("POST", "/incidents/{incident_id:str}/reopen"): OPERATORS,
    ("POST", "/incidents/{incident_id:str}/verdict"): OPERATORS,
    ("POST", "/incidents/{incident_id:str}/note"): OPERATORS,
    ("GET", "/stream"): ALL,
    ("GET", "/evidence/{evidence_id:str}"): ALL,
    ("POST", "/events/{event_id:str}/clip"): OPERATORS,
    ("GET", "/events/{event_id:str}/clip"): OPERATORS,
    ("GET", "/events/{event_id:str}/clip.mp4"): OPERATORS,
    ("GET", "/cameras/{camera:str}/live.jpg"): OPERATORS,
    ("DELETE", "/cameras/{camera:str}/live.jpg"): OPERATORS,
    ("GET", "/looks"): {S, A},
    ("GET", "/map"): ALL,
    ("PUT", "/map/base"): {A},
    ("PUT", "/cameras/{camera_id:str}"): {T, A},
    ("GET", "/devices"): ALL,
    ("POST", "/devices"): {T, A},
    ("DELETE", "/devices/{box:str}"): {A},
    ("GET", "/agencies"): ALL,
    ("POST", "/agencies"): {A},
    ("GET", "/receivers"): {S, A},
    ("POST", "/receivers"): {A},
    ("PATCH", "/receivers/{receiver_id:int}"): {A},
    ("GET", "/routes"): {S, A},
    ("POST", "/routes"): {A},
    ("DELETE", "/routes/{route_id:int}"): {A},
    ("GET", "/dispatches"): {S, A},
    ("POST", "/dispatches/{dispatch_id:int}/retry"): {S, A},
    ("GET", "/parked"): {A},
    ("POST", "/parked/{parked_id:int}/replay"): {A},
    ("GET", "/metrics"): {A},
    ("GET", "/schema"): ALL,
    ("GET", "/schema/openapi.json"): ALL,
    ("GET", "/schema/{path:str}"): ALL,
}
"""The whole API. A new route fails the tests until it stands here."""
CONSOLE = {("GET", "/"), ("GET", "/{path:path}")}
GUARDED = [key for key, roles in ROUTES.items() if roles != OPEN]


def served(hub: RunningHub) -> set[tuple[str, str]]:
    """Every route that the running application has."""
    app = hub.app
    return {
        (method, route.path)
        for route in app.routes
        for method in route.methods  # type: ignore[union-attr]
        if method != "OPTIONS"
    }


def filled(path: str) -> str:
    """The route's address with a thing that does not exist."""
    return API + re.sub(r"\{\w+:(\w+)\}", lambda kind: "999999" if kind[1] == "int" else "nothing", path)


def ask(client: httpx.Client, method: str, path: str) -> httpx.Response:
    if path == "/stream":
        with client.stream(method, filled(path)) as answer:
            return answer
    return client.request(method, filled(path))


def test_the_table_names_every_route(shared_hub: RunningHub) -> None:
    ours = {(method, API + path) for method, path in ROUTES}
    assert served(shared_hub) == ours | CONSOLE


def test_every_route_but_the_open_ones_refuses_without_a_session(shared_hub: RunningHub) -> None:
    with shared_hub.client() as client:
        answers = {key: ask(client, *key).status_code for key in GUARDED}
        forged = {"saqshy_session": "x" * 43}
        with httpx.Client(base_url=shared_hub.ready.url, cookies=forged, trust_env=False) as stranger:
            others = {key: ask(stranger, *key).status_code for key in GUARDED}
    assert set(answers.values()) == {401}, answers
    assert set(others.values()) == {401}, others


def test_asking_what_a_route_can_do_needs_a_session_too(shared_hub: RunningHub) -> None:
    paths = {path for _, path in GUARDED} - {path for (_, path), roles in ROUTES.items() if roles == OPEN}
    with shared_hub.client() as client:
        assert {client.options(filled(path)).status_code for path in paths} == {401}


@pytest.mark.parametrize("role", list(Role))
def test_each_role_may_do_what_its_row_says(shared_hub: RunningHub, role: Role) -> None:
    wrong: list[Any] = []
    with shared_hub.client(role) as client:
        for method, path in GUARDED:
            if (method, path) == ("DELETE", "/session"):
                continue
            status = ask(client, method, path).status_code
            expected = role in ROUTES[method, path]
            if (status != 403) is not expected or status in (401, 500):
                wrong.append((method, path, status))
    assert not wrong


def test_the_description_lists_the_routes_and_its_schemas_hold_no_secret(shared_hub: RunningHub) -> None:
    description = describe_api()
    described = {
        (method.upper(), path) for path, methods in description["paths"].items() for method in methods
    }
    plain = {(method, API + re.sub(r":\w+\}", "}", path)) for method, path in ROUTES if "/schema" not in path}
    assert described == plain
    outgoing = description["components"]["schemas"]["ReceiverView"]["properties"]
    assert "secret" not in outgoing
    with shared_hub.client(Role.OPERATOR) as client:
        assert client.get(f"{API}/schema/openapi.json").json()["info"]["title"] == "Saqshy hub"


def test_a_session_ends_with_signing_out(shared_hub: RunningHub) -> None:
    with shared_hub.client(Role.OPERATOR) as client:
        cookie = client.cookies["saqshy_session"]
        assert client.get(f"{API}/session").json()["user"]["role"] == "operator"
        assert client.delete(f"{API}/session").status_code == 204
    with httpx.Client(base_url=shared_hub.ready.url, cookies={"saqshy_session": cookie}) as client:
        assert client.get(f"{API}/session").status_code == 401


def test_the_cookie_is_out_of_reach_of_scripts_and_of_other_sites(shared_hub: RunningHub) -> None:
    with shared_hub.client() as client:
        answer = client.post(f"{API}/session", json={"username": "operator", "password": PASSWORD})
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert "path=/" in cookie


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 404),
        ({"origin": "@own"}, 404),
        ({"sec-fetch-site": "same-origin"}, 404),
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": "@own.evil.example"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
    ],
)
def test_a_page_of_another_site_cannot_act(
    shared_hub: RunningHub, headers: dict[str, str], status: int
) -> None:
    sent = {name: value.replace("@own", shared_hub.ready.url) for name, value in headers.items()}
    with shared_hub.client(Role.OPERATOR) as client:
        assert client.post(f"{API}/incidents/nothing/resolve", headers=sent).status_code == status
        assert client.get(f"{API}/session", headers=sent).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "field"),
    [
        ("GET", "/incidents?limit=0", None, 422, "limit"),
        ("GET", "/incidents?state=some", None, 422, "state"),
        ("GET", "/incidents?kind=ufo", None, 422, "kind"),
        ("POST", "/incidents/x/verdict", b'{"verdict":"maybe"}', 422, "verdict"),
        ("POST", "/incidents/x/note", b'{"text":""}', 422, "text"),
        ("POST", "/incidents/x/note", b'{"text":"a","other":1}', 422, None),
        ("POST", "/incidents/x/note", b"{", 400, None),
        ("POST", "/incidents/x/note", b"\xff", 400, None),
        ("POST", "/incidents/x/note", b'{"text":"' + b"a" * 70_000 + b'"}', 413, None),
        ("GET", "/nowhere", None, 404, None),
        ("PATCH", "/incidents", None, 405, None),
        ("GET", "/stream?after=-1", None, 422, "after"),
        ("PUT", "/cameras/nothing", b'{"lat":91,"lon":0}', 422, "lat"),
    ],
)
def test_every_refusal_is_a_problem_that_names_the_field(
    shared_hub: RunningHub, method: str, path: str, body: bytes | None, status: int, field: str | None
) -> None:
    with shared_hub.client(Role.ADMIN) as client:
        answer = client.request(
            method, API + path, content=body, headers={"content-type": "application/json"}
        )
    problem = answer.json()
    assert answer.status_code == status, problem
    assert answer.headers["content-type"] == "application/problem+json"
    assert {"type", "title", "status", "detail"} <= set(problem)
    assert problem["status"] == status
    if field:
        assert [error["field"] for error in problem["errors"]] == [field]


def test_the_browser_is_told_to_run_our_files_only(shared_hub: RunningHub) -> None:
    with shared_hub.client() as client:
        answers = [
            client.get("/"),
            client.get(f"{API}/health"),
            client.get("/nothing"),
            client.get(f"{API}/map"),
        ]
    for answer in answers:
        policy = answer.headers["content-security-policy"]
        assert "default-src 'self'" in policy
        assert "unsafe" not in policy
        assert "blob:" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["x-frame-options"] == "DENY"
        assert "server" not in answer.headers
    assert answers[1].json() == {"status": "ok"}
    assert answers[1].headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "path",
    [
        "/../hub.db", "/..%2fhub.db", "/%2e%2e/hub.db", "/assets/../../app.py", "/..\\hub.db", "//etc/passwd",
        "/%2fetc%2fpasswd", "/assets/%00", "/.%2e/.%2e/etc/passwd", "/api/v1/evidence/..%2f..%2fhub.db",
    ],
)  # fmt: skip
def test_no_address_leads_out_of_the_console(shared_hub: RunningHub, path: str) -> None:
    with shared_hub.client(Role.ADMIN) as client:
        raw = httpx.URL(shared_hub.ready.url).copy_with(raw_path=path.encode())
        assert client.get(raw).status_code == 404


def test_metrics_are_for_admins(shared_hub: RunningHub) -> None:
    with shared_hub.client(Role.ADMIN) as client:
        text = client.get(f"{API}/metrics").text
    for name in (
        "saqshy_ingest_stored_total",
        "saqshy_bus_connected 1.0",
        "saqshy_parked",
        "saqshy_sessions",
    ):
        assert name in text


def test_secrets_go_in_and_never_come_out(shared_hub: RunningHub) -> None:
    secret = "canary-9f31c2aa77"
    with shared_hub.client(Role.ADMIN) as client:
        made = client.post(
            f"{API}/receivers",
            json={
                "agency": "water",
                "url": "https://receiver.example/hook",
                "secret": secret,
                "enabled": False,
            },
        )
        assert made.status_code == 201, made.text
        changed = client.patch(f"{API}/receivers/{made.json()['id']}", json={"secret": secret + "b"})
        texts = [made.text, changed.text]
        texts += [client.get(API + path).text for path in ("/receivers", "/metrics", "/agencies", "/schema")]
        refused = client.post(f"{API}/receivers", json={"agency": "nobody", "url": "x", "secret": secret})
    assert refused.status_code == 422
    assert secret not in "".join([*texts, refused.text])


@pytest.mark.parametrize(
    "url",
    [
        "ftp://a.example/", "file:///etc/passwd", "http://a.example/", "https://u:p@a.example/", "https://",
        "http://169.254.169.254/latest", "https://169.254.169.254/", "https://[fe80::1]/", "http://0.0.0.0/",
        "https://a.example/#x", "https://a.example/\n", "https://a b/", "https://224.0.0.1/", "https://a:x/",
    ],
)  # fmt: skip
def test_addresses_that_nothing_is_sent_to(shared_hub: RunningHub, url: str) -> None:
    with shared_hub.client(Role.ADMIN) as client:
        body = {"agency": "water", "url": url, "secret": "s" * 16}
        answer = client.post(f"{API}/receivers", json=body)
    assert answer.status_code == 422, answer.text
    assert [error["field"] for error in answer.json()["errors"]] == ["url"]
