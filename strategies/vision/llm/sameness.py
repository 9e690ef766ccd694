"""When two programs are the same network, written twice: other names, comments and blanks make no other."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from domain.identity import fingerprint

LONGEST_CODE = 40_000
"""Characters: longer than any network that was ever sent to us, and short enough to be read in no time."""
_KEPT = frozenset({"build_model", "forward", "__init__"})


def identity(code: str) -> str:
    """Equal for programs with equal syntax trees, up to docstrings and the names that they give themselves.

    Code that cannot be read is its own identity. It is read here, never run.
    """
    if len(code) > LONGEST_CODE:
        return fingerprint(code)
    try:
        tree = ast.parse(code)
        bare = _without_docstrings(tree)
        names = {name: f"<{place}>" for place, name in enumerate(dict.fromkeys(_given(bare)))}
        return fingerprint(ast.dump(_Renamed(names).visit(bare), annotate_fields=False))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return fingerprint(code)


def _without_docstrings(tree: ast.Module) -> ast.Module:
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            node.body = [one for one in node.body if not _is_text(one)] or [ast.Pass()]
    return tree


def _is_text(statement: ast.stmt) -> bool:
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )


def _given(tree: ast.AST) -> Iterator[str]:
    """The names that the program binds, in the order in which it stands there."""
    for node in _in_order(tree):
        name = ""
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            name = node.name
        elif isinstance(node, ast.arg):
            name = node.arg
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            name = node.id
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            name = node.attr
        if name and name not in _KEPT:
            yield name


def _in_order(node: ast.AST) -> Iterator[ast.AST]:
    yield node
    for child in ast.iter_child_nodes(node):
        yield from _in_order(child)


class _Renamed(ast.NodeTransformer):
    def __init__(self, names: dict[str, str]) -> None:
        self._names = names

    def generic_visit(self, node: ast.AST) -> ast.AST:
        for field in ("name", "id", "attr", "arg"):
            value = getattr(node, field, None)
            if isinstance(value, str):
                setattr(node, field, self._names.get(value, value))
        return super().generic_visit(node)
