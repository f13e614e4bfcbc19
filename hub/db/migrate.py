"""Bring a database to the newest schema; run at every start of the hub."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from hub.db.engine import Database

_SCRIPTS = Path(__file__).parent / "migrations"


async def migrate(database: Database) -> None:
    """Run all migrations that this database has not seen, in one transaction."""
    async with database.transaction() as session:
        await (await session.connection()).run_sync(run_migrations)


def run_migrations(connection: Connection) -> None:
    """Upgrade to the newest revision on a connection whose transaction is the caller's."""
    command.upgrade(configuration(connection), "head")


def configuration(connection: Connection) -> Config:
    """Alembic's settings: the scripts inside the package, this connection, no file."""
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS))
    config.attributes["connection"] = connection
    return config


def newest_revision() -> str | None:
    """The revision that ``run_migrations`` leads to."""
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS))
    return ScriptDirectory.from_config(config).get_current_head()
