"""What a person may set on a Runner, and what it takes over from its environment."""

import pytest

from runner_agent import config as configs
from runner_agent import settings
from runner_agent.settings import ConfigError


@pytest.mark.parametrize(("word", "allowed"), [("true", True), ("yes", True), ("0", False)])
def test_logins_are_lent_only_when_the_person_says_so(tmp_path, word, allowed):
    assert not configs.load(tmp_path, {}).allow_login
    assert configs.load(tmp_path, {"MESH_RUNNER_ALLOW_LOGIN": word}).allow_login is allowed
    settings.change(tmp_path / "config.toml", allow_login=allowed)
    assert configs.load(tmp_path, {}).allow_login is allowed
    with pytest.raises(ConfigError, match="a switch is true or false, not 'maybe'"):
        configs.load(tmp_path, {"MESH_RUNNER_ALLOW_LOGIN": "maybe"})


def test_only_what_leads_to_registries_is_taken_over_and_never_shown(tmp_path):
    given = {
        "HTTPS_PROXY": "http://user:pass@proxy:1",
        "no_proxy": "x",
        "npm_config_registry": "http://r/",
        "PIP_INDEX_URL": "http://p/",
        "SSL_CERT_FILE": "/c",
    }
    others = {
        "ANTHROPIC_API_KEY": "k",
        "PIP_TARGET": "/",
        "npm_config_prefix": "/",
        "AWS_PROXY": "x",
    }
    held = configs.load(tmp_path, {**given, **others})
    assert held.registry_settings == given
    assert "pass" not in repr(held)
