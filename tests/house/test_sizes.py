"""Every module and function can be read in one sitting."""

import ast

import pytest

from tests.house import tree

MODULE_LINES = 300
FUNCTION_LINES = 50


@pytest.mark.parametrize("path", tree.modules(*tree.PROGRAMS, "tests"), ids=tree.name)
def test_a_module_and_its_functions_are_short(path):
    assert path.read_text().count("\n") <= MODULE_LINES
    functions = (
        node
        for node in ast.walk(tree.parsed(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )
    assert [f.name for f in functions if f.end_lineno - f.lineno >= FUNCTION_LINES] == []
