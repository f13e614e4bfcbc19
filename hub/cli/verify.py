"""``saqshy hub verify``: what in the hub's folder is not as it should be, and the way out of it.

It only reads, and may run beside the hub or without it.
"""

import asyncio
import json
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from hub.bus.accounts import BusAccounts, hub_login, make_accounts, read_claims
from hub.bus.connection import connect
from hub.bus.errors import BusError
from hub.bus.keys import BusKeys, open_keys
from hub.bus.streams import STREAMS
from hub.db.migrate import newest_revision
from hub.errors import HubError, StartRefused
from hub.services.evidence import picture_path
from hub.services.parts import utc_now_us
from hub.services.pictures import read_checked

_MAX_NAMED = 20
"""Faults of one sort that are named one by one; the rest is counted."""
_RESTORE = "restore the folder from a backup"


class Fault(NamedTuple):
    """Something that is wrong, and the way out."""

    what: str
    way_out: str


@dataclass
class Report:
    """What was looked at, and what was found."""

    checked: dict[str, int] = field(default_factory=dict[str, int])
    faults: list[Fault] = field(default_factory=list[Fault])
    notes: list[str] = field(default_factory=list[str])

    def add(self, what: str, way_out: str) -> None:
        self.faults.append(Fault(what, way_out))

    def as_json(self) -> dict[str, Any]:
        faults = [fault._asdict() for fault in self.faults]
        return {"ok": not faults, "checked": self.checked, "faults": faults, "notes": self.notes}

    def lines(self) -> list[str]:
        looked_at = ", ".join(f"{count} {what}" for what, count in self.checked.items())
        faults = [f"wrong: {fault.what}\n       {fault.way_out}" for fault in self.faults]
        verdict = f"{len(self.faults)} wrong" if self.faults else "all well"
        return [*faults, *(f"note: {note}" for note in self.notes), f"{verdict} ({looked_at})"]


async def verify_folder(folder: Path) -> Report:
    """Look at everything. Raises ``StartRefused`` when there is no hub in the folder."""
    report = Report()
    await asyncio.to_thread(_verify_files, folder, report)
    await _verify_streams(folder, report)
    return report


def _verify_files(folder: Path, report: Report) -> None:
    path = folder / "hub.db"
    if not path.is_file():
        raise StartRefused(f"{folder}: no hub is in it", "name it with --data, or run 'saqshy hub init'")
    try:
        database = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
    except sqlite3.Error as error:
        report.add(f"{path}: {error}", _RESTORE)
        return
    with database:
        for look in (_verify_database, _verify_pictures, _verify_account):
            _guarded(look, folder, database, report)
    database.close()


_Look = Callable[[Path, sqlite3.Connection, Report], None]


def _guarded(look: _Look, folder: Path, database: sqlite3.Connection, report: Report) -> None:
    try:
        look(folder, database, report)
    except sqlite3.Error as error:
        report.add(f"{folder / 'hub.db'}: {error}", _RESTORE)


def _verify_database(folder: Path, database: sqlite3.Connection, report: Report) -> None:
    said = [str(row[0]) for row in database.execute(f"PRAGMA integrity_check({_MAX_NAMED})")]
    if said != ["ok"]:
        for line in said:
            report.add(f"{folder / 'hub.db'}: {line}", _RESTORE)
    for table, *_ in database.execute("PRAGMA foreign_key_check").fetchmany(_MAX_NAMED):
        report.add(f"hub.db: a row of table {table} points at a row that is gone", _RESTORE)
    (revision,) = database.execute("SELECT version_num FROM alembic_version").fetchone()
    if revision != newest_revision():
        report.notes.append(f"the schema is {revision}; the next start of the hub brings it to the newest")
    for table, name in (("incident", "incidents"), ("event", "reports"), ("dispatch", "dispatches")):
        report.checked[name] = database.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608 (fixed names)


def _verify_pictures(folder: Path, database: sqlite3.Connection, report: Report) -> None:
    faults = 0
    digests = database.execute("SELECT DISTINCT digest FROM evidence").fetchall()
    for (digest,) in digests:
        path = picture_path(folder / "evidence", digest)
        try:
            read_checked(path, digest)
        except FileNotFoundError:
            fault = f"{path}: missing"
        except (HubError, OSError) as error:
            fault = str(error)
        else:
            continue
        faults += 1
        if faults <= _MAX_NAMED:
            report.add(fault, "restore this file from a backup")
    report.checked["pictures"] = len(digests)
    if faults > _MAX_NAMED:
        report.add(f"{faults - _MAX_NAMED} more pictures are missing or changed", _RESTORE)
    _note_orphans(folder / "evidence", {digest.hex() for (digest,) in digests}, report)


def _note_orphans(evidence_dir: Path, known: set[str], report: Report) -> None:
    """A picture is written before its row, so a hub that was killed may leave one over; it does no harm."""
    left_over = sum(path.stem not in known for path in evidence_dir.glob("??/*.jpg"))
    if left_over:
        report.notes.append(f"{left_over} picture files belong to no row; a hub that was killed leaves such")


def _verify_account(folder: Path, database: sqlite3.Connection, report: Report) -> None:
    keys = _keys(folder, report)
    stored = database.execute("SELECT public_key, jwt FROM bus_account WHERE name = 'city'").fetchone()
    if keys is None or stored is None:
        return
    if stored[0] != keys.account.public or read_claims(stored[1])["sub"] != keys.account.public:
        report.add(
            f"{folder / 'keys'}: these keys are not of the account in hub.db",
            "restore keys and database from the same backup; else every box must be enrolled again",
        )
    report.checked["bus accounts"] = 1


def _keys(folder: Path, report: Report) -> BusKeys | None:
    if not (folder / "keys" / "bus-keys.json").is_file():
        report.add(f"{folder / 'keys'}: the bus's keys are missing", "restore them from a backup")
        return None
    try:
        return open_keys(folder / "keys")
    except StartRefused as error:
        report.add(error.what, error.way_out)
        return None


async def _verify_streams(folder: Path, report: Report) -> None:
    """Ask the running bus; without one its files are looked at at the next start, by itself."""
    port_file, quiet = folder / "nats" / "port", Report()
    keys = await asyncio.to_thread(_keys, folder, quiet)
    if keys is None or not port_file.is_file():
        return
    accounts: BusAccounts = make_accounts(keys, utc_now_us() // 1_000_000)
    login = hub_login(accounts.keys, utc_now_us() // 1_000_000)
    try:
        client = await connect(f"nats://127.0.0.1:{port_file.read_text().strip()}", login)
    except BusError:
        report.notes.append("the bus does not run, so its streams were not looked at")
        return
    try:
        for wanted in STREAMS:
            found = json.loads(
                (await client.request(f"$JS.API.STREAM.INFO.{wanted.name}", b"", timeout=5)).data
            )
            _compare(wanted.name or "", wanted.subjects or [], found, report)
    finally:
        await client.close()


def _compare(name: str, subjects: list[str], found: dict[str, Any], report: Report) -> None:
    way_out = "restart the hub, which makes its streams as they must be"
    if "error" in found:
        report.add(f"stream {name}: {found['error'].get('description')}", way_out)
    elif sorted(found["config"]["subjects"]) != sorted(subjects):
        report.add(f"stream {name}: takes {found['config']['subjects']}, not {subjects}", way_out)
    report.checked["streams"] = report.checked.get("streams", 0) + 1
