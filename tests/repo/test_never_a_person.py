"""No message, table or model class may hold what identifies a person."""

import re
from collections.abc import Iterator

import msgspec
import pytest
from sqlmodel import SQLModel

import hub.db.tables
import shared.messages
from shared.kinds import Kind, ObjectClass

FORBIDDEN = re.compile(
    r"(^|_)(face|plate|license|licence|biometric|gender|race|ethnic\w*|iin|passport|embedding|gait)s?($|_)"
)
STAFF = {"user", "session", "setup_token"}
"""Tables about those who work with the hub; they sign in, so they have names."""


def _names() -> Iterator[str]:
    for struct in vars(shared.messages).values():
        if isinstance(struct, type) and issubclass(struct, msgspec.Struct):
            yield from (f"{struct.__name__}.{field}" for field in struct.__struct_fields__)
    for table in SQLModel.metadata.tables.values():
        if table.name not in STAFF:
            yield from (f"{table.name}.{column.name}" for column in table.columns)
    yield from (f"Kind.{kind.slug}" for kind in Kind)
    yield from (f"ObjectClass.{cls.slug}" for cls in ObjectClass)


@pytest.mark.parametrize("name", list(_names()))
def test_nothing_can_hold_an_identity(name: str) -> None:
    assert not FORBIDDEN.search(name.partition(".")[2])


@pytest.mark.parametrize("field", ["face", "plate_text", "best_face", "plates", "licence_plate"])
def test_the_check_itself_can_fail(field: str) -> None:
    assert FORBIDDEN.search(field)


def test_tables_were_seen() -> None:
    assert hub.db.tables.__name__
    assert {"event", "incident"} <= set(SQLModel.metadata.tables)
