"""Keys of each test's own."""

from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(autouse=True)
def key_file(tmp_path: Path, settings: Any) -> Path:
    """Where the keys of the secrets lie; made at the first use."""
    settings.HOME = type(settings.HOME)(tmp_path / "home")
    settings.SECRETS_KEY_FILE = settings.HOME.secrets_key
    settings.SECRETS_KEY = ""
    return Path(settings.SECRETS_KEY_FILE)


@pytest.fixture
def agent_types_dir(tmp_path: Path, settings: Any) -> Path:
    """Where the operator's own declarations lie."""
    settings.AGENT_TYPES_DIR = tmp_path / "agent-types"
    settings.AGENT_TYPES_DIR.mkdir()
    return Path(settings.AGENT_TYPES_DIR)
