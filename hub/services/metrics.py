"""The hub's metrics in Prometheus's text format: what its parts counted, and what the database holds."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlmodel import col, func, select
from sqlmodel.ext.asyncio.session import AsyncSession

from hub.db import queries_devices, queries_dispatch
from hub.db.tables import Incident, Parked, UserSession
from hub.services.parts import Parts


class Gauges(NamedTuple):
    """What the parts of this process say; totals are since its start."""

    ingest: Mapping[str, int]
    """messages, stored, repeats, opened, parked, failures."""
    attempts: Mapping[str, int]
    """Attempts to deliver, by outcome."""
    open_streams: int
    slow_streams_closed: int
    bus_is_connected: bool
    bus_connects: int
    nats_restarts: int


async def exposition(parts: Parts, gauges: Gauges) -> bytes:
    """The whole page."""
    registry = CollectorRegistry(auto_describe=False)
    async with parts.database.reading() as db:
        found = [*_of_parts(gauges), *await _of_database(db), *await _of_boxes(db, parts.now_us())]
    registry.register(_Found(found))
    return generate_latest(registry)


class _Found(Collector):
    def __init__(self, found: list[Metric]) -> None:
        self._found = found

    def collect(self) -> Iterator[Metric]:
        return iter(self._found)


def _of_parts(gauges: Gauges) -> list[Metric]:
    ingest = [
        _counter(f"saqshy_ingest_{name}", f"Ingest: {name} since the start.", number)
        for name, number in gauges.ingest.items()
    ]
    attempts = CounterMetricFamily(
        "saqshy_dispatch_attempts", "Attempts to deliver, by outcome.", labels=["outcome"]
    )
    for outcome, number in gauges.attempts.items():
        attempts.add_metric([outcome], number)
    return [
        *ingest,
        attempts,
        _gauge("saqshy_stream_clients", "Open live streams.", gauges.open_streams),
        _counter("saqshy_stream_slow_closed", "Streams closed: too slow.", gauges.slow_streams_closed),
        _gauge("saqshy_bus_connected", "1 while the hub is connected to its bus.", gauges.bus_is_connected),
        _counter("saqshy_bus_connects", "Connections to the bus.", gauges.bus_connects),
        _counter("saqshy_nats_restarts", "Restarts of the embedded nats-server.", gauges.nats_restarts),
    ]


async def _of_database(db: AsyncSession) -> list[Metric]:
    dispatches = GaugeMetricFamily("saqshy_dispatches", "Dispatches by state.", labels=["state"])
    for state, number in (await queries_dispatch.counts(db)).items():
        dispatches.add_metric([state], number)
    incidents = GaugeMetricFamily("saqshy_incidents", "Incidents by state.", labels=["state"])
    by_state = select(col(Incident.state), func.count()).group_by(col(Incident.state))
    for state, number in (await db.exec(by_state)).all():
        incidents.add_metric([state], number)
    parked = select(func.count()).select_from(Parked).where(col(Parked.replayed_at_us).is_(None))
    sessions = select(func.count()).select_from(UserSession)
    return [
        dispatches,
        incidents,
        _gauge("saqshy_parked", "Messages parked and not replayed.", (await db.exec(parked)).one()),
        _gauge("saqshy_sessions", "Sign-ins that have not ended.", (await db.exec(sessions)).one()),
    ]


async def _of_boxes(db: AsyncSession, now_us: int) -> list[Metric]:
    silent = GaugeMetricFamily("saqshy_box_silent_seconds", "Since its last heartbeat.", labels=["box"])
    waiting = GaugeMetricFamily("saqshy_box_outbox_waiting", "Reports not sent yet.", labels=["box"])
    lost = GaugeMetricFamily("saqshy_box_outbox_lost", "Reports a full outbox forgot.", labels=["box"])
    for device in await queries_devices.all_devices(db):
        if device.seen_at_us is None or device.health is None:
            continue
        silent.add_metric([device.id], (now_us - device.seen_at_us) / 1e6)
        waiting.add_metric([device.id], device.health["outbox_waiting"])
        lost.add_metric([device.id], device.health["outbox_lost"])
    return [silent, waiting, lost]


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, text, value=value)


def _counter(name: str, text: str, value: float) -> Metric:
    return CounterMetricFamily(name, text, value=value)
