"""Trials of the kinds that are judged by samples minutes apart: containers, heaps, water, snow, potholes."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from simulator.actors import Actor
from simulator.trials.canvas import Canvas
from simulator.trials.cast import walker
from simulator.trials.places import somewhere
from simulator.trials.setting import Setting
from simulator.trials.stand import stand
from simulator.trials.trial import Due, Lesson, Stretch, Trial, Variant
from simulator.world import Point

Rng = np.random.Generator
Patch = tuple[list[Point], int, int | None, int, int]
"""Ring on the ground, luma, texture, u, v."""

LOOK_S, LOOK_FPS = 7.0, 2.0
_LESSONS = 8
_DAYLIGHT = ("day", "dusk", "wind")
"""Under which of the conditions what is judged by daylight and in fair weather can be told of."""
_DARK_SHARE = 0.15
"""So many trials of such a kind only show that the rule keeps silent by night and in rain."""
_MIRROR, _BLACK = 1.7, 20
"""A mirror by night is so much brighter than the ground; under the camera's own infrared light, which it
sends away from it, it is black."""


def paces(every_s: float, count: int) -> tuple[Stretch, ...]:
    """Short looks with the clock going on between them."""
    return tuple(Stretch(n * every_s, n * every_s + LOOK_S, LOOK_FPS) for n in range(count))


def begin_of(variant: Variant, count: int, needed: int) -> int:
    """At which look something begins: when the ground is known in the light of then, and no change between
    colour and infrared comes in between."""
    if variant.switch_share is not None and variant.switch_share < 0.5:
        return int(variant.switch_share * count) + 5
    return min(4, count - needed)


def _by_daylight(rng: Rng, variant: Variant) -> Variant:
    """The circumstances of a kind that is judged by daylight only: mostly such, whatever was drawn."""
    if variant.condition in _DAYLIGHT or rng.random() < _DARK_SHARE:
        return variant
    return replace(variant, condition=str(rng.choice(_DAYLIGHT)), switch_share=None)


def _ring(middle: Point, half_x_m: float, half_y_m: float, corners: int = 12) -> list[Point]:
    turns = np.linspace(0, 2 * np.pi, corners, endpoint=False)
    return [(middle[0] + half_x_m * float(np.cos(a)), middle[1] + half_y_m * float(np.sin(a))) for a in turns]


def _square(middle: Point, half_m: float) -> list[Point]:
    (x, y), r = middle, half_m
    return [(x - r, y - r), (x + r, y - r), (x + r, y + r), (x - r, y + r)]


def _heap(rng: Rng, middle: Point, reach_m: float, count: int) -> list[Patch]:
    """Bags and boxes of many colours, close together."""
    return [
        (
            _ring(
                (
                    middle[0] + float(rng.uniform(-1, 1)) * reach_m,
                    middle[1] + float(rng.uniform(-1, 1)) * reach_m,
                ),
                float(rng.uniform(0.25, 0.5)),
                float(rng.uniform(0.25, 0.5)),
                7,
            ),
            int(rng.choice([28, 45, 190, 205])),
            int(rng.integers(1 << 20)),
            int(rng.integers(95, 165)),
            int(rng.integers(95, 165)),
        )
        for _ in range(count)
    ]


def _lay(canvas: Canvas, patches: list[Patch]) -> None:
    for ring, luma, seed, u, v in patches:
        canvas.fill_ground(ring, luma, seed, u, v)


def _passer(rng: Rng, focus: Point, at_s: float) -> Actor:
    """Someone who walks through the zone while it is looked at."""
    return walker(rng, 1, [(focus[0] - 6, focus[1]), focus, (focus[0] + 6, focus[1])], at_s)


def _trial(
    rng: Rng,
    variant: Variant,
    kind: str,
    every_s: float,
    count: int,
    needed: int,
    scene: Callable[[Setting, Point], None],
    happens: Callable[[Canvas, Point], None],
    looks_like: Callable[[Canvas, Point], None] | None,
    *,
    is_due: bool,
) -> Trial:
    """One zone around a place; what happens there begins at one look and stays. One trial in four shows only
    what looks like it."""
    focus = somewhere(rng)
    camera = stand(rng, variant, focus, reach_m=6.0)
    setting = Setting(camera, rng)
    scene(setting, focus)
    begin = begin_of(variant, count, needed)
    is_quiet = rng.random() < 0.25
    begin_s = begin * every_s - 60.0

    def paint(canvas: Canvas, t_s: float) -> None:
        if t_s >= begin_s and not is_quiet and is_due:
            happens(canvas, focus)
        elif t_s >= begin_s and looks_like is not None:
            looks_like(canvas, focus)

    due_s = (begin + needed - 1) * every_s + LOOK_S
    due = Due(kind, begin_s, due_s, focus, late_s=2.5 * every_s)
    return Trial(
        camera,
        setting.text(),
        count * every_s,
        (_passer(rng, focus, (begin + 1) * every_s),),
        due=() if is_quiet or not is_due else (due,),
        paint=paint,
        pace=paces(every_s, count),
    )


def dump(rng: Rng, variant: Variant) -> Trial:
    """A heap of bags grows on a verge; or a house's shadow comes over it."""
    heap = _heap(rng, (0.0, 0.0), 1.0, 22)

    def happens(canvas: Canvas, focus: Point) -> None:
        moved = [([(x + focus[0], y + focus[1]) for x, y in ring], *rest) for ring, *rest in heap]
        _lay(canvas, moved)  # type: ignore[arg-type]

    def shade(canvas: Canvas, focus: Point) -> None:
        canvas.fill_ground(_square((focus[0] + 2, focus[1]), 3.0), 20, opacity=0.45)

    def scene(setting: Setting, focus: Point) -> None:
        setting.zone("verge", _square(focus, 3.5))
        setting.rule("dump", zone="verge", sample_s=540)

    return _trial(rng, variant, "dump", 600, 20, 4, scene, happens, shade, is_due=not variant.falls)


def standing_water(rng: Rng, variant: Variant) -> Trial:
    """A puddle that mirrors the sky; or asphalt that is only wet, and glares."""
    size = float(rng.uniform(1.6, 2.4)), float(rng.uniform(1.6, 2.4))
    tone = int(rng.integers(150, 185))

    def happens(canvas: Canvas, focus: Point) -> None:
        is_grey = bool((canvas.u == canvas.u.flat[0]).all())
        by_night = round(_MIRROR * float(canvas.luma.mean()))
        level = tone if not variant.is_dark else _BLACK if is_grey else by_night
        canvas.fill_ground(_ring(focus, *size), level, None, 134, 122)

    def wet(canvas: Canvas, focus: Point) -> None:
        canvas.fill_ground(_square(focus, 6.0), 20, opacity=0.35)
        canvas.fill_ground(_ring(focus, 1.0, 0.7), 250)

    def scene(setting: Setting, focus: Point) -> None:
        setting.zone("road", _square(focus, 4.0))
        setting.rule("standing_water", zone="road", sample_s=120)

    return _trial(rng, variant, "standing_water", 150, 20, 4, scene, happens, wet, is_due=not variant.falls)


def snow_not_cleared(rng: Rng, variant: Variant) -> Trial:
    """Snow lies on the path, and nobody clears it."""
    variant = _by_daylight(rng, variant)

    def happens(canvas: Canvas, focus: Point) -> None:
        canvas.fill_ground(_square(focus, 7.0), 210, 5)

    def swept(canvas: Canvas, focus: Point) -> None:
        canvas.fill_ground(_ring((focus[0] + 3.5, focus[1] + 3.5), 1.2, 1.2), 210, 5)

    def scene(setting: Setting, focus: Point) -> None:
        setting.zone("path", _square(focus, 3.0))
        setting.rule("snow_not_cleared", zone="path", limit_h=2, sample_s=1700)

    is_due = variant.condition in _DAYLIGHT
    trial = _trial(rng, variant, "snow_not_cleared", 1800, 16, 8, scene, happens, swept, is_due=is_due)
    return replace(trial, variant=variant)


def _container(canvas: Canvas, rng: Rng, corners: tuple[float, float, float, float], state: str) -> None:
    """A container in the picture, ok, full, overflow or strange: a lid or a cap of snow."""
    left, top, right, bottom = corners
    wide, high = right - left, bottom - top

    def box(x0: float, y0: float, x1: float, y1: float, *tone: int) -> None:
        ends = [(left + x * wide, top + y * high) for x, y in ((x0, y0), (x1, y0), (x1, y1), (x0, y1))]
        canvas.fill_px(ends, tone[0], tone[1], tone[2], tone[3])

    box(0.2, 0.4, 0.8, 0.95, 70, 3, 118, 110)
    box(0.2, 0.4, 0.8, 0.48, 35, 4, 128, 128)
    for low, count in ((0.28, 7), (0.78, 9)):
        if state == "ok" or (state == "full" and low > 0.5):
            continue
        for _ in range(count):
            x = float(rng.uniform(0.2, 0.68) if low < 0.5 else rng.uniform(0.02, 0.86))
            y = low + float(rng.uniform(-0.04, 0.08))
            tones = (
                int(rng.choice([30, 180, 200])),
                int(rng.integers(99)),
                *rng.integers(100, 160, 2).tolist(),
            )
            box(x, y, x + 0.12, y + 0.13, *tones)


def _taught(
    rng: Rng,
    variant: Variant,
    kind: str,
    every_s: float,
    needed: int,
    states: dict[str, str],
    draw: Callable[[Canvas, Rng, tuple[float, float, float, float], str], None],
    *,
    is_due: bool,
    late_s: float | None = None,
    **values: str | float | list[str],
) -> Trial:
    """A zone whose states were taught by pictures of this camera; ``states``: before, after, and after it
    in a trial that must stay silent. ``late_s``: when it is due, if not so many looks after it began."""
    focus = somewhere(rng)
    camera = stand(rng, variant, focus, reach_m=5.0)
    setting = Setting(camera, rng)
    wide, high = camera.size_px
    side = float(rng.uniform(0.22, 0.34)) * high
    middle = camera.project(np.array([[*focus, 0.0]]))[0][0]
    left = float(np.clip(middle[0] - side / 2, 4, wide - side - 4))
    top = float(np.clip(middle[1] - side * 0.8, 4, high - side - 4))
    zone = (left, top, left + side, top + side)
    setting.zone_px("bin", [(zone[0], zone[1]), (zone[2], zone[1]), (zone[2], zone[3]), (zone[0], zone[3])])
    setting.rule(kind, zone="bin", states="bin.states", sample_s=every_s - 60.0, **values)
    count, seed = 16, int(rng.integers(1 << 30))
    begin = begin_of(variant, count, needed) if late_s is None else 3
    begin_s, is_quiet = begin * every_s - 60.0, rng.random() < 0.25
    names = list(dict.fromkeys(states.values()))
    lessons = tuple(
        # Before the trial and after it: so every light of its own is among them.
        (name, (-1000.0 if n % 2 else count * every_s + 1000.0) * (1 + n + _LESSONS * k))
        for k, name in enumerate(names)
        for n in range(_LESSONS)
    )
    shown = {t_s: name for name, t_s in lessons}

    def paint(canvas: Canvas, t_s: float) -> None:
        after = states["else"] if is_quiet or not is_due else states["after"]
        state = shown.get(t_s) or (states["before"] if t_s < begin_s else after)
        draw(canvas, np.random.default_rng([seed, int(t_s // 3600) & 0xFFFF]), zone, state)

    due_s = (begin + needed - 1) * every_s + LOOK_S if late_s is None else late_s
    due = Due(kind, min(begin_s, due_s), due_s, focus, late_s=2.5 * every_s)
    trial = Trial(
        camera,
        setting.text(),
        count * every_s,
        (_passer(rng, focus, (begin + 1) * every_s),),
        due=() if is_quiet or not is_due else (due,),
        paint=paint,
        pace=paces(every_s, count),
    )
    return replace(trial, lessons=(Lesson("bin.states", "bin", lessons),))


def container_overflow(rng: Rng, variant: Variant) -> Trial:
    """A container that overflows; or is only full."""
    states = {"before": "ok", "else": "full", "after": "overflow"}
    return _taught(rng, variant, "container_overflow", 900, 3, states, _container, is_due=True)


def missed_collection(rng: Rng, variant: Variant) -> Trial:
    """A full container three hours after its time; or an empty one."""
    states = {"before": "full", "else": "ok", "after": "full"}
    now_h = 22 if variant.is_dark else 11
    return _taught(
        rng,
        variant,
        "missed_collection",
        900,
        3,
        states,
        _container,
        is_due=True,
        late_s=5400 + LOOK_S,
        collected_at=[f"{now_h - 2:02d}:30"],
    )


def road_damage(rng: Rng, variant: Variant) -> Trial:
    """A pothole opens; seen by day only."""
    variant = _by_daylight(rng, variant)

    def road(canvas: Canvas, rng: Rng, zone: tuple[float, float, float, float], state: str) -> None:
        if state == "damaged":
            left, top, right, bottom = zone
            x, y, r = (left + right) / 2, (top + bottom) / 2, (right - left) * float(rng.uniform(0.24, 0.32))
            turns = np.linspace(0, 2 * np.pi, 14, endpoint=False)
            for share, luma in ((1.0, 60), (0.7, 35)):
                rim = [
                    (x + r * share * float(np.cos(a)), y + 0.6 * r * share * float(np.sin(a))) for a in turns
                ]
                canvas.fill_px(rim, luma, int(rng.integers(99)))

    is_due = variant.condition in _DAYLIGHT
    states = {"before": "ok", "else": "ok", "after": "damaged"}
    trial = _taught(rng, variant, "road_damage", 1800, 4, states, road, is_due=is_due)
    return replace(trial, variant=variant)
