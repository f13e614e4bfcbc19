"""What an agency is told of an incident: the body of a dispatch, in version 1 of its contract."""

from typing import Any

from hub.domain.situation import Situation
from shared.kinds import TRAITS, ObjectClass

VERSION = 1


def body(situation: Situation, message: str, at_us: int) -> dict[str, Any]:
    """The facts of an incident as they stand at ``at_us``; ``message`` is opened, updated or resolved."""
    return {
        "version": VERSION,
        "message": message,
        "at_us": at_us,
        "incident": {
            "id": situation.incident_id,
            "number": situation.number,
            "kind": situation.kind.slug,
            "programme": TRAITS[situation.kind].programme,
            "severity": situation.severity,
            "state": situation.state,
            "site": situation.site,
            "lat": _degrees(situation.lat_e7),
            "lon": _degrees(situation.lon_e7),
            "sigma_m": None if situation.sigma_dm is None else situation.sigma_dm / 10,
            "zone": situation.zone,
            "subject": ObjectClass(situation.subject).slug,
            "cameras": list(situation.cameras),
            "first_observed_at_us": situation.first_observed_at_us,
            "last_observed_at_us": situation.last_observed_at_us,
            "ended_at_us": situation.ended_at_us,
            "reason": dict(situation.reason),
        },
    }


def idempotency_key(incident_id: str, receiver_id: int, about: str) -> str:
    """The same for the same message, also in a hub restored from a backup: nobody is called twice."""
    return f"{incident_id}.{receiver_id}.{about}"


def _degrees(e7: int | None) -> float | None:
    return None if e7 is None else e7 / 1e7
