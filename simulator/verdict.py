"""Scores from files: reads a film's truth and what was reported of it, and tells the outcome in a table."""

import json
from pathlib import Path
from typing import Any

from simulator.score import Score, ScoreError, expectations, incident_claims, judge, report_claims, summary


class FileRefused(ValueError):
    """A file cannot be read as what it should be."""


def of_files(
    truth_path: Path, events_path: Path, cameras: list[str] | None, started_at: str | None
) -> tuple[Score, dict[str, Any]]:
    """The score of a file of reports or incidents; raises ``FileRefused`` with the file, the line and a
    way out."""
    truth = _truth(truth_path)
    rows = _rows(events_path)
    is_incidents = bool(rows) and "event_id" not in rows[0]
    try:
        claims = (
            incident_claims(rows, started_at or truth["started_at"]) if is_incidents else report_claims(rows)
        )
        score = judge(expectations(truth, cameras, by_camera=not is_incidents), claims)
    except KeyError as error:
        raise FileRefused(
            f"{events_path}: a line has no {error}; give the reports of edge watch or a hub's incidents"
        ) from None
    except (ScoreError, ValueError, TypeError) as error:
        raise FileRefused(str(error)) from None
    return score, summary(score)


def _truth(path: Path) -> dict[str, Any]:
    try:
        truth = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(truth, dict) or not {"events", "cameras", "started_at"} <= truth.keys():
            raise FileRefused(f"{path} is not a film's truth; give the truth.json that sim film wrote")
    except OSError as error:
        raise FileRefused(f"{path}: {error.strerror}; give the truth.json that sim film wrote") from None
    except ValueError as error:
        if isinstance(error, FileRefused):
            raise
        raise FileRefused(f"{path} is not JSON: {error}; film the scene again") from None
    return truth


def _rows(path: Path) -> list[dict[str, Any]]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise FileRefused(f"{path}: {error.strerror}; give the file that edge watch --events wrote") from None
    rows: list[dict[str, Any]] = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError:
            raise FileRefused(f"{path} line {number} is not JSON; write one object a line") from None
        if not isinstance(row, dict):
            raise FileRefused(f"{path} line {number} is not an object; write one object a line")
        rows.append(row)
    return rows


def table(score: Score, numbers: dict[str, Any]) -> list[str]:
    """The outcome for people."""
    lines = [
        f"{'':18}{'expected':>9}{'found':>7}{'missed':>8}{'false':>7}{'twice':>7}{'delay s':>9}{'off m':>7}"
    ]
    for name, row in [*numbers["by_kind"].items(), ("all", numbers)]:
        delay, off = (
            ("–" if row[k] is None else f"{row[k]:.1f}") for k in ("delay_s_p50", "position_error_m_p50")
        )
        lines.append(
            f"{name:18}{row['expected']:9}{row['matched']:7}{row['missed']:8}{row['false']:7}{row['duplicates']:7}{delay:>9}{off:>7}"
        )
    lines += [f"missed: {e.kind} at {e.begin_s:.1f} s, camera {e.camera or 'any'}" for e in score.missed]
    lines += [f"false: {c.kind} at {c.t_s:.1f} s, camera {c.camera or 'any'}" for c in score.false]
    lines += [f"twice: {c.kind} at {c.t_s:.1f} s, camera {c.camera or 'any'}" for c in score.duplicates]
    return lines
