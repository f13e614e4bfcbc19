"""The page of rules says what the rules say."""

from tests.golden.rules_page import PAGE, text


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text("utf-8") == text(), "write it anew: python -m tests.golden.rules_page"
