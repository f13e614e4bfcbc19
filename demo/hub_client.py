"""What the demo asks of the hub through its web API, as any user would."""

import contextlib
import json
import time
from collections.abc import Iterator
from typing import Any

import httpx

_READY_WITHIN_S = 40.0
_STATES = {"state": "all", "limit": "200"}


class HubClient:
    """A signed-in user of the hub at ``address``."""

    def __init__(self, address: str) -> None:
        self._client = httpx.Client(
            base_url=f"{address}/api/v1", headers={"origin": address}, timeout=10.0, trust_env=False
        )

    def wait_until_ready(self) -> None:
        """Wait until the hub answers; raises ``TimeoutError``."""
        until = time.monotonic() + _READY_WITHIN_S
        while time.monotonic() < until:
            try:
                if self._client.get("/health").status_code == 200:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.1)
        raise TimeoutError(f"the hub did not answer within {_READY_WITHIN_S:.0f} s")

    def sign_in(self, username: str, password: str) -> None:
        self._client.post("/session", json={"username": username, "password": password}).raise_for_status()

    def incidents(self) -> list[dict[str, Any]]:
        """All incidents, newest first, with their dispatches."""
        return self._client.get("/incidents", params=_STATES).raise_for_status().json()["incidents"]

    def incident(self, incident_id: str) -> dict[str, Any]:
        """One incident with its events, timeline and dispatches."""
        return self._client.get(f"/incidents/{incident_id}").raise_for_status().json()

    def stream(self) -> Iterator[dict[str, Any]]:
        """Every change of an incident, as a console hears of it, until the line breaks."""
        with contextlib.suppress(httpx.TransportError), self._client.stream("GET", "/stream") as answer:
            answer.raise_for_status()
            name = ""
            for line in answer.iter_lines():
                field, _, value = line.partition(":")
                if field == "event":
                    name = value.strip()
                elif field == "data" and name == "incident":
                    yield json.loads(value)

    def close(self) -> None:
        self._client.close()
