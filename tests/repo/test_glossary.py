"""One word per idea: the glossary is complete, in order, and kept."""

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
GLOSSARY = ROOT / "docs" / "glossary.md"
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in GLOSSARY.read_text().splitlines()
    if line.startswith("| ") and not line.startswith("| word ")
]
REFUSED = {word.strip(): row[0] for row in ROWS for word in row[2].split(",") if word.strip()}
TEXTS = [p for p in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))) if p != GLOSSARY]


def test_words_stand_in_order_and_once() -> None:
    words = [row[0] for row in ROWS]
    assert words == sorted(set(words))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_each_word_has_one_sentence(row: list[str]) -> None:
    assert row[1].endswith(".")
    assert row[1][0].isupper()


def _refused_in(text: str) -> list[str]:
    return [w for w in REFUSED if re.search(rf"\b{re.escape(w)}s?\b", text, re.IGNORECASE)]


@pytest.mark.parametrize("path", TEXTS, ids=lambda p: str(p.relative_to(ROOT)))
def test_documents_keep_to_the_words(path: Path) -> None:
    found = _refused_in(path.read_text())
    assert not found, f"{path.name}: say {[(w, REFUSED[w]) for w in found]}"


def test_console_texts_keep_to_the_words() -> None:
    texts = json.loads((ROOT / "hub" / "locales" / "en.json").read_text())
    for key, text in texts.items():
        assert not _refused_in(text), f"en.json {key}: say {[REFUSED[w] for w in _refused_in(text)]}"
