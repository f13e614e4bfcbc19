"""The page that lists every rule: ``python -m tests.golden.rules_page`` writes it anew."""

from pathlib import Path

from edge_agent.domain.rules.form import DAY_S, WHOLE_PICTURE, RuleForm
from edge_agent.domain.rules.table import RULES
from edge_agent.domain.scene import Mode

PAGE = Path(__file__).parents[2] / "docs" / "ref" / "rules.md"
HEAD = """# Rules of a scene
Written by `python -m tests.golden.rules_page` from the rules themselves.

Each `[[rule]]` of a scene takes `kind`, `mode` (`on`, `shadow`, `off`), `classes`, `hours`, its places and
its numbers; the unit is in a number's name. In brackets: the least and the most that may be given.

| kind | where | further places | numbers | about |
|---|---|---|---|---|
"""


def text() -> str:
    rows = [row(kind.slug, RULES[kind].form) for kind in sorted(RULES)]
    return HEAD + "\n".join(rows) + "\n"


def row(slug: str, form: RuleForm) -> str:
    where = "the whole picture" if form.place == WHOLE_PICTURE else f"`{form.place}`"
    places = [f"`{key}`" + (" (needed)" if key in form.required else "") for key in form.zones]
    places += [f"`{key}` (a line{', needed' if key in form.required else ''})" for key in form.tripwires]
    if form.states:
        places.append("`states` (a file" + (", needed)" if form.states.is_required else ")"))
    places += [f"`{key}` (moments of the week, needed)" for key in form.moments]
    numbers = [f"`{name}` {p.default:g} ({p.least:g}–{most(p.most)})" for name, p in form.numbers.items()]
    about = ", ".join(sorted(each.slug for each in form.classes)) or "–"
    shadow = "" if form.mode is Mode.ON else f"; `{form.mode}` unless the scene says otherwise"
    return f"| `{slug}` | {where} | {', '.join(places) or '–'} | {', '.join(numbers)} | {about}{shadow} |"


def most(value: float) -> str:
    return "a day" if value == DAY_S else f"{value:g}"


if __name__ == "__main__":
    PAGE.write_text(text(), "utf-8")
