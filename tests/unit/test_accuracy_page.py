"""The tables of docs/ref/accuracy.md: sums, shares, and what falls short."""

import pytest

from simulator.trials.run import Order, Result
from tests.bench.accuracy import BEGIN, END, PAGE, put_into, tables


def trial(kind: str, seed: int, found: int, missed: int = 0, false: int = 0) -> Result:
    order = Order(kind, False, 0, seed)
    return Result(
        order, "day", [(kind, 1.0, 0.5)] * found, [(kind, 9.0)] * missed, [(kind, 3.0)] * false, 0.1
    )


def quiet(scene: str, *false: str) -> Result:
    return Result(Order(scene, True, 0, 1), "day", [], [], [(kind, 5.0) for kind in false], 2.0)


def test_seeds_add_up_and_stand_beside_each_other() -> None:
    text = tables({1: [trial("intrusion", 1, 9, missed=1)], 2: [trial("intrusion", 2, 10, false=10)]})
    row = next(line for line in text.splitlines() if line.startswith("| `intrusion`"))
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert cells[1:6] == ["2", "20", "19", "1", "10"]
    assert cells[6:8] == ["0.950", "0.655"]
    assert cells[-2:] == ["0.900 / 1.000", "1.000 / 0.500"]


def test_what_falls_short_is_named_with_its_figures() -> None:
    text = tables({1: [trial("intrusion", 1, 20), trial("crowd", 1, 9, missed=1)]})
    assert "1 of 2 kinds are at or above 0.95 both ways. Short of it: `crowd` 0.900 / 1.000." in text


def test_quiet_scenes_are_summed_by_what_was_told() -> None:
    text = tables({1: [quiet("cats", "intrusion", "intrusion"), quiet("leaves")]})
    assert "| `cats` | 2.0 | 2 | 1.000 | 2 `intrusion` |" in text
    assert "| all | 4.0 | 2 | 0.500 | 2 `intrusion` |" in text


def test_only_what_stands_between_the_marks_is_replaced() -> None:
    assert put_into(f"a\n{BEGIN}old\n{END}b\n", "new\n") == f"a\n{BEGIN}new\n{END}b\n"
    with pytest.raises(ValueError, match=r"tests\.bench\.accuracy"):
        put_into("a\n", "new\n")


def test_the_page_has_a_place_for_them() -> None:
    assert put_into(PAGE.read_text(encoding="utf-8"), "x\n")
