"""What an agent type declares: read from TOML or JSON, checked, and written out again. Pure.

A checked declaration is a dict with every section and every key. docs/agent-types.md says what each means.
"""

from pods.declarations.checking import (
    Declaration,
    DeclarationError,
    from_json,
    from_toml,
    simple,
)
from pods.declarations.reading import PERMISSIONS, PROVIDERS, Problem
from pods.declarations.resolving import ChoiceError, Choices, permission_modes, resolve
from pods.declarations.toml import as_toml
from pods.declarations.versions import is_within

__all__ = [
    "PERMISSIONS",
    "PROVIDERS",
    "ChoiceError",
    "Choices",
    "Declaration",
    "DeclarationError",
    "Problem",
    "as_toml",
    "from_json",
    "from_toml",
    "is_within",
    "permission_modes",
    "resolve",
    "simple",
]
