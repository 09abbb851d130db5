"""Names in annotations are looked up neither at run time nor by ruff, which shapes confuse."""

import ast
import builtins
from pathlib import Path

import pytest

import af3cli

_MODULES = sorted(Path(af3cli.__file__).parent.rglob("*.py"))


def _names(tree: ast.AST, context: type[ast.expr_context]) -> set[str]:
    nodes = (node for node in ast.walk(tree) if isinstance(node, ast.Name))
    return {node.id for node in nodes if isinstance(node.ctx, context)}


def _names_in_annotations(tree: ast.Module) -> set[str]:
    parts = [getattr(node, "annotation", None) for node in ast.walk(tree)]
    parts += [getattr(node, "returns", None) for node in ast.walk(tree)]
    return {name for part in parts if part is not None for name in _names(part, ast.Load)}


def _known_names(tree: ast.Module) -> set[str]:
    nodes = list(ast.walk(tree))
    imported = {
        (node.asname or node.name).split(".")[0] for node in nodes if isinstance(node, ast.alias)
    }
    classes = {node.name for node in nodes if isinstance(node, ast.ClassDef)}
    return imported | classes | _names(tree, ast.Store) | set(dir(builtins))


@pytest.mark.parametrize("module", _MODULES, ids=lambda module: module.stem)
def test_all_names_in_annotations_are_known(module: Path) -> None:
    tree = ast.parse(module.read_text())
    assert _names_in_annotations(tree) <= _known_names(tree)
