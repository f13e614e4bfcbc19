"""What a camera looks at: its zones, tripwires, calibration and rules, as read from its scene file."""

import math
import tomllib
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta, tzinfo
from enum import StrEnum
from typing import Any, cast
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from edge_agent.domain import geometry
from edge_agent.domain.fields import MAX_ITEMS, Fields, SceneError
from edge_agent.domain.geometry import Point
from edge_agent.domain.ground import Ground, GroundError, SurveyedPoint, fit_ground
from edge_agent.domain.rules.parameters import PARAMETERS, Parameter
from edge_agent.domain.schedule import Span, parse_span
from shared.geo import LatLon
from shared.kinds import CLASS_BY_SLUG, KIND_BY_SLUG, Kind, ObjectClass

DEFAULT_TIMEZONE = "Asia/Almaty"
DEFAULT_MIN_SCORE = 0.5
DEFAULT_PIXEL_ERROR = 4.0
LEAST_AREA_PX2 = 64.0
LEAST_LOOK_PX = 64


class Mode(StrEnum):
    """What a rule does with what it finds."""

    ON = "on"
    SHADOW = "shadow"
    """Judges and counts, never reports."""
    OFF = "off"


class Direction(StrEnum):
    """Which way over a tripwire counts, for someone at its ``from_px`` who looks to its ``to_px``."""

    LEFT_TO_RIGHT = "left_to_right"
    RIGHT_TO_LEFT = "right_to_left"
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class Zone:
    """An area of the picture."""

    id: str
    polygon_px: NDArray[np.float64]
    """(M, 2)"""


@dataclass(frozen=True, slots=True)
class Tripwire:
    """A line in the picture."""

    id: str
    from_px: Point
    to_px: Point
    direction: Direction


@dataclass(frozen=True, slots=True)
class RuleSpec:
    """One rule of one camera."""

    kind: Kind
    mode: Mode
    zone: Zone | None
    tripwire: Tripwire | None
    other_zones: dict[str, Zone]
    """Further zones by their key: ``lane``, ``container``."""
    classes: frozenset[ObjectClass]
    hours: tuple[Span, ...]
    limits: dict[str, float]
    """All parameters of the kind, by name with unit."""

    @property
    def outline_px(self) -> NDArray[np.float64]:
        """The zone's corners or the tripwire's ends, (M, 2)."""
        if self.zone is not None:
            return self.zone.polygon_px
        assert self.tripwire is not None
        return np.array([self.tripwire.from_px, self.tripwire.to_px])

    @property
    def place_id(self) -> str:
        """The zone or tripwire that it watches."""
        place = self.zone or self.tripwire
        assert place is not None
        return place.id


@dataclass(frozen=True, slots=True)
class Scene:
    """One camera's scene."""

    camera: str
    name: str
    width: int
    height: int
    timezone: tzinfo
    min_score: float
    look_px: tuple[int, int, int, int]
    """Left, top, right, bottom: the part of the picture that the model is shown."""
    ground: Ground | None = None
    zones: dict[str, Zone] = field(default_factory=dict[str, Zone])
    tripwires: dict[str, Tripwire] = field(default_factory=dict[str, Tripwire])
    rules: tuple[RuleSpec, ...] = ()


def parse_scene(text: str, file: str) -> Scene:
    """Read a scene file. ``file`` is its name, for errors. Raises ``SceneError`` at the first fault."""
    return _Reader(file).read(text)


class _Reader:
    """Reads one file from top to bottom."""

    def __init__(self, file: str) -> None:
        self._fields = Fields(file)
        self._file = file
        self._size_px = (0, 0)

    def read(self, text: str) -> Scene:
        try:
            document: dict[str, Any] = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise SceneError(self._file, "file", f"is not TOML: {error}", "correct that line") from None
        self._fields.known(document, "file", {"camera", "calibration", "zone", "tripwire", "rule"})
        scene = self._camera(self._fields.table(document, "camera", "file"))
        scene = replace(
            scene,
            ground=self._ground(document),
            zones={z.id: z for z in (self._zone(*item) for item in self._fields.items(document, "zone"))},
            tripwires={
                w.id: w for w in (self._tripwire(*item) for item in self._fields.items(document, "tripwire"))
            },
        )
        self._names_once(document)
        return replace(
            scene, rules=tuple(self._rule(scene, *item) for item in self._fields.items(document, "rule"))
        )

    # What a file is made of

    def _camera(self, table: dict[str, Any]) -> Scene:
        self._fields.known(table, "camera", {"id", "name", "size_px", "timezone", "min_score", "look_px"})
        width, height = self._fields.pair(table.get("size_px"), "camera.size_px")
        if not (width.is_integer() and height.is_integer() and 16 <= width <= 8192 and 16 <= height <= 8192):
            self._fields.refuse(
                "camera.size_px", f"[{width:g}, {height:g}] is no picture", "give its width and height"
            )
        self._size_px = (int(width), int(height))
        camera = self._fields.identity(table, "id", "camera")
        return Scene(
            camera=camera,
            name=self._fields.text(table, "name", "camera", camera),
            width=int(width),
            height=int(height),
            timezone=self._timezone(self._fields.text(table, "timezone", "camera", DEFAULT_TIMEZONE)),
            min_score=self._fields.number(table, "min_score", "camera", 0.05, 0.99, DEFAULT_MIN_SCORE),
            look_px=self._look(table),
        )

    def _look(self, table: dict[str, Any]) -> tuple[int, int, int, int]:
        if "look_px" not in table:
            return 0, 0, self._size_px[0], self._size_px[1]
        (left, top), (right, bottom) = self._points(table["look_px"], "camera.look_px", 2, 2)
        if right - left < LEAST_LOOK_PX or bottom - top < LEAST_LOOK_PX:
            self._fields.refuse(
                "camera.look_px",
                f"is smaller than {LEAST_LOOK_PX} px",
                "write it as [[left, top], [right, bottom]]",
            )
        return int(left), int(top), int(right), int(bottom)

    def _timezone(self, name: str) -> tzinfo:
        try:
            zone = ZoneInfo(name)
        except (KeyError, ValueError, OSError):
            self._fields.refuse(
                "camera.timezone", f"{name!r} is not known here", "use a name such as Asia/Almaty"
            )
        after_change = datetime(2024, 3, 2, tzinfo=UTC).astimezone(zone).utcoffset()
        if name == DEFAULT_TIMEZONE and after_change != timedelta(hours=5):
            self._fields.refuse(
                "camera.timezone",
                "this machine's time zones are older than 2024a",
                "update its tzdata package",
            )
        return zone

    def _ground(self, document: dict[str, Any]) -> Ground | None:
        if "calibration" not in document:
            return None
        table = self._fields.table(document, "calibration", "file")
        self._fields.known(table, "calibration", {"points", "pixel_error_px"})
        points = [
            SurveyedPoint(
                self._point(point, "px", where),
                LatLon(
                    self._fields.number(point, "lat", where, -90, 90),
                    self._fields.number(point, "lon", where, -180, 180),
                ),
            )
            for where, point in self._fields.items(table, "points", "calibration.")
            if self._fields.known(point, where, {"px", "lat", "lon"})
        ]
        error_px = self._fields.number(table, "pixel_error_px", "calibration", 0.1, 100, DEFAULT_PIXEL_ERROR)
        try:
            return fit_ground(points, error_px)
        except GroundError as error:
            self._fields.refuse("calibration.points", error.fault, error.way_out)

    def _zone(self, where: str, table: dict[str, Any]) -> Zone:
        self._fields.known(table, where, {"id", "polygon_px"})
        name = self._fields.identity(table, "id", where)
        key = f"{where}.polygon_px"
        corners = self._points(table.get("polygon_px"), key, 3, MAX_ITEMS)
        crossing = geometry.crossing_edges(corners)
        if crossing is not None:
            self._fields.refuse(
                key,
                f"the edge after corner {crossing[0] + 1} crosses the edge after corner {crossing[1] + 1}",
                "list the corners in order around the area",
            )
        if geometry.area_px2(corners) < LEAST_AREA_PX2:
            self._fields.refuse(key, "encloses next to nothing", "draw a larger area")
        return Zone(name, np.array(corners, np.float64))

    def _tripwire(self, where: str, table: dict[str, Any]) -> Tripwire:
        self._fields.known(table, where, {"id", "from_px", "to_px", "direction"})
        start, end = self._point(table, "from_px", where), self._point(table, "to_px", where)
        if math.dist(start, end) < 8:
            self._fields.refuse(f"{where}.to_px", "the line is shorter than 8 px", "draw a longer line")
        direction = self._fields.choice(table, "direction", where, Direction, Direction.BOTH)
        return Tripwire(self._fields.identity(table, "id", where), start, end, direction)

    def _names_once(self, document: dict[str, Any]) -> None:
        seen: dict[str, str] = {}
        for part in ("zone", "tripwire"):
            for where, table in self._fields.items(document, part):
                name = table["id"]
                if name in seen:
                    self._fields.refuse(
                        f"{where}.id", f"{name!r} is also {seen[name]}", "give each its own id"
                    )
                seen[name] = where

    def _rule(self, scene: Scene, where: str, table: dict[str, Any]) -> RuleSpec:
        slug = self._fields.text(table, "kind", where)
        kind = KIND_BY_SLUG.get(slug)
        if kind is None or kind not in PARAMETERS:
            known = ", ".join(k.slug for k in PARAMETERS)
            self._fields.refuse(
                f"{where}.kind", f"{slug!r} is no rule of this program", f"use one of {known}"
            )
        form = PARAMETERS[kind]
        self._fields.known(
            table, where, {"kind", "mode", "classes", "hours", form.place, *form.numbers, *form.zones}
        )
        place = self._named(scene.zones | scene.tripwires, table, form.place, where)
        others = {key: self._named(scene.zones, table, key, where) for key in form.zones if key in table}
        return RuleSpec(
            kind=kind,
            mode=self._fields.choice(table, "mode", where, Mode, Mode.ON),
            zone=place if isinstance(place, Zone) else None,
            tripwire=place if isinstance(place, Tripwire) else None,
            other_zones={key: zone for key, zone in others.items() if isinstance(zone, Zone)},
            classes=self._classes(table, where, form.classes),
            hours=self._hours(table, where),
            limits={name: self._limit(table, name, where, limit) for name, limit in form.numbers.items()},
        )

    def _limit(self, table: dict[str, Any], name: str, where: str, limit: Parameter) -> float:
        return self._fields.number(table, name, where, limit.least, limit.most, limit.default)

    def _named(self, places: dict[str, Any], table: dict[str, Any], key: str, where: str) -> Zone | Tripwire:
        name = self._fields.text(table, key, where)
        wanted = Tripwire if key == "tripwire" else Zone
        found = places.get(name)
        if not isinstance(found, wanted):
            part = "tripwire" if wanted is Tripwire else "zone"
            known = ", ".join(n for n, p in places.items() if isinstance(p, wanted)) or "none is"
            self._fields.refuse(f"{where}.{key}", f"no {part} is called {name!r}", f"defined here: {known}")
        return found

    def _classes(
        self, table: dict[str, Any], where: str, default: frozenset[ObjectClass]
    ) -> frozenset[ObjectClass]:
        classes: set[ObjectClass] = set()
        for slug in self._fields.texts(table, "classes", where):
            if slug not in CLASS_BY_SLUG:
                known = ", ".join(CLASS_BY_SLUG)
                self._fields.refuse(
                    f"{where}.classes", f"{slug!r} is no class of things", f"use some of {known}"
                )
            classes.add(CLASS_BY_SLUG[slug])
        return frozenset(classes) or default

    def _hours(self, table: dict[str, Any], where: str) -> tuple[Span, ...]:
        try:
            return tuple(parse_span(text) for text in self._fields.texts(table, "hours", where))
        except ValueError as error:
            self._fields.refuse(f"{where}.hours", *str(error).split("; ", 1))

    def _point(self, table: dict[str, Any], key: str, where: str) -> Point:
        return self._in_picture(table.get(key), f"{where}.{key}")

    def _points(self, value: object, key: str, least: int, most: int) -> list[Point]:
        listed = cast("list[Any]", value) if isinstance(value, list) else []
        if not least <= len(listed) <= most:
            how_many = f"{least}" if least == most else f"{least} to {most}"
            self._fields.refuse(key, f"is not a list of {how_many} points", "write it as [[x, y], [x, y], …]")
        return [self._in_picture(point, f"{key}[{n + 1}]") for n, point in enumerate(listed)]

    def _in_picture(self, value: object, key: str) -> Point:
        x, y = self._fields.pair(value, key)
        width, height = self._size_px
        if not (0 <= x <= width and 0 <= y <= height):
            self._fields.refuse(
                key,
                f"[{x:g}, {y:g}] is outside the picture",
                f"stay within {width} x {height}, camera.size_px",
            )
        return x, y
