"""Every module and function can be read in one sitting."""

import ast

from tests.house import tree

MODULE_LINES = {"tests": 500}  # cases of one behaviour stay together; elsewhere:
ELSEWHERE = 300
FUNCTION_LINES = 50
MODULES = tree.modules(*tree.PROGRAMS, "tests")


def test_every_module_is_short():
    lengths = {tree.name(path): path.read_text().count("\n") for path in MODULES}
    long = {
        name: length
        for name, length in lengths.items()
        if length > MODULE_LINES.get(name.split("/")[0], ELSEWHERE)
    }
    assert long == {}


def test_every_function_is_short():
    long = [
        f"{tree.name(path)}:{node.lineno} {node.name}"
        for path in MODULES
        for node in ast.walk(tree.parsed(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno - node.lineno >= FUNCTION_LINES
    ]
    assert long == []
