"""Typed values out of a TOML document; whatever is wrong is refused by file and key, with the way out."""

import math
from enum import StrEnum
from typing import Any, NoReturn, TypeVar, cast

from shared.identity import check_identity

C = TypeVar("C", bound=StrEnum)
Pair = tuple[float, float]

MAX_ITEMS = 64
"""Zones, tripwires and rules of one camera; each is judged on every frame."""


class SceneError(ValueError):
    """A scene file says something that cannot be."""

    def __init__(self, file: str, key: str, fault: str, way_out: str) -> None:
        super().__init__(f"{file}: {key}: {fault}; {way_out}")
        self.file = file
        self.key = key
        self.fault = fault
        self.way_out = way_out


class Fields:
    """Reads the tables of one file. ``where`` is a table's name in errors, as ``rule[2]``, counted from 1."""

    def __init__(self, file: str) -> None:
        self._file = file

    def refuse(self, key: str, fault: str, way_out: str = "") -> NoReturn:
        raise SceneError(self._file, key, fault, way_out)

    def known(self, table: dict[str, Any], where: str, known: set[str]) -> bool:
        for key in table:
            if key not in known:
                self.refuse(f"{where}.{key}", "is not known", f"known here: {', '.join(sorted(known))}")
        return True

    def table(self, parent: dict[str, Any], key: str, where: str) -> dict[str, Any]:
        table = parent.get(key)
        if not isinstance(table, dict):
            self.refuse(key, f"is missing in the {where}", f"add a section [{key}]")
        return cast("dict[str, Any]", table)

    def items(self, parent: dict[str, Any], key: str, prefix: str = "") -> list[tuple[str, dict[str, Any]]]:
        items = parent.get(key, [])
        if not isinstance(items, list) or not all(isinstance(i, dict) for i in cast("list[Any]", items)):
            self.refuse(f"{prefix}{key}", "is not a list of sections", f"begin each with [[{prefix}{key}]]")
        tables = cast("list[dict[str, Any]]", items)
        if len(tables) > MAX_ITEMS:
            self.refuse(f"{prefix}{key}", f"{len(tables)} given", f"at most {MAX_ITEMS} are taken")
        return [(f"{prefix}{key}[{n + 1}]", table) for n, table in enumerate(tables)]

    def text(self, table: dict[str, Any], key: str, where: str, default: str | None = None) -> str:
        value = table.get(key, default)
        if not isinstance(value, str) or not 1 <= len(value) <= 100:
            fault = "is missing" if value is None else "is not a text of 1 to 100 letters"
            self.refuse(f"{where}.{key}", fault, f'write {key} = "…"')
        return value

    def texts(self, table: dict[str, Any], key: str, where: str) -> list[str]:
        value = table.get(key, [])
        if not isinstance(value, list) or not all(isinstance(v, str) for v in cast("list[Any]", value)):
            self.refuse(f"{where}.{key}", "is not a list of texts", f'write {key} = ["…"]')
        return cast("list[str]", value)

    def identity(self, table: dict[str, Any], key: str, where: str) -> str:
        name = self.text(table, key, where)
        try:
            return check_identity(name, key)
        except ValueError as error:
            _, _, rest = str(error).partition(": ")
            self.refuse(f"{where}.{key}", *rest.split("; ", 1))

    def choice(self, table: dict[str, Any], key: str, where: str, choices: type[C], default: C) -> C:
        value = table.get(key, default.value)
        if value not in [choice.value for choice in choices]:
            self.refuse(f"{where}.{key}", f"{value!r} is not known", f"use one of {', '.join(choices)}")
        return choices(value)

    def number(
        self,
        table: dict[str, Any],
        key: str,
        where: str,
        least: float,
        most: float,
        default: float | None = None,
    ) -> float:
        value = table.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int | float):
            fault = "is missing" if value is None else "is not a number"
            self.refuse(f"{where}.{key}", fault, f"give a number from {least:g} to {most:g}")
        if not least <= value <= most:
            self.refuse(
                f"{where}.{key}", f"{value:g} is out of range", f"give a number from {least:g} to {most:g}"
            )
        return float(value)

    def pair(self, value: object, key: str) -> Pair:
        pair = cast("list[Any]", value) if isinstance(value, list) else []
        if len(pair) != 2 or not all(isinstance(v, int | float) and math.isfinite(v) for v in pair):
            self.refuse(key, "is not a pair of numbers", "write it as [x, y]")
        return float(pair[0]), float(pair[1])
