"""``saqshy edge replay``: try changed rules on what a camera has followed in the last days."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from edge_agent.cli.outcome import plain_errors, show
from edge_agent.cli.watch import read_scene_file


def replay(
    tracks: Annotated[Path, typer.Option(help="A camera's folder below the box's state/tracks.")],
    scene: Annotated[Path, typer.Option(help="The changed scene file (TOML).")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Try changed rules on the last days' tracks. Says which events they would add and drop; reports none."""
    from edge_agent.tracks.replay import as_record
    from edge_agent.tracks.replay import replay as play_again

    with plain_errors():
        new = read_scene_file(scene)
        found = play_again(tracks, new)

    def local(at_us: int) -> str:
        return datetime.fromtimestamp(at_us // 1_000_000, new.timezone).isoformat(sep=" ")

    answer = {
        "frames": found.moments,
        "hours": round(found.seconds / 3600, 2),
        "same": len(found.same),
        "only_old": [as_record(event, local) for event in found.only_old],
        "only_new": [as_record(event, local) for event in found.only_new],
        "not_judged": found.unjudged,
        "lost_bytes": found.lost_bytes,
    }
    lines = [f"{answer['frames']} frames in {answer['hours']} h; {len(found.same)} events stay as they were"]
    for sign, events in (("-", found.only_old), ("+", found.only_new)):
        for event in events:
            numbers = ", ".join(f"{name} {value:g}" for name, value in event.reason.items())
            lines.append(f"{sign} {local(event.at_us)}  {event.kind}  {event.place}  {numbers}")
    if found.unjudged:
        lines.append(f"not judged, for they look at pixels: {', '.join(found.unjudged)}")
    if found.lost_bytes:
        lines.append(f"{found.lost_bytes} bytes at the ends of files were cut off or damaged")
    show(answer, as_json, "\n".join(lines))
