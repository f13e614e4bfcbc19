"""Ingest against a real database: messages in, incidents, timeline, dispatches and ledgers out."""

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import text

from hub.db import tables
from hub.db.engine import Database
from hub.db.queries_ingest import committed_ranges
from hub.db.queries_routing import seed_routing
from hub.domain.correlation import render_stored
from hub.errors import NotFound
from hub.services.evidence import picture_path
from hub.services.ingest import Ingest
from hub.services.parking import replay
from shared.kinds import Kind
from shared.messages import Phase
from tests.hub_database import hub_database, rows
from tests.reports import (
    EPOCH,
    JPEG,
    T0_US,
    batch,
    delivery,
    event_id,
    evidence,
    picture_delivery,
    report,
)

NOW_US = T0_US + 60_000_000


def test_two_cameras_that_see_the_same_corner_make_one_incident(tmp_path: Path) -> None:
    async def main() -> None:
        async with hub_database(tmp_path) as database:
            ingest = Ingest(database, tmp_path / "evidence")
            north = delivery(report(1, camera="north", east_m=0.0, sigma_m=2.0), box="box-a")
            south = delivery(report(2, camera="south", east_m=5.0, sigma_m=1.0, at_s=4), box="box-b")
            outcome = await ingest.take([north, south], NOW_US)
            assert (outcome.opened, outcome.stored, outcome.refusals) == (1, 2, ())
            (incident,) = await rows(database, tables.Incident)
            assert incident.cameras == ["north", "south"]
            assert incident.boxes == ["box-a", "box-b"]
            assert incident.event_count == 2
            assert incident.number == 1
            assert incident.id == event_id(1).hex()
            assert incident.sigma_dm == 9  # 1/sqrt(1/2² + 1/1²) = 0.894 m
            assert [line.what for line in await rows(database, tables.TimelineEntry)] == ["opened", "seen_by"]
            stored = await rows(database, tables.Event)
            assert stored[0].why == {"word": "nothing_near"}
            assert stored[1].why["word"] == "near"
            assert stored[1].why["apart_m"] == pytest.approx(5.0, abs=0.2)

    asyncio.run(main())


def test_what_comes_again_changes_nothing(tmp_path: Path) -> None:
    async def main() -> None:
        async with hub_database(tmp_path) as database:
            ingest = Ingest(database, tmp_path / "evidence")
            message = delivery(report(1), report(1), report(2, east_m=300.0))
            first = await ingest.take([message, message], NOW_US)
            assert (first.opened, first.stored, first.repeats) == (2, 2, 4)
            before = [row.model_dump() for row in await rows(database, tables.Incident)]
            again = await ingest.take([message], NOW_US)
            restarted = await Ingest(database, tmp_path / "evidence").take([message], NOW_US)
            assert (again.stored, again.repeats, again.change_seq) == (0, 3, None)
            assert (restarted.stored, restarted.repeats, restarted.change_seq) == (0, 3, None)
            assert [row.model_dump() for row in await rows(database, tables.Incident)] == before

    asyncio.run(main())


def test_a_restarted_ingest_goes_on_where_the_last_one_stopped(tmp_path: Path) -> None:
    async def main() -> None:
        async with hub_database(tmp_path) as database:
            await Ingest(database, tmp_path).take([delivery(report(1))], NOW_US)
            outcome = await Ingest(database, tmp_path).take(
                [delivery(report(2, at_s=9, camera="cam-2"), first_seq=2)], NOW_US
            )
            assert (outcome.opened, outcome.stored) == (0, 1)

    asyncio.run(main())


def test_a_state_ends_when_all_its_events_have_ended(tmp_path: Path) -> None:
    async def main() -> None:
        async with hub_database(tmp_path) as database:
            ingest = Ingest(database, tmp_path)
            parked = {"kind": Kind.ILLEGAL_PARKING, "zone": "no-stopping"}
            await ingest.take([delivery(report(1, **parked), report(2, camera="cam-2", **parked))], NOW_US)
            end = {"phase": Phase.END, "revision": 1, **parked}
            await ingest.take([delivery(report(1, at_s=20, **end), first_seq=3)], NOW_US)
            assert (await rows(database, tables.Incident))[0].ended_at_us is None
            await ingest.take([delivery(report(2, at_s=25, camera="cam-2", **end), first_seq=4)], NOW_US)
            (incident,) = await rows(database, tables.Incident)
            assert incident.ended_at_us == T0_US + 25_000_000
            assert incident.event_count == 2
            assert "ended" in [line.what for line in await rows(database, tables.TimelineEntry)]

    asyncio.run(main())


async def _settle(database: Database, at_us: int) -> None:
    """What an operator's closing does to the row."""
    async with database.transaction() as session:
        connection = await session.connection()
        await connection.execute(text("UPDATE counter SET value = value + 1 WHERE name = 'change_seq'"))
        await connection.execute(
            text(
                "UPDATE incident SET state = 'closed', verdict = 'confirmed', closed_at_us = :at, "
                "change_seq = (SELECT value FROM counter WHERE name = 'change_seq')"
            ),
            {"at": at_us},
        )


def test_a_late_report_joins_a_closed_incident_without_ringing(tmp_path: Path) -> None:
    async def main() -> None:
        async with hub_database(tmp_path) as database:
            async with database.transaction() as session:
                await seed_routing(await session.connection())
                session.add(
                    tables.Receiver(agency_id="police", connector="webhook", url="http://x", secret="s")
                )
            ingest = Ingest(database, tmp_path)
            first = await ingest.take([delivery(report(1))], NOW_US)
            assert first.dispatches == 1
            await _settle(database, T0_US + 60_000_000)
            late = await ingest.take([delivery(report(2, at_s=50, camera="cam-2"), first_seq=2)], NOW_US)
            assert (late.opened, late.stored, late.dispatches) == (0, 1, 0)
            (incident,) = await rows(database, tables.Incident)
            assert incident.state == "closed"
            assert incident.event_count == 2
            assert [d.message for d in await rows(database, tables.Dispatch)] == ["opened"]
            again = delivery(report(3, at_s=125), first_seq=3)
            anew = await ingest.take([again], NOW_US + 120_000_000)
            assert anew.opened == 1

    asyncio.run(main())


def test_dispatches_are_written_with_their_incident(tmp_path: Path) -> None:
    async def main() -> None:
        async with hub_database(tmp_path) as database:
            async with database.transaction() as session:
                await seed_routing(await session.connection())
                await seed_routing(await session.connection())
                for agency in ("police", "waste", "water"):
                    session.add(
                        tables.Receiver(agency_id=agency, connector="webhook", url="http://x", secret="s")
                    )
            outcome = await Ingest(database, tmp_path).take(
                [delivery(report(1, kind=Kind.DUMPING_ACT, zone="roadside"))], NOW_US
            )
            assert outcome.dispatches == 2
            told = await rows(database, tables.Dispatch)
            assert [row.receiver_id for row in told] == [2, 1]  # the catalogue names waste first
            assert told[1].idempotency_key == f"{event_id(1).hex()}.1.opened"
            body = told[1].body["incident"]
            assert (body["number"], body["kind"], body["state"]) == (1, "dumping_act", "new")
            assert body["lat"] == pytest.approx(50.937, abs=1e-6)

    asyncio.run(main())


def test_the_ledger_knows_what_is_committed_and_what_is_missing(tmp_path: Path) -> None:
    async def main() -> None:
        async with hub_database(tmp_path) as database:
            ingest = Ingest(database, tmp_path)
            await ingest.take([delivery(report(1), report(2)), delivery(report(5), first_seq=5)], NOW_US)
            await ingest.take_pictures([picture_delivery(evidence(1, seq=6))], NOW_US)
            await Ingest(database, tmp_path).take([delivery(report(3), first_seq=3)], NOW_US)
            async with database.reading() as session:
                assert await committed_ranges(session, "box-a", EPOCH) == ((1, 3), (5, 6))
                assert await committed_ranges(session, "box-a", b"another!") == ()
                assert await committed_ranges(session, "box-b", EPOCH) == ()

    asyncio.run(main())


def test_a_bad_entry_is_parked_and_the_others_are_taken(tmp_path: Path) -> None:
    async def main() -> None:
        async with hub_database(tmp_path) as database:
            ingest = Ingest(database, tmp_path)
            good = delivery(report(1), report(2, east_m=200.0))
            body = good.body.replace(b"yard", b"YARD", 1)
            outcome = await ingest.take([good._replace(body=body)], NOW_US)
            assert outcome.stored == 1
            assert "zone" in outcome.refusals[0]
            (parked,) = await rows(database, tables.Parked)
            assert parked.is_entry
            async with database.reading() as session:
                assert await committed_ranges(session, "box-a", EPOCH) == ((1, 2),)
            await ingest.take([good._replace(body=body, stream_seq=2)], NOW_US)
            assert len(await rows(database, tables.Parked)) == 1

    asyncio.run(main())


def test_a_camera_of_another_box_is_refused_and_can_be_replayed_after_it_was_bound_anew(
    tmp_path: Path,
) -> None:
    async def main() -> None:
        async with hub_database(tmp_path) as database:
            ingest = Ingest(database, tmp_path)
            await ingest.take([delivery(report(1))], NOW_US)
            outcome = await ingest.take([delivery(report(2, at_s=3), box="box-b")], NOW_US)
            assert outcome.stored == 0
            assert "camera cam-1 is bound to box box-a, but box box-b" in outcome.refusals[0]
            (parked,) = await rows(database, tables.Parked)
            again = await replay(database, ingest, parked.id, NOW_US)
            assert "bound to box box-a" in again.refusals[0]
            assert (await rows(database, tables.Parked))[0].replayed_at_us is None
            async with database.transaction() as session:
                camera = await session.get(tables.Camera, "cam-1")
                assert camera
                camera.box = "box-b"
            taken = await replay(database, ingest, parked.id, NOW_US)
            assert (taken.stored, taken.refusals) == (1, ())
            assert (await rows(database, tables.Parked))[0].replayed_at_us == NOW_US
            with pytest.raises(NotFound):
                await replay(database, ingest, 77, NOW_US)

    asyncio.run(main())


def test_an_event_stays_with_its_box_and_kind(tmp_path: Path) -> None:
    async def main() -> None:
        async with hub_database(tmp_path) as database:
            ingest = Ingest(database, tmp_path)
            await ingest.take([delivery(report(1))], NOW_US)
            thief = delivery(report(1, revision=1, camera="cam-9"), box="box-b")
            turned = delivery(report(1, revision=1, kind=Kind.CROWD), first_seq=2)
            outcome = await ingest.take([thief, turned], NOW_US)
            assert outcome.stored == 0
            assert "is intrusion of box box-a; box-b may not report it again" in outcome.refusals[0]
            assert "may not report it again as crowd" in outcome.refusals[1]

    asyncio.run(main())


def test_a_revision_that_comes_late_is_stored_but_moves_nothing_back(tmp_path: Path) -> None:
    async def main() -> None:
        async with hub_database(tmp_path) as database:
            ingest = Ingest(database, tmp_path)
            kind = {"kind": Kind.ILLEGAL_PARKING}
            end = report(1, revision=2, phase=Phase.END, at_s=30, **kind)
            await ingest.take([delivery(end, first_seq=3)], NOW_US)
            await ingest.take([delivery(report(1, **kind))], NOW_US)
            await ingest.take([delivery(report(1, revision=1, phase=Phase.UPDATE, at_s=9, **kind))], NOW_US)
            (incident,) = await rows(database, tables.Incident)
            assert incident.ended_at_us == T0_US + 30_000_000
            assert incident.first_observed_at_us == T0_US
            assert incident.event_count == 1
            assert len(await rows(database, tables.Event)) == 3

    asyncio.run(main())


@pytest.mark.parametrize("picture_first", [True, False])
def test_a_picture_finds_its_incident_whichever_comes_first(tmp_path: Path, picture_first: bool) -> None:
    async def main() -> None:
        async with hub_database(tmp_path) as database:
            ingest = Ingest(database, tmp_path / "evidence")
            picture = evidence(1)
            event = delivery(report(1, digest=picture.digest))
            if picture_first:
                await ingest.take_pictures([picture_delivery(picture)], NOW_US)
                outcome = await ingest.take([event], NOW_US)
            else:
                await ingest.take([event], NOW_US)
                outcome = await ingest.take_pictures([picture_delivery(picture)], NOW_US)
            (incident,) = await rows(database, tables.Incident)
            (row,) = await rows(database, tables.Evidence)
            assert row.incident_id == incident.id
            assert incident.cover_evidence_id == row.id
            assert incident.change_seq == outcome.change_seq
            assert picture_path(tmp_path / "evidence", picture.digest).read_bytes() == JPEG
            again = await ingest.take_pictures([picture_delivery(picture)], NOW_US)
            assert (again.stored, again.repeats, again.change_seq) == (0, 1, None)

    asyncio.run(main())


def test_a_picture_that_its_event_does_not_name_stays_loose(tmp_path: Path) -> None:
    async def main() -> None:
        async with hub_database(tmp_path) as database:
            ingest = Ingest(database, tmp_path / "evidence")
            picture = evidence(1)
            await ingest.take([delivery(report(1, digest=bytes(32)))], NOW_US)
            await ingest.take_pictures([picture_delivery(picture)], NOW_US)
            foreign = picture_delivery(evidence(1), box="box-b")
            await ingest.take_pictures([foreign], NOW_US)
            assert [row.incident_id for row in await rows(database, tables.Evidence)] == [None]

    asyncio.run(main())


def test_a_picture_that_is_not_what_its_box_promised_is_parked(tmp_path: Path) -> None:
    async def main() -> None:
        async with hub_database(tmp_path) as database:
            ingest = Ingest(database, tmp_path / "evidence")
            good = picture_delivery(evidence(1))
            swapped = good._replace(body=good.body.replace(b"nobody", b"NOBODY", 1))
            text_file = picture_delivery(evidence(2, jpeg=b"#!/bin/sh"))
            outcome = await ingest.take_pictures([swapped, text_file, good._replace(body=b"\xc1")], NOW_US)
            assert [reason.split(":")[0] for reason in outcome.refusals] == [
                "digest",
                "jpeg",
                "not MessagePack within the limits",
            ]
            assert list((tmp_path / "evidence").rglob("*.jpg")) == []
            assert len(await rows(database, tables.Parked)) == 3

    asyncio.run(main())


def test_nothing_is_left_of_a_transaction_that_fails(tmp_path: Path) -> None:
    async def main() -> None:
        async with hub_database(tmp_path) as database:
            ingest = Ingest(database, tmp_path)
            async with database.transaction() as session:
                connection = await session.connection()
                await connection.execute(
                    text(
                        "CREATE TRIGGER full BEFORE INSERT ON timeline "
                        "BEGIN SELECT RAISE(ABORT, 'disk full'); END"
                    )
                )
            with pytest.raises(Exception, match="disk full"):
                await ingest.take([delivery(report(1))], NOW_US)
            assert await rows(database, tables.Event) == []
            async with database.transaction() as session:
                await (await session.connection()).execute(text("DROP TRIGGER full"))
            outcome = await ingest.take([delivery(report(1))], NOW_US)
            assert (outcome.opened, outcome.stored, outcome.change_seq) == (1, 1, 1)

    asyncio.run(main())


def test_a_subject_that_names_nobody_is_parked(tmp_path: Path) -> None:
    async def main() -> None:
        async with hub_database(tmp_path) as database:
            message = delivery(report(1))._replace(subject="saqshy.v1.kosshy.Box_A.evt.std.-.-")
            outcome = await Ingest(database, tmp_path).take([message], NOW_US)
            assert "Box_A" in outcome.refusals[0]
            assert (await rows(database, tables.Parked))[0].body == batch([(1, report(1))])

    asyncio.run(main())


def test_the_reason_of_a_stored_event_can_be_read_as_a_sentence(tmp_path: Path) -> None:
    async def main() -> None:
        async with hub_database(tmp_path) as database:
            ingest = Ingest(database, tmp_path)
            await ingest.take([delivery(report(1), report(2, camera="cam-2", east_m=3.0, at_s=4))], NOW_US)
            sentences = [render_stored(row.why) for row in await rows(database, tables.Event)]
            assert sentences == [
                "nothing of this kind near by",
                "3 m apart, within 8.8 m; 4 s of silence, window 120 s",
            ]

    asyncio.run(main())
