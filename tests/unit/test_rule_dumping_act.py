"""``dumping_act``: a verge, a man, a bag. A metre is 59 px there."""

import pytest

from edge_agent.domain.rules.table import verdict_holds
from shared.kinds import Kind, ObjectClass
from tests.street import Street, Thing, scene_of

VERGE = '[[zone]]\nid = "verge"\npolygon_px = [[50, 250], [950, 250], [950, 550], [50, 550]]'
BIN = '[[zone]]\nid = "bin"\npolygon_px = [[250, 350], [450, 350], [450, 450], [250, 450]]'
RULE = '[[rule]]\nkind = "dumping_act"\nzone = "verge"'
BAG_PX = (330.0, 400.0)


def man(x_px: float) -> Thing:
    return Thing(1, ObjectClass.PERSON, (x_px, 400))


def bag(foot_px: tuple[float, float] = BAG_PX) -> Thing:
    return Thing(2, ObjectClass.BAG, foot_px)


def comes_and_goes(t_s: float, go_s: float = 12, end_px: float = 900) -> list[Thing]:
    """He comes to x = 300, stands there from 10 s, and leaves to the right at ``go_s``, 100 px a second."""
    x_px = 300 - 60 * max(0, 10 - t_s) + 100 * max(0, t_s - go_s)
    return [man(x_px)] if 0 < x_px < end_px else []


@pytest.fixture
def street() -> Street:
    return Street(scene_of(VERGE, RULE))


def test_told_20_s_after_he_is_5_m_away_and_confirmed_at_120_s(street: Street) -> None:
    told = street.play(160, lambda t_s: [*comes_and_goes(t_s), *([bag()] if t_s >= 11 else [])])
    assert [(one.phase, round(one.t_s)) for one in told] == [("BEGIN", 35), ("UPDATE", 135)]
    assert told[0].reason["near_m"] < 0.6
    assert all(verdict_holds(Kind.DUMPING_ACT, one.reason) for one in told)


def test_a_bag_carried_in_counts_from_where_it_comes_to_rest(street: Street) -> None:
    def script(t_s: float) -> list[Thing]:
        him = comes_and_goes(t_s)
        carried = [bag((him[0].foot_px[0] + 30, 370))] if him and t_s < 11 else [bag()]
        return [*him, *carried] if t_s > 4 else him

    assert [one.phase for one in street.play(60, script)] == ["BEGIN"]


def test_seen_only_after_he_stepped_aside(street: Street) -> None:
    """He hides it until he is five seconds gone."""
    told = street.play(60, lambda t_s: [*comes_and_goes(t_s), *([bag()] if t_s >= 17 else [])])
    assert [one.phase for one in told] == ["BEGIN"]


def test_he_stays_by_it(street: Street) -> None:
    assert not street.play(100, lambda t_s: [man(300), *([bag()] if t_s >= 11 else [])])


def test_he_takes_it_up_again_before_it_is_told(street: Street) -> None:
    def script(t_s: float) -> list[Thing]:
        there = [bag()] if 11 <= t_s < 31 else []
        him = comes_and_goes(t_s, end_px=700) if t_s < 25 else [man(310)]
        return [*him, *there]

    assert not street.play(100, script)


def test_taken_up_after_it_was_told_ends_it(street: Street) -> None:
    told = street.play(100, lambda t_s: [*comes_and_goes(t_s), *([bag()] if 11 <= t_s < 60 else [])])
    assert [(one.phase, round(one.t_s)) for one in told] == [("BEGIN", 35), ("END", 60)]
    assert told[0].thread == told[1].thread


def test_it_lay_there_before(street: Street) -> None:
    assert not street.play(100, lambda t_s: [*comes_and_goes(t_s), bag()])


def test_nobody_was_near(street: Street) -> None:
    assert not street.play(100, lambda t_s: [man(900), *([bag()] if t_s >= 11 else [])])


def test_into_the_bin_is_right() -> None:
    street = Street(scene_of(VERGE, BIN, RULE + '\ncontainer = "bin"'))
    assert not street.play(100, lambda t_s: [*comes_and_goes(t_s), *([bag()] if t_s >= 11 else [])])


def test_out_of_a_car_that_drives_off(street: Street) -> None:
    def script(t_s: float) -> list[Thing]:
        x_px = 300 + 200 * max(0.0, t_s - 14)
        car = [Thing(5, ObjectClass.CAR, (x_px, 390))] if x_px < 1000 else []
        return [*car, *([bag()] if t_s >= 11 else [])]

    told = street.play(60, script)
    assert [one.phase for one in told] == ["BEGIN"]
    assert told[0].reason["away_m"] >= 5


def test_a_passer_by_who_then_waits_near_did_not_bring_it(street: Street) -> None:
    """He comes by two seconds after it was put down, and waits 3 m off for a minute."""

    def script(t_s: float) -> list[Thing]:
        x_px = 700 - 200 * (t_s - 11) if t_s < 13 else min(500.0, 300 + 100 * (t_s - 13))
        waits = [Thing(7, ObjectClass.PERSON, (x_px, 410))] if 11 <= t_s < 80 else []
        return [*comes_and_goes(t_s), *waits, *([bag()] if t_s >= 11 else [])]

    told = street.play(60, script)
    assert [(one.phase, one.t_s < 40) for one in told] == [("BEGIN", True)]


def test_who_passed_a_metre_farther_off_as_it_was_put_down_did_not_bring_it(street: Street) -> None:
    """She is 1.7 m from it at that very moment, and then waits 3.4 m off for a minute."""

    def script(t_s: float) -> list[Thing]:
        passes = Thing(7, ObjectClass.PERSON, (430.0 if t_s < 13 else 530.0, 410))
        return [*comes_and_goes(t_s), *([passes] if 9 <= t_s < 80 else []), *([bag()] if t_s >= 11 else [])]

    told = street.play(60, script)
    assert [(one.phase, one.t_s < 40) for one in told] == [("BEGIN", True)]


def test_the_wind_shakes_the_picture_and_it_still_lies_there(street: Street) -> None:
    """Its box is off by a quarter of its size now and then, which is a start for the tracker."""

    def script(t_s: float) -> list[Thing]:
        off_px = 12.0 if t_s > 20 and t_s % 7 < 2 else 0.0
        return [*comes_and_goes(t_s), *([bag((BAG_PX[0] + off_px, BAG_PX[1]))] if t_s >= 11 else [])]

    told = street.play(60, script)
    assert [(one.phase, round(one.t_s)) for one in told] == [("BEGIN", 35)]


def test_who_stands_by_it_under_a_new_number_is_no_reason_to_tell(street: Street) -> None:
    def script(t_s: float) -> list[Thing]:
        number = 1 if t_s < 13 else 9
        return [Thing(number, ObjectClass.PERSON, (300, 400)), *([bag()] if t_s >= 11 else [])]

    assert not street.play(100, script)
