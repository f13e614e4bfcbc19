"""A piece of road before a camera, for tests of slow rules: pictures as one paints them, minutes apart."""

import json
from collections.abc import Callable, Iterable

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_agent.domain.conditions import Conditions
from edge_agent.domain.detection import Frame, Track
from edge_agent.domain.motion import Motion
from edge_agent.domain.rules.sighting import Remembering, Sighting, View
from edge_agent.domain.rules.table import RULES, verdict_holds
from edge_agent.domain.scene_file import OpenStates, parse_scene
from shared.kinds import ObjectClass

SIZE_PX = (320, 180)
START_US = 1_779_253_200_000_000
"""2026-05-20 05:00 UTC, ten in the morning in Kosshy."""
Picture = NDArray[np.float64]
Paint = Callable[[Picture], object]

_TEXTURE = np.random.default_rng(4).normal(0, 9, (180, 320, 1))


def road(paint: Paint | None = None, *, light: float = 1.0, seed: int = 0) -> NDArray[np.uint8]:
    """Rough grey ground with a kerb, (180, 320, 3) BGR; ``paint`` adds what lies on it, before the light."""
    y, x = np.mgrid[0:180, 0:320]
    picture = np.dstack([112 + 0.05 * x, 116 + 0.05 * y, 118 + 0.0 * x]) + _TEXTURE
    cv2.rectangle(picture, (0, 20), (320, 30), (150, 150, 150), -1)
    if paint is not None:
        paint(picture)
    noise = np.random.default_rng([seed, 1]).normal(0, 2.5, picture.shape)
    return np.clip(picture * light + noise, 0, 255).astype(np.uint8)


def rubbish(picture: Picture) -> None:
    """A heap of bags and boxes, 50 x 30 px."""
    chance = np.random.default_rng(2)
    for _ in range(25):
        middle = (int(chance.integers(140, 190)), int(chance.integers(90, 120)))
        axes = (int(chance.integers(5, 11)), int(chance.integers(4, 8)))
        cv2.ellipse(picture, middle, axes, 30, 0, 360, chance.uniform(10, 240, 3).tolist(), -1)


def shadow(picture: Picture) -> None:
    """A house's shadow over a third of the ground."""
    picture[60:150, 120:230] *= 0.55


def slanting_shadow(picture: Picture) -> None:
    """A roof's shadow: its edges run across the rows, and cut cells of the ground in two."""
    share = np.zeros(picture.shape[:2], np.float32)
    cv2.fillPoly(share, [np.array([(90, 60), (150, 52), (245, 120), (180, 158)])], 0.55)
    picture *= 1 - share[..., None]


def sunny_shadow(picture: Picture) -> None:
    """Coloured ground in a shadow: its colour pales with the light."""
    red_ground(picture)
    picture[60:110, 120:200] *= 0.7


def red_ground(picture: Picture) -> None:
    """Bricks and sand."""
    picture *= (0.6, 1.0, 1.3)


def still_water(picture: Picture) -> None:
    """A mirror of a bright sky over ground most of which is too smooth to lose its texture."""
    smooth_ground(picture)
    puddle(picture)


def smooth_ground(picture: Picture) -> None:
    """New asphalt with a rough strip across it."""
    picture[50:95] = (118, 120, 121)
    picture[115:160] = (118, 120, 121)


def plain_ground(picture: Picture) -> None:
    """Ground without any texture."""
    picture[:] = 118


def black_water(picture: Picture) -> None:
    """Over smooth ground under the camera's own light, which a mirror sends away."""
    plain_ground(picture)
    cv2.ellipse(picture, (160, 105), (60, 28), 0, 0, 360, (22, 22, 22), -1)


def wet(picture: Picture) -> None:
    """All of it darker, its texture as it was."""
    picture *= 0.6


def puddle(picture: Picture) -> None:
    """A smooth mirror of the sky."""
    cv2.ellipse(picture, (160, 105), (60, 28), 0, 0, 360, (175, 160, 150), -1)


def glare(picture: Picture) -> None:
    """The sun on wet asphalt: burnt out."""
    picture *= 0.7
    cv2.ellipse(picture, (160, 105), (60, 28), 0, 0, 360, (255, 255, 255), -1)


def snow(picture: Picture) -> None:
    """White, with a little relief."""
    picture[:] = 215 + 0.3 * _TEXTURE


def car_track(at_us: int, box: tuple[float, float, float, float]) -> Track:
    """A parked car with this box."""
    sides = np.array(box, np.float32)
    return Track(7, ObjectClass.CAR, sides, 0.9, at_us, at_us, 9, (0.0, 0.0), at_us)


class Watch:
    """One rule over one zone, fed by pictures."""

    def __init__(self, toml: str, open_states: OpenStates | None = None) -> None:
        camera = f'[camera]\nid = "road"\nsize_px = [{SIZE_PX[0]}, {SIZE_PX[1]}]\n'
        zone = '[[zone]]\nid = "road"\npolygon_px = [[80, 50], [260, 50], [260, 160], [80, 160]]\n'
        scene = parse_scene(camera + zone + toml, "road.toml", open_states)
        self.spec = scene.rules[0]
        self.rule = RULES[self.spec.kind].make(self.spec)
        self.now_s = 0.0
        self.told: list[Sighting] = []

    def sample(
        self,
        picture: NDArray[np.uint8],
        conditions: Conditions = Conditions(),  # noqa: B008  # frozen
        tracks: Iterable[Track] = (),
        *,
        is_restless: bool = False,
    ) -> list[str]:
        """Show a picture for four seconds, then wait for the next sample's time. The phases told."""
        i420 = np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2YUV_I420), np.uint8)
        cells = np.full((180 // 8, 320 // 8), is_restless, np.bool_)
        motion = Motion(cells, 0.0, is_global=False, is_switch=False)
        found: list[Sighting] = []
        for second in range(4):
            at_us = START_US + round((self.now_s + second) * 1e6)
            frame = Frame("road", 0, at_us, i420, *SIZE_PX, True)
            view = View(at_us, 1.0, list(tracks), None, frame, conditions=conditions, motion=motion)
            found += self.rule.step(view)
        assert all(verdict_holds(one.kind, one.reason) for one in found)
        self.told += found
        self.now_s += self.spec.limits["sample_s"] + 5
        return [one.phase.name for one in found]

    def samples(self, count: int, paint: Paint | None = None, *, light: float = 1.0) -> list[str]:
        """The same ground so many times."""
        return [
            phase
            for number in range(count)
            for phase in self.sample(road(paint, light=light, seed=int(self.now_s) + number))
        ]

    def restart(self) -> None:
        """The box starts again; what the rule knows goes through a file."""
        assert isinstance(self.rule, Remembering)
        memory = json.loads(json.dumps(self.rule.remember()))
        self.rule = RULES[self.spec.kind].make(self.spec)
        assert isinstance(self.rule, Remembering)
        self.rule.recall(memory)
