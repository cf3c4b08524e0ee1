"""Small faults in a program: one operator, constant, condition, statement or name for another.

Annotations, decorators, docstrings, the words of errors and what is written into the log stay.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any, NamedTuple

_PAIRS = (
    *((ast.Lt, ast.LtE), (ast.Gt, ast.GtE), (ast.Eq, ast.NotEq), (ast.Is, ast.IsNot)),
    *((ast.In, ast.NotIn), (ast.And, ast.Or), (ast.Add, ast.Sub), (ast.Mult, ast.FloorDiv)),
    *((ast.BitAnd, ast.BitOr), (ast.Break, ast.Continue)),
)
_OTHERS: dict[type[ast.AST], type[ast.AST]] = {
    one: other for pair in _PAIRS for one, other in (pair, pair[::-1])
}
_NAMES = {"min": "max", "max": "min", "any": "all", "all": "any"}


class Fault(NamedTuple):
    """One node of a program that another may take the place of."""

    parent: ast.AST
    field: str
    place: int | None
    old: ast.AST
    new: ast.AST
    function: str
    lines: range

    def put(self) -> str:
        """Makes the fault in the tree that it is of; returns what it is, in words of code."""
        whole = isinstance(self.parent, ast.expr | ast.keyword | ast.comprehension | ast.AugAssign)
        before = ast.unparse(self.parent if whole else self.old).splitlines()[0]
        if self.place is None:
            setattr(self.parent, self.field, self.new)
        else:
            getattr(self.parent, self.field)[self.place] = self.new
        after = ast.unparse(self.parent if whole else self.new).splitlines()[0]
        return f"{self.function}: {before}  ->  {after}"


def faults(node: ast.AST, function: str = "", line: int = 0) -> Iterator[Fault]:
    """Yields all faults that may be made in a program."""
    for field, value in ast.iter_fields(node):
        for place, child in enumerate(value if isinstance(value, list) else [value]):
            skipped = field in ("annotation", "returns", "decorator_list") or _only_tells(child)
            if not isinstance(child, ast.AST) or skipped:
                continue
            inside = getattr(child, "name", None) or function
            line = child.lineno if isinstance(child, ast.stmt) else line
            lines = range(line, getattr(child, "end_lineno", line) + 1)
            for new in _others(child):
                where = place if isinstance(value, list) else None
                yield Fault(node, field, where, child, new, inside, lines)
            if not isinstance(child, ast.Raise):
                yield from faults(child, inside, line)


def _only_tells(node: Any) -> bool:
    """Whether a statement is a docstring or writes into the log."""
    return isinstance(node, ast.Expr) and (
        isinstance(node.value, ast.Constant) or ast.unparse(node).startswith("log.")
    )


def _others(node: ast.AST) -> Iterator[ast.AST]:
    """Yields what may take the place of a node."""
    if type(node) in _OTHERS:
        yield _OTHERS[type(node)]()
    elif isinstance(node, ast.UnaryOp):
        yield node.operand
    elif isinstance(node, ast.Name) and node.id in _NAMES:
        yield ast.Name(_NAMES[node.id], node.ctx)
    elif isinstance(node, ast.If | ast.IfExp | ast.While):
        fields = dict(ast.iter_fields(node))
        yield type(node)(**{**fields, "test": ast.UnaryOp(ast.Not(), node.test)})
    elif isinstance(node, ast.comprehension) and node.ifs:
        yield ast.comprehension(node.target, node.iter, [], node.is_async)
    elif isinstance(node, ast.Constant) and isinstance(node.value, int | float | str):
        value = node.value
        wrong: Any = ("" if value else "x") if isinstance(value, str) else value + 1
        yield ast.Constant(not value if isinstance(value, bool) else wrong)
    elif isinstance(node, ast.Return) and not _is_none(node.value):
        yield ast.Return(ast.Constant(None))
    elif isinstance(node, ast.Expr | ast.Raise):
        yield ast.Pass()


def _is_none(node: ast.expr | None) -> bool:
    return node is None or (isinstance(node, ast.Constant) and node.value is None)
