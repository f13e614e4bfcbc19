"""A file of taught states: a digest, then plain numbers. Nothing in it is ever executed."""

import hashlib
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import msgspec
import numpy as np
from msgspec import Meta

from edge_agent.domain.detection import Reals
from edge_agent.domain.states import MOST_STATES, UNKNOWN, Grade, StateModel, ZoneStates
from edge_agent.errors import StatesRefused
from edge_agent.inference.embedding import Backbone, BuiltIn, Embedding

VERSION = 1
SUFFIX = ".states"
MAX_BYTES = 8 << 20
MAX_PICTURES = 600
_MAGIC = b"saqshy states\n"
_HEAD_BYTES = len(_MAGIC) + 32

StateName = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{0,31}\Z")]
_Real = Annotated[float, Meta(gt=0, lt=1e6)]


class _Graded(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a state fared when the model was made."""

    state: StateName
    pictures: int
    right: int
    unknown: int
    taken_for: str


class _Body(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file after its digest, as MessagePack. Arrays are little-endian, row by row."""

    version: int
    embedding: Annotated[str, Meta(min_length=1, max_length=100)]
    names: Annotated[list[StateName], Meta(min_length=2, max_length=MOST_STATES)]
    pictures: Annotated[int, Meta(ge=2, le=MAX_PICTURES)]
    size: Annotated[int, Meta(ge=2, le=20_000)]
    examples: bytes
    """(pictures, size) float16"""
    middle: bytes
    """(size,) float32"""
    weights: bytes
    """(names, pictures) float32"""
    bias: bytes
    """(names,) float32"""
    scale: _Real
    far: _Real
    grades: list[_Graded]


class Taught(msgspec.Struct, frozen=True):
    """What a file holds."""

    embedding: str
    model: StateModel
    grades: list[Grade]


def write_states(path: Path, taught: Taught) -> None:
    """Write the file; it is there whole or not at all. Raises ``StatesRefused`` when it cannot be."""
    model = taught.model
    body = _Body(
        version=VERSION,
        embedding=taught.embedding,
        names=list(model.names),
        pictures=model.examples.shape[0],
        size=model.examples.shape[1],
        examples=model.examples.astype("<f2").tobytes(),
        middle=model.middle.astype("<f4").tobytes(),
        weights=model.weights.astype("<f4").tobytes(),
        bias=model.bias.astype("<f4").tobytes(),
        scale=model.scale,
        far=model.far,
        grades=[_Graded(**grade._asdict()) for grade in taught.grades],
    )
    content = msgspec.msgpack.encode(body)
    try:
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".states-", delete=False) as fresh:
            fresh.write(_MAGIC + hashlib.sha256(content).digest() + content)
            fresh.flush()
            os.fsync(fresh.fileno())
        Path(fresh.name).chmod(0o644)
        Path(fresh.name).replace(path)
    except OSError as error:
        raise StatesRefused(
            path, f"cannot be written ({error.strerror})", "give a path that can be"
        ) from None


def read_states(path: Path) -> Taught:
    """Read a file. Raises ``StatesRefused`` when it is damaged, too large or of another kind."""
    body = _body(path, _content(path))
    shapes = {
        "examples": ("<f2", (body.pictures, body.size)),
        "middle": ("<f4", (body.size,)),
        "weights": ("<f4", (len(body.names), body.pictures)),
        "bias": ("<f4", (len(body.names),)),
    }
    arrays: dict[str, Reals] = {}
    for name, (kind, shape) in shapes.items():
        content = getattr(body, name)
        if len(content) != np.dtype(kind).itemsize * int(np.prod(shape)):
            raise _damaged(path, f"{name} is not of the size that it tells")
        arrays[name] = np.frombuffer(content, kind).reshape(shape).astype(np.float32)
        if not np.isfinite(arrays[name]).all():
            raise _damaged(path, f"{name} holds what is no number")
    if len(set(body.names)) != len(body.names) or UNKNOWN in body.names:
        raise _damaged(path, "its states have no names of their own")
    model = StateModel(
        tuple(body.names),
        arrays["examples"],
        arrays["middle"],
        body.scale,
        arrays["weights"],
        arrays["bias"],
        body.far,
    )
    return Taught(body.embedding, model, [Grade(**msgspec.structs.asdict(grade)) for grade in body.grades])


class StatesFolder:
    """The files of taught states beside a scene file; what lies outside its folder is refused."""

    def __init__(self, folder: Path, detector: Path, state_dir: Path | None = None) -> None:
        """``detector`` is the box's model, for states that were taught through its features."""
        self._folder = folder.resolve()
        self._detector = detector
        self._state_dir = state_dir
        self._eyes: dict[str, Embedding] = {}

    def open(self, name: str) -> ZoneStates:
        """The states in the file ``name``. Raises ``ValueError`` with ``fault; way out``."""
        path = (self._folder / name).resolve()
        if Path(name).is_absolute() or not path.is_relative_to(self._folder):
            raise ValueError(f"{name[:60]!r} leads out of the scene's folder; put the file beside the scene")
        try:
            taught = read_states(path)
            return ZoneStates(taught.model, self._eye(path, taught.embedding).describe)
        except StatesRefused as error:
            raise ValueError(f"{name[:60]!r} {error.reason}; {error.way_out}") from None

    def _eye(self, path: Path, name: str) -> Embedding:
        if name not in self._eyes:
            self._eyes[name] = (
                BuiltIn() if name == BuiltIn.name else Backbone(self._detector, self._state_dir)
            )
        eye = self._eyes[name]
        if eye.name != name:
            way_out = "teach it again with this box's model, or without --model"
            raise StatesRefused(path, "was taught through another model than this box has", way_out)
        return eye


def summary(grades: list[Grade]) -> Mapping[str, float]:
    """Cross-validated accuracy by state, 0 to 1."""
    return {grade.state: round(grade.accuracy, 3) for grade in grades}


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        way_out = "make it with saqshy edge teach"
        raise StatesRefused(path, f"cannot be read ({error.strerror})", way_out) from None
    if len(content) > MAX_BYTES:
        raise _damaged(path, f"is larger than {MAX_BYTES} bytes")
    if not content.startswith(_MAGIC):
        raise _damaged(path, "is no file of taught states")
    return content


def _body(path: Path, content: bytes) -> _Body:
    digest, body = content[len(_MAGIC) : _HEAD_BYTES], content[_HEAD_BYTES:]
    if hashlib.sha256(body).digest() != digest:
        raise _damaged(path, "is damaged: its digest does not fit")
    try:
        version = msgspec.msgpack.decode(body, type=dict[str, msgspec.Raw]).get(
            "version", msgspec.Raw(b"\x00")
        )
        if msgspec.msgpack.decode(version) != VERSION:
            raise _damaged(path, "is of another version of this program")
        return msgspec.msgpack.decode(body, type=_Body)
    except msgspec.MsgspecError as error:
        raise _damaged(path, f"is damaged ({error})") from None


def _damaged(path: Path, reason: str) -> StatesRefused:
    return StatesRefused(path, reason, "make it anew with saqshy edge teach")
