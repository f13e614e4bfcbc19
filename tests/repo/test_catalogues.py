"""The three catalogues say the same: same keys, same places for numbers, every kind, nothing unused."""

import json
import re
from pathlib import Path

import pytest

from edge_agent.domain.rules.table import RULES
from hub.domain.dispatch import DispatchState, Outcome
from hub.domain.incident import Action, State, Verdict
from hub.domain.severity import Severity
from shared.kinds import Kind, ObjectClass, Programme

ROOT = Path(__file__).parents[2]
FORMS = {"kk": {"one", "other"}, "ru": {"one", "few", "many", "other"}, "en": {"one", "other"}}
CATALOGUES: dict[str, dict[str, str]] = {
    language: json.loads((ROOT / "hub" / "locales" / f"{language}.json").read_text()) for language in FORMS
}
FORM = re.compile(r"\.(one|few|many|other)$")


def places(text: str) -> set[str]:
    return set(re.findall(r"\{([a-z0-9_]+)\}", text))


def stems(language: str) -> dict[str, set[str]]:
    """Each key without its plural form, and the places that its text fills."""
    return {FORM.sub("", key): places(text) for key, text in CATALOGUES[language].items()}


@pytest.mark.parametrize("language", ["kk", "ru"])
def test_same_keys_and_same_places_as_english(language: str) -> None:
    assert stems(language) == stems("en")


@pytest.mark.parametrize("language", FORMS)
def test_counted_texts_have_the_forms_of_their_language(language: str) -> None:
    forms: dict[str, set[str]] = {}
    for key in CATALOGUES[language]:
        if found := FORM.search(key):
            forms.setdefault(key[: found.start()], set()).add(found[1])
    assert forms
    assert all(each == FORMS[language] for each in forms.values()), forms


@pytest.mark.parametrize("language", FORMS)
def test_every_kind_and_every_word_of_the_contract_has_a_name(language: str) -> None:
    wanted = {f"kind.{kind.slug}" for kind in Kind}
    wanted |= {f"object.{each.slug}" for each in ObjectClass if each}
    wanted |= {f"programme.{each}" for each in Programme}
    wanted |= {f"severity.{each}" for each in Severity}
    wanted |= {f"state.{each}" for each in State}
    wanted |= {f"verdict.{each}" for each in Verdict}
    wanted |= {f"dispatch.{each}" for each in DispatchState}
    wanted |= {f"dispatch.outcome_{each}" for each in Outcome}
    assert wanted - CATALOGUES[language].keys() == set()


def test_every_line_of_the_timeline_has_words() -> None:
    """What the hub writes: an operator's actions, what reports changed, what became of dispatches."""
    hub = "\n".join(path.read_text() for path in (ROOT / "hub").rglob("*.py"))
    written = set(re.findall(r'"(dispatch_(?:delivered|delayed|dead|retried))"', hub))
    written |= set(re.findall(r'\bChange\("([a-z_]+)"', hub)) | {str(action) for action in Action}
    written |= set(re.findall(r'_note\([a-z_, .]+"([a-z_]+)"', hub))
    assert len(written) > 12
    assert {what for what in written if f"timeline.{what}" not in CATALOGUES["en"]} == set()


@pytest.mark.parametrize("kind", RULES, ids=lambda kind: kind.slug)
def test_every_rule_gives_its_reason_in_words(kind: Kind) -> None:
    for language, texts in CATALOGUES.items():
        assert len(places(texts[f"reason.{kind.slug}"])) >= 2, f"{language}: needs the number and its limit"


def test_reasons_use_numbers_that_rules_give() -> None:
    paths = [*(ROOT / "edge_agent" / "domain" / "rules").glob("*.py"), ROOT / "edge_agent" / "box_watch.py"]
    rules = "\n".join(path.read_text() for path in paths)
    reasons = [text for key, text in CATALOGUES["en"].items() if key.startswith("reason.")]
    asked = {name for text in reasons for name in places(text)}
    assert {name for name in asked if f'"{name}"' not in rules} == set()


@pytest.mark.parametrize("language", FORMS)
def test_no_text_is_empty_or_padded(language: str) -> None:
    assert [key for key, text in CATALOGUES[language].items() if not text or text != text.strip()] == []


def test_kazakh_is_kazakh() -> None:
    """Whole sentences that are the same in Kazakh and Russian were forgotten, not translated."""
    same = {key for key, text in CATALOGUES["kk"].items() if text == CATALOGUES["ru"].get(key)}
    assert {key for key in same if len(CATALOGUES["kk"][key].split()) > 2} <= {"date.moment", "ui.key_j_k"}


def test_every_text_is_used() -> None:
    files = [f for f in (ROOT / "hub" / "console" / "src").rglob("*") if f.suffix in {".ts", ".svelte"}]
    source = "\n".join(path.read_text() for path in files)
    by_name = re.compile(r"^(ui|error)\.(?!key_|shelf_|link_)")
    asked = {FORM.sub("", key) for key in CATALOGUES["en"] if by_name.match(key)}
    assert {key for key in asked if f"'{key}'" not in source} == set()
