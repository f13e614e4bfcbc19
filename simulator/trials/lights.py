"""Trials of traffic lights and street lamps: small lit things, painted into the picture."""

from dataclasses import replace

import numpy as np

from simulator.actors import Actor
from simulator.traffic import walk
from simulator.trials.canvas import Canvas
from simulator.trials.cast import driver, due_of, nose_m
from simulator.trials.roads import EAST_M, lane
from simulator.trials.setting import Setting
from simulator.trials.stand import stand
from simulator.trials.trial import Due, Stretch, Trial, Variant
from simulator.world import Point

Rng = np.random.Generator

# Luma, U and V of a lit lens, and of its halo by night.
_COLOURS = {"red": (110, 96, 220), "amber": (170, 40, 176), "green": (160, 124, 44)}
_LENSES = ("red", "amber", "green")
_HOUSING, _OFF = 34, 48
_CYCLE_S = 24.0
_DAY_S = 86_400.0


class Signal:
    """A traffic light in the picture: where its housing is, and what it shows when."""

    def __init__(self, rng: Rng, variant: Variant, setting: Setting) -> None:
        width, height = setting.camera.size_px
        self._high = float(rng.uniform(30, 44))
        self._left = float(rng.uniform(0.06, 0.9) * (width - self._high / 2))
        self._top = float(rng.uniform(0.03, 0.10) * height)
        self._is_night = variant.is_dark
        edge, wide = float(rng.uniform(0, 3)), self._high / 3 + 3
        setting.zone_px(
            "signal", self._ring(self._left - edge, self._top - edge, wide + 2 * edge, self._high + 2 * edge)
        )
        self._wide = wide

    def paint(self, canvas: Canvas, shown: str) -> None:
        """Draw it; ``shown`` is a colour, ``dark``, or ``glare``: the sun in the lenses."""
        canvas.fill_px(self._ring(self._left, self._top, self._wide, self._high), _HOUSING)
        if shown == "glare":
            canvas.fill_px(self._ring(self._left, self._top, self._wide, self._high), 252)
            return
        size = self._high / 3 - 3
        for number, colour in enumerate(_LENSES):
            left, top = self._left + 3, self._top + 1.5 + number * self._high / 3
            luma, u, v = _COLOURS[colour] if colour == shown else (_OFF, 128, 128)
            canvas.fill_px(self._ring(left, top, size, size), luma, None, u, v)
            if colour == shown and self._is_night:
                canvas.fill_px(self._ring(left + size / 3, top + size / 3, size / 3, size / 3), 240)

    def _ring(self, left: float, top: float, wide: float, high: float) -> list[Point]:
        return [(left, top), (left + wide, top), (left + wide, top + high), (left, top + high)]


def _working(t_s: float, offset_s: float) -> str:
    at_s = (t_s + offset_s) % _CYCLE_S
    return "red" if at_s < 11 else "green" if at_s < 21 else "amber"


def red_light(rng: Rng, variant: Variant) -> Trial:
    """A stop line. One goes over it at red; others wait, go at green, or stop just beyond it."""
    x, seconds = float(rng.uniform(-40, 5)), 66.0
    camera = stand(rng, variant, (x, EAST_M), reach_m=11.0)
    setting = Setting(camera, rng)
    signal = Signal(rng, variant, setting)
    # Who looks from the north to the south has those who go east pass from right to left.
    setting.tripwire("stop", (x, EAST_M + 1.9), (x, EAST_M - 1.9), "right_to_left")
    setting.rule("red_light", zone="signal", stop_line="stop")
    offset_s = float(rng.uniform(0, _CYCLE_S))
    reds = [n * _CYCLE_S - offset_s for n in range(5)]
    way: list[Point] = [(x - 80, EAST_M), (x + 80, EAST_M)]
    actors: list[Actor] = []
    due: list[Due] = []
    is_offence = rng.random() < 0.75
    chosen = int(rng.integers(1, 3))
    for number, red_s in enumerate(reds):
        speed = float(rng.uniform(6, 9))
        wrong_s = red_s + float(rng.uniform(2.5, 8.0))
        if number == chosen and is_offence and 10 < wrong_s < seconds - 4:
            # A bus's front is at the line more than half a second before that of a car with the same middle.
            car = _front_at(driver(rng, 1, way, 0.0, speed), x, wrong_s, speed)
            actors.append(car)
            due.append(due_of(car, "red_light", wrong_s - 1, wrong_s + 0.8, wrong_s + 4, far_m=9.0))
        else:
            at_s = red_s + float(rng.uniform(2.5, 6.0))
            car = driver(rng, 10 + number, way, 0.0, speed)
            beyond_m = float(rng.uniform(0.3, 1.2) if rng.random() < 0.25 else -rng.uniform(0.6, 2.0))
            stop_m = x + beyond_m - nose_m(car)
            points = [way[0], (stop_m, EAST_M), way[1]]
            stay_s = max(0.5, red_s + 12.0 - at_s)
            start_s = at_s - (stop_m - way[0][0]) / speed
            actors.append(replace(car, waypoints=walk(points, start_s, speed, {1: stay_s})))
        green_s = red_s + 17.5
        actors.append(driver(rng, 20 + number, way, green_s - 80 / 9.0, 9.0))
    actors += lane(rng, 60, 0, seconds, 9.0, is_east=False)

    def paint(canvas: Canvas, t_s: float) -> None:
        signal.paint(canvas, _working(t_s, offset_s))

    return Trial(camera, setting.text(), seconds, tuple(actors), tuple(due), paint=paint)


def _front_at(car: Actor, x: float, at_s: float, speed: float) -> Actor:
    """The same vehicle, eastbound, with its front at ``x`` at that instant."""
    start = car.waypoints[0]
    by_s = at_s - (x - nose_m(car) - start.east_m) / speed - start.t_s
    return replace(car, waypoints=tuple(w._replace(t_s=w.t_s + by_s) for w in car.waypoints))


def signal_fault(rng: Rng, variant: Variant) -> Trial:
    """A light that goes dark or sticks; or works, blinks amber by plan, or has the sun in its lenses."""
    x, seconds = float(rng.uniform(-40, 5)), 110.0
    camera = stand(rng, variant, (x, 0.0), reach_m=10.0)
    setting = Setting(camera, rng)
    signal = Signal(rng, variant, setting)
    setting.rule("signal_fault", zone="signal", cycle_s=_CYCLE_S)
    case = str(
        rng.choice(["dark", *_LENSES, "works", "blinks", "glare"], p=[0.3, 0.15, 0.1, 0.15, 0.1, 0.1, 0.1])
    )
    from_s, offset_s = float(rng.uniform(15, 30)), float(rng.uniform(0, _CYCLE_S))
    is_fault = case == "dark" or case in _LENSES

    def paint(canvas: Canvas, t_s: float) -> None:
        shown = _working(t_s, offset_s)
        if t_s >= from_s and case == "blinks":
            shown = "amber" if t_s % 1.0 < 0.5 else "dark"
        elif t_s >= from_s and case != "works":
            shown = case
        signal.paint(canvas, shown)

    # A colour that sticks has shown since it last came on.
    begin_s = from_s if case == "dark" else from_s - _CYCLE_S
    due = [Due("signal_fault", begin_s, from_s + 2 * _CYCLE_S, (x, 0.0), late_s=20.0, far_m=1e4)]
    traffic = lane(rng, 20, 0, seconds, 12.0) + lane(rng, 60, 0, seconds, 12.0, is_east=False)
    return Trial(camera, setting.text(), seconds, tuple(traffic), tuple(due) if is_fault else (), paint=paint)


def street_light_out(rng: Rng, variant: Variant) -> Trial:
    """Three nights of a row of lamps. From the second on some are dark, or one is for a single night."""
    x = float(rng.uniform(-40, 5))
    camera = stand(rng, variant, (x, 0.0), reach_m=12.0)
    setting = Setting(camera, rng)
    width, height = camera.size_px
    count, size = int(rng.integers(2, 5)), float(rng.uniform(9, 14))
    spots = [
        ((n + 0.5 + float(rng.uniform(-0.2, 0.2))) * width / count, float(rng.uniform(0.06, 0.2)) * height)
        for n in range(count)
    ]
    for number, (left, top) in enumerate(spots, 1):
        setting.zone_px(f"lamp-{number}", _square(left - 2, top - 2, size + 4))
    others = {f"lamp_{n}": f"lamp-{n}" for n in range(2, count + 1)}
    setting.rule("street_light_out", zone="lamp-1", **others)
    case = str(rng.choice(["one", "row", "one_night", "fine"], p=[0.4, 0.35, 0.15, 0.1]))
    out = set(range(count)) if case == "row" else {int(rng.integers(count))}
    nights = 3
    flash_s = float(rng.uniform(60, 1_200))

    def paint(canvas: Canvas, t_s: float) -> None:
        night, into_s = int(t_s // _DAY_S), t_s % _DAY_S
        for number, (left, top) in enumerate(spots):
            is_out = (
                number in out and night >= 1 and case != "fine" and not (case == "one_night" and night == 2)
            )
            shines = not is_out or abs(into_s - flash_s) < 4
            canvas.fill_px(
                _square(left, top, size),
                245 if shines else 38,
                None,
                122 if shines else 128,
                134 if shines else 128,
            )

    # By 16:30 UTC, half past nine in the evening, it has been night for two hours in November.
    minutes = 27
    pace = tuple(
        Stretch(night * _DAY_S + minute * 60.0, night * _DAY_S + minute * 60.0 + 2.4, 1.0)
        for night in range(nights)
        for minute in range(minutes)
    )
    due_s = 2 * _DAY_S + 20 * 60.0
    due = [Due("street_light_out", _DAY_S, due_s, (x, 0.0), late_s=240.0, far_m=1e4)]
    is_due = case in ("one", "row")
    seconds = pace[-1].to_s
    return Trial(
        camera,
        setting.text(),
        seconds,
        (),
        tuple(due) if is_due else (),
        paint=paint,
        pace=pace,
        starts_at="2026-11-10T16:30:00Z",
    )


def _square(left: float, top: float, size: float) -> list[Point]:
    return [(left, top), (left + size, top), (left + size, top + size), (left, top + size)]
