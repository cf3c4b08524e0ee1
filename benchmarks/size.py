"""How much code each package holds: ``python -m benchmarks.size``.

A line of code holds anything but blanks, comments and docstrings.
"""

from __future__ import annotations

import ast
import io
import tokenize
from pathlib import Path

PACKAGES = ("recommender", "index", "service")
ROOT = Path(__file__).parents[1]

_NOT_CODE = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENDMARKER,
}
_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def count_code_lines(source: str) -> int:
    """Lines of a module's source that are neither blank nor only comment or docstring.

    Any text that stands by itself in a module, class or function counts as docstring.
    """
    texts: set[int] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, _DOCUMENTED):
            for line in node.body:
                if isinstance(line, ast.Expr) and _is_text(line.value):
                    texts.update(range(line.lineno, (line.end_lineno or line.lineno) + 1))
    code: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in _NOT_CODE:
            code.update(range(token.start[0], token.end[0] + 1))
    return len(code - texts)


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def count_package(folder: Path) -> tuple[int, int]:
    """Code lines and all lines of a package's Python files."""
    sources = [path.read_text(encoding="utf-8") for path in sorted(folder.rglob("*.py"))]
    return sum(map(count_code_lines, sources)), sum(source.count("\n") for source in sources)


def main() -> None:
    """Print a line per package, and their sum."""
    counts = {name: count_package(ROOT / name) for name in PACKAGES}
    counts["total"] = (sum(c for c, _ in counts.values()), sum(a for _, a in counts.values()))
    print(f"{'':12} {'code':>7} {'all':>7}  lines")
    for name, (code, total) in counts.items():
        print(f"{name:12} {code:7,} {total:7,}")


if __name__ == "__main__":
    main()
