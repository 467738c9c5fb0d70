"""What is filled into the files of a declaration, and which of their lines are left out."""

import pytest

from runner_agent.agents.placeholders import Filler

GIVEN = {"api_key": "k-1", "base_url": ""}


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ('url = "{secret:api_key}"\n', 'url = "k-1"\n'),
        ('url = "{secret:base_url}"\n', ""),
        ('provider = "ours" {with:api_key}\n', 'provider = "ours"\n'),
        ('provider = "ours" {with:base_url}\n', ""),
        ("login {without:api_key}\n", ""),
        ("login {without:base_url}\n", "login\n"),
        ("a\nb {with:base_url}\nc", "a\nc"),
        ("{home} {unknown} {with:api_key}", "/h {unknown}"),
    ],
)
def test_a_line_stands_only_with_the_secrets_that_it_needs(text, filled):
    assert Filler({"home": "/h"}, GIVEN).content(text, quoted=False) == filled
