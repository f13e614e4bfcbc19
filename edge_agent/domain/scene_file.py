"""Scene files (TOML), refused at the first fault with the file, the key and the fix."""

import math
import tomllib
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, tzinfo
from difflib import get_close_matches
from typing import Any, TypeVar, cast
from zoneinfo import ZoneInfo

import numpy as np

from edge_agent.domain import geometry
from edge_agent.domain.conditions import Profile
from edge_agent.domain.fields import MAX_ITEMS, Fields, SceneError
from edge_agent.domain.geometry import Point
from edge_agent.domain.ground import Ground, GroundError, SurveyedPoint, fit_ground
from edge_agent.domain.rules.form import WHOLE_PICTURE, Parameter, RuleForm, TaughtStates
from edge_agent.domain.rules.table import RULES
from edge_agent.domain.scene import Direction, Mode, RuleSpec, Scene, Tripwire, Zone
from edge_agent.domain.schedule import Moment, Span, parse_moment, parse_span
from edge_agent.domain.states import ZoneStates
from shared.geo import LatLon
from shared.kinds import CLASS_BY_SLUG, KIND_BY_SLUG, ObjectClass

DEFAULT_TIMEZONE = "Asia/Almaty"
DEFAULT_MIN_SCORE = 0.5
DEFAULT_PIXEL_ERROR = 4.0
LEAST_AREA_PX2 = 64.0
LEAST_LOOK_PX = 64

P = TypeVar("P", Zone, Tripwire)


OpenStates = Callable[[str], ZoneStates]
"""Opens the file of taught states that a scene names; raises ``ValueError`` with ``fault; way out``."""


def parse_scene(text: str, file: str, open_states: OpenStates | None = None) -> Scene:
    """Read a scene file. ``file`` is its name, for errors. Raises ``SceneError`` at the first fault.

    Without ``open_states`` files of taught states are not looked at: good for all that shows no pictures.
    """
    return _Reader(file, open_states).read(text)


def _counted(specs: Iterable[RuleSpec]) -> tuple[RuleSpec, ...]:
    """Several rules of a kind may watch one place, by day and by night: each is told from the others."""
    so_far: Counter[str] = Counter()
    counted: list[RuleSpec] = []
    for spec in specs:
        so_far[spec.key] += 1
        counted.append(replace(spec, nth=so_far[spec.key]))
    return tuple(counted)


class _Reader:
    """Reads one file from top to bottom."""

    def __init__(self, file: str, open_states: OpenStates | None) -> None:
        self._fields = Fields(file)
        self._file = file
        self._open_states = open_states
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
        rules = _counted(self._rule(scene, *item) for item in self._fields.items(document, "rule"))
        return replace(scene, rules=rules + self._everywhere(scene, rules), text=text)

    # What a file is made of

    def _camera(self, table: dict[str, Any]) -> Scene:
        self._fields.known(
            table, "camera", {"id", "name", "size_px", "timezone", "min_score", "look_px", "profile", "tiles"}
        )
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
            tile_px=self._tiles(table),
            profile=self._fields.choice(table, "profile", "camera", Profile, Profile.AUTO),
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

    def _tiles(self, table: dict[str, Any]) -> int | None:
        if table.get("tiles") == "auto":
            return 0
        if "tiles" not in table:
            return None
        if isinstance(table["tiles"], str):
            self._fields.refuse(
                "camera.tiles", f"{table['tiles']!r} is no width", 'write "auto" or a tile\'s width in pixels'
            )
        return int(self._fields.number(table, "tiles", "camera", LEAST_LOOK_PX, 4096, LEAST_LOOK_PX))

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
            return fit_ground(points, error_px, self._size_px)
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
        if kind is None or kind not in RULES:
            near = get_close_matches(slug, [k.slug for k in RULES], 1)
            way_out = f"did you mean {near[0]!r}?" if near else "use one of docs/ref/rules.md"
            self._fields.refuse(f"{where}.kind", f"{slug!r} is no rule of this program", way_out)
        form = RULES[kind].form
        place_keys = () if form.place == WHOLE_PICTURE else (form.place,)
        self._fields.known(
            table,
            where,
            {"kind", "mode", "classes", "hours", *place_keys, *form.numbers, *form.zones, *form.tripwires}
            | {*form.moments, *(("states",) if form.states else ())},
        )
        if form.needs_ground and scene.ground is None:
            self._fields.refuse(f"{where}.kind", f"{slug!r} measures on the ground", "add a [calibration]")
        place = self._place(scene, form, table, where)
        if "zone_m2" in form.numbers and scene.ground is None and not table.get("zone_m2"):
            self._fields.refuse(
                f"{where}.zone_m2",
                "is needed without a calibration",
                "give the zone's area in square metres, or add [calibration]",
            )
        return RuleSpec(
            kind=kind,
            mode=self._fields.choice(table, "mode", where, Mode, form.mode),
            zone=place if isinstance(place, Zone) else None,
            tripwire=place if isinstance(place, Tripwire) else None,
            other_zones=self._others("zone", scene.zones, form.zones, form, table, where),
            other_tripwires=self._others("tripwire", scene.tripwires, form.tripwires, form, table, where),
            classes=self._classes(table, where, form.classes),
            hours=self._hours(table, where),
            limits={name: self._limit(table, name, where, limit) for name, limit in form.numbers.items()},
            states=self._states(table, where, form.states) if form.states else None,
            moments={key: self._moments(table, where, key) for key in form.moments},
            timezone=scene.timezone,
        )

    def _everywhere(self, scene: Scene, listed: tuple[RuleSpec, ...]) -> tuple[RuleSpec, ...]:
        """The rules that every scene has, as far as it does not list them itself and they can measure."""
        forms = {kind: entry.form for kind, entry in RULES.items() if entry.form.is_everywhere}
        kinds = [kind for kind, form in forms.items() if scene.ground is not None or not form.needs_ground]
        missing = [kind for kind in kinds if all(spec.kind is not kind for spec in listed)]
        return tuple(self._rule(scene, "rule", {"kind": kind.slug}) for kind in missing)

    def _place(self, scene: Scene, form: RuleForm, table: dict[str, Any], where: str) -> Zone | Tripwire:
        if form.place == WHOLE_PICTURE:
            right, bottom = scene.width, scene.height
            corners = [(0, 0), (right, 0), (right, bottom), (0, bottom)]
            return Zone(WHOLE_PICTURE, np.array(corners, np.float64))
        if form.place == "tripwire":
            return self._named("tripwire", scene.tripwires, table, form.place, where)
        return self._named("zone", scene.zones, table, form.place, where)

    def _others(
        self,
        part: str,
        places: dict[str, P],
        keys: tuple[str, ...],
        form: RuleForm,
        table: dict[str, Any],
        where: str,
    ) -> dict[str, P]:
        """Further places: those that the rule can't do without are asked for, the rest may be left out."""
        wanted = [key for key in keys if key in table or key in form.required]
        return {key: self._named(part, places, table, key, where) for key in wanted}

    def _named(self, part: str, places: dict[str, P], table: dict[str, Any], key: str, where: str) -> P:
        name = self._fields.text(table, key, where)
        if name not in places:
            known = ", ".join(places) or "none is"
            self._fields.refuse(f"{where}.{key}", f"no {part} is called {name!r}", f"defined here: {known}")
        return places[name]

    def _limit(self, table: dict[str, Any], name: str, where: str, limit: Parameter) -> float:
        return self._fields.number(table, name, where, limit.least, limit.most, limit.default)

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

    def _moments(self, table: dict[str, Any], where: str, key: str) -> tuple[Moment, ...]:
        texts = self._fields.texts(table, key, where)
        if not texts:
            self._fields.refuse(f"{where}.{key}", "is missing", f'write {key} = ["Mon 08:00", "Thu 08:00"]')
        try:
            return tuple(parse_moment(text) for text in texts)
        except ValueError as error:
            self._fields.refuse(f"{where}.{key}", *str(error).split("; ", 1))

    def _states(self, table: dict[str, Any], where: str, taught: TaughtStates) -> ZoneStates | None:
        if "states" not in table and not taught.is_required:
            return None
        name, key = self._fields.text(table, "states", where), f"{where}.states"
        if self._open_states is None:
            return None
        try:
            states = self._open_states(name)
        except ValueError as error:
            self._fields.refuse(key, *str(error).split("; ", 1))
        known = ", ".join(states.model.names)
        for wanted in (taught.opens, taught.clears):
            if not wanted & set(states.model.names):
                needed = " or ".join(sorted(wanted))
                self._fields.refuse(key, f"knows {known}, but not {needed}", f"teach a state called {needed}")
        return states

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
