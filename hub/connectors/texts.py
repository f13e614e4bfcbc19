"""An incident in words, in each language of the console, from the same catalogues."""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import msgspec

LANGUAGES = ("kk", "ru", "en")


@cache
def catalogue(language: str) -> dict[str, str]:
    """The texts of a language by key."""
    return msgspec.json.decode(
        (files("hub") / "locales" / f"{language}.json").read_bytes(), type=dict[str, str]
    )


def in_words(incident: Mapping[str, Any]) -> dict[str, str]:
    """One or two sentences by language: what it is, and why the platform says so."""
    return {language: _sentence(catalogue(language), incident) for language in LANGUAGES}


def _sentence(texts: Mapping[str, str], incident: Mapping[str, Any]) -> str:
    kind = str(incident["kind"])
    title = f"№ {incident['number']}. {texts.get(f'kind.{kind}', kind)}."
    numbers: Mapping[str, float] = incident["reason"]
    reason = texts.get(f"reason.{kind}.{numbers.get('cause', 0):.0f}") or texts.get(f"reason.{kind}")
    return title if reason is None else f"{title} {_filled(reason, numbers)}"


def _filled(text: str, numbers: Mapping[str, float]) -> str:
    """Put the numbers into ``{places}``, rounded as people say them; nothing else is a template."""
    for name, value in numbers.items():
        text = text.replace(f"{{{name}}}", f"{value:.0f}" if abs(value) >= 10 else f"{value:.3g}")
    return text
