"""How Alembic runs here: on the caller's connection, inside its transaction."""

from typing import Any, Literal

from alembic import context
from sqlmodel import AutoString, SQLModel

from hub.db import tables

assert tables.Incident.metadata is SQLModel.metadata


def _render(type_: str, column: Any, _autogen: Any) -> str | Literal[False]:
    """Migrations outlive SQLModel's own type names: plain SQLAlchemy only."""
    return "sa.String()" if type_ == "type" and isinstance(column, AutoString) else False


connection: Any = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=SQLModel.metadata,
    render_as_batch=True,
    compare_type=True,
    render_item=_render,
)
context.run_migrations()
