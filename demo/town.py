"""What the demo keeps in its folder: the film, the boxes' configuration, its secrets."""

import json
import os
import secrets
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from demo.processes import run_command

SITE = "kosshy"
BOXES: dict[str, tuple[int, ...]] = {"box-abay-1": (0, 1), "box-abay-2": (2, 3)}
"""Which of the film's cameras hang on which box."""
SCENE = "street"
SEED = 7
TECHNICIAN = "demo-technician"
PICTURES_PER_S = 5
"""As many as the boxes look at; more would only take longer to film."""


class Agency(NamedTuple):
    """One of the demo's agencies, and what is sent to it."""

    id: str
    names: tuple[str, str, str]
    """kk, ru, en."""
    routes: tuple[str, ...]
    """Kinds."""


AGENCIES = (
    Agency("police", ("Полиция", "Полиция", "Police"), ("illegal_parking", "intrusion", "line_crossed")),
    Agency(
        "waste-utility",
        ("Қалдықтарды шығару қызметі", "Служба вывоза отходов", "Waste utility"),
        ("dumping_act",),
    ),
)


class Town:
    """The demo's folder."""

    def __init__(self, folder: Path, film: Path | None = None) -> None:
        self.folder = folder
        self.film = film or folder / "film"
        self.hub = folder / "hub"
        self.logs = folder / "logs"

    def clear(self) -> None:
        """Forget everything that an earlier start left, except the film."""
        for name in ("hub", "boxes", "logs", "secrets.json", "city.toml", "bus-port"):
            path = self.folder / name
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)

    def secret(self, name: str) -> str:
        """A random secret that stays the same until the folder is cleared."""
        path = self.folder / "secrets.json"
        kept: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
        if name not in kept:
            kept[name] = secrets.token_urlsafe(24)
            self.folder.mkdir(parents=True, exist_ok=True)
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
                json.dump(kept, file)
        return kept[name]

    def has_film(self, seconds: int) -> bool:
        """Whether the film is there, of this length and by this recipe."""
        made = self.film / "made.json"
        return made.exists() and json.loads(made.read_text()) == _recipe(seconds)

    def make_film(self, seconds: int) -> None:
        """Film the street; takes a while, and is kept."""
        shutil.rmtree(self.film, ignore_errors=True)
        recipe = _recipe(seconds)
        options = [f"--{name}={value}" for name, value in recipe.items()]
        run_command(["sim", "film", f"--out={self.film}", *options])
        (self.film / "made.json").write_text(json.dumps(recipe))

    def cameras(self) -> list[dict[str, Any]]:
        """The film's cameras, as ``cameras.json`` lists them."""
        return json.loads((self.film / "cameras.json").read_text())

    def truth(self) -> dict[str, Any]:
        """What happened on the street."""
        return json.loads((self.film / "truth.json").read_text())

    def box_folder(self, box: str) -> Path:
        return self.folder / "boxes" / box

    def write_boxes(self) -> list[Path]:
        """Write each box's ``box.toml``; returns their paths."""
        cameras = self.cameras()
        paths: list[Path] = []
        for box, numbers in BOXES.items():
            path = self.box_folder(box) / "box.toml"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(_box_toml(box, self.film, [cameras[n]["id"] for n in numbers]))
            paths.append(path)
        return paths

    def write_city(self, urls: dict[str, str]) -> Path:
        """Write the hub's ``city.toml``: the agencies with their addresses, the routes, map and cameras."""
        path = self.folder / "city.toml"
        parts = [f'base = "{self.film / "base.geojson"}"\n']
        parts += [_agency_toml(agency, urls[agency.id], self.secret(agency.id)) for agency in AGENCIES]
        box_of = {number: box for box, numbers in BOXES.items() for number in numbers}
        parts += [_camera_toml(camera, box_of[number]) for number, camera in enumerate(self.cameras())]
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write("\n".join(parts))
        return path


def _recipe(seconds: int) -> dict[str, int | str]:
    cameras = sum(len(numbers) for numbers in BOXES.values())
    return {"scene": SCENE, "seconds": seconds, "cameras": cameras, "seed": SEED, "fps": PICTURES_PER_S}


def _box_toml(box: str, film: Path, cameras: Sequence[str]) -> str:
    head = f'[box]\nid = "{box}"\nstate_dir = "state"\nsetup_port = 0\nclips_dir = "{film}"\n'
    parts = [
        f'\n[[camera]]\nid = "{camera}"\nurl = "file:{film}/{camera}.mp4"\n'
        f'scene = "{film}/{camera}.scene.toml"\n'
        for camera in cameras
    ]
    return head + "".join(parts)


def _agency_toml(agency: Agency, url: str, secret: str) -> str:
    kk, ru, en = agency.names
    kinds = ", ".join(f'"{kind}"' for kind in agency.routes)
    return (
        f'[[agency]]\nid = "{agency.id}"\nname_kk = "{kk}"\nname_ru = "{ru}"\nname_en = "{en}"\n'
        f'kinds = [{kinds}]\nwebhook = {{ url = "{url}", secret = "{secret}" }}\n'
    )


def _camera_toml(camera: dict[str, Any], box: str) -> str:
    return (
        f'[[camera]]\nid = "{camera["id"]}"\nbox = "{box}"\nname = "{camera["name"]}"\n'
        f"lat = {camera['lat']}\nlon = {camera['lon']}\nbearing_deg = {camera['bearing_deg']}\n"
        f"fov_deg = {camera['fov_deg']}\nrange_m = {camera['range_m']}\n"
    )
