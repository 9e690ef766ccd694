"""What generated network code may say: it is read as a tree before it runs, and only the read tree runs.

Modules are never values: `nn.Linear` may be written, `nn` alone may not, and of each module only listed
leaves may be taken (`domain.vision.gate_names`). Attributes of anything else must be listed, or be given by
the program itself. No double underscores but a class's usual methods, no `try`, no `match`, no `global`, no
imports but at the top. `namespace` is the other half: builtins that are left, and nothing else.

The gate does not prove code harmless; it turns away what has no business in a network, and says why.
"""

from __future__ import annotations

import ast
import builtins
from types import CodeType

from domain.errors import InputError
from domain.vision.gate_names import ATTRIBUTES, BUILTINS, CHANGEABLE, METHODS_OF_CLASSES, MODULES, words

LONGEST_CODE = 100_000
"""Characters."""
FILE = "<network>"
ENTRY = "build_model"
INT = "_int_of_size"
_REFUSED: dict[type[ast.AST], str] = {
    ast.Try: "try is not allowed: write code that does not raise",
    ast.TryStar: "try is not allowed: write code that does not raise",
    ast.Match: "match is not allowed: use if",
    ast.Global: "global is not allowed: pass the value as an argument",
    ast.AsyncFunctionDef: "async is not allowed",
    ast.AsyncFor: "async is not allowed",
    ast.AsyncWith: "async is not allowed",
    ast.Await: "async is not allowed",
    ast.Yield: "yield is not allowed: return a list",
    ast.YieldFrom: "yield is not allowed: return a list",
}
_HARMLESS_SHADOWS = words("""
input id hash vars dir format bytes ascii bin hex oct chr ord aiter anext copyright
""")
"""Builtins that the program does not have, as names for its own values (`def forward(self, input)`)."""
_KEPT_METHODS = words("""
forward train eval apply parameters named_parameters modules named_modules children named_children buffers
named_buffers register_buffer register_parameter add_module state_dict
""")


def checked(code: str) -> CodeType:
    """The code, compiled from the tree that was checked. Raises InputError with line and remedy."""
    if len(code) > LONGEST_CODE:
        raise InputError(f"the code is longer than {LONGEST_CODE:,} characters: write less")
    try:
        tree = ast.parse(code, FILE)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise InputError(f"the code cannot be read: {error}") from error
    try:
        _Gate(tree).visit(tree)
        compiled: CodeType = compile(_sizes_kept(tree), FILE, "exec")
    except (RecursionError, MemoryError, SyntaxError, ValueError) as error:
        raise InputError(f"the code is nested too deeply or cannot be compiled: {error}") from error
    return compiled


class _Sizes(ast.NodeTransformer):
    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        if (
            isinstance(node.func, ast.Name)
            and node.func.id == "int"
            and len(node.args) == 1
            and not node.keywords
        ):
            node.func.id = INT
        return node


def _sizes_kept(tree: ast.Module) -> ast.Module:
    """Has `int(...)` keep sizes that depend on the batch, of which Python's own would make a constant."""
    if "int" in _bound_names(tree):
        return tree
    kept: ast.Module = _Sizes().visit(tree)
    return kept


class _Gate(ast.NodeVisitor):
    """Raises InputError at the first thing that is not allowed."""

    def __init__(self, tree: ast.Module) -> None:
        self._modules: dict[str, str] = {}
        self._leaves: set[str] = set()
        for statement in tree.body:
            self._import(statement)
        self._bound = set(_bound_names(tree))
        self._attributes = ATTRIBUTES | {name for name in _given_attributes(tree) if not hidden(name)}
        if ENTRY not in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}:
            raise InputError(f"the code must define {ENTRY}(num_classes, channels, size) at its top level")
        self._top = {id(node) for node in tree.body}

    def _import(self, statement: ast.stmt) -> None:
        if isinstance(statement, ast.Import):
            for name in statement.names:
                if name.name not in MODULES:
                    raise _error(
                        statement, f"import {name.name} is not allowed: use torch, torch.nn, math only"
                    )
                self._modules[name.asname or name.name.partition(".")[0]] = (
                    name.name if name.asname else name.name.partition(".")[0]
                )
        elif isinstance(statement, ast.ImportFrom):
            module = statement.module or ""
            if statement.level or module not in MODULES:
                raise _error(
                    statement, f"import from {module} is not allowed: use torch, torch.nn, math only"
                )
            for name in statement.names:
                bound = name.asname or name.name
                if f"{module}.{name.name}" in MODULES:
                    self._modules[bound] = f"{module}.{name.name}"
                elif name.name in MODULES[module]:
                    self._leaves.add(bound)
                else:
                    raise _error(statement, f"{name.name} of {module} is not allowed in a network")

    def visit(self, node: ast.AST) -> None:
        if remedy := _REFUSED.get(type(node)):
            raise _error(node, remedy)
        super().visit(node)

    def visit_Import(self, node: ast.Import) -> None:
        self._at_top(node)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        self._at_top(node)

    def _at_top(self, node: ast.stmt) -> None:
        if id(node) not in self._top:
            raise _error(node, "imports belong at the top of the code")
        for name in getattr(node, "names", []):
            self._binding(node, name.asname or name.name.partition(".")[0])

    def visit_Name(self, node: ast.Name) -> None:
        name = node.id
        if not isinstance(node.ctx, ast.Load):
            self._binding(node, name)
            if name in self._modules or name in self._leaves:
                raise _error(node, f"{name} is imported: choose another name for your own value")
            return
        if name in self._modules:
            raise _error(node, f"the module {name} is not a value: write out what you take from it")
        if name in self._bound or name in self._leaves or name in BUILTINS or name == "__name__":
            return
        raise _error(node, f"the name {name} is neither defined nor allowed")

    def visit_Attribute(self, node: ast.Attribute) -> None:
        path = self._module_path(node.value)
        if path is not None:
            if not isinstance(node.ctx, ast.Load):
                raise _error(node, f"{path} may not be changed")
            if node.attr not in MODULES[path]:
                raise _error(node, f"{path}.{node.attr} is not allowed in a network")
            return
        self._attribute(node)
        self.visit(node.value)

    def _module_path(self, node: ast.expr) -> str | None:
        """The module that an expression stands for, if it does."""
        if isinstance(node, ast.Name):
            return self._modules.get(node.id)
        if isinstance(node, ast.Attribute):
            base = self._module_path(node.value)
            return f"{base}.{node.attr}" if base and f"{base}.{node.attr}" in MODULES else None
        return None

    def _attribute(self, node: ast.Attribute) -> None:
        name = node.attr
        if name == "__init__" and _is_super(node.value):
            return
        if name == "__name__" and not isinstance(node.ctx, ast.Store):
            raise _error(node, "__name__ is not allowed: write the name out")
        if name == "format":
            if isinstance(node.value, ast.Constant) and not set("._[") & _in_braces(str(node.value.value)):
                return
            raise _error(node, "format is allowed on written texts with plain fields only: use an f-string")
        if hidden(name) or name not in self._attributes:
            raise _error(node, f"the attribute {name} is not allowed in a network")
        if not isinstance(node.ctx, ast.Load):
            self._change(node)

    def _change(self, node: ast.Attribute) -> None:
        """An attribute that is given or taken away: torch's own methods and classes stay as they are."""
        root: ast.expr = node
        while isinstance(root, ast.Attribute):
            root = root.value
        if isinstance(root, ast.Name) and (root.id in self._modules or root.id in self._leaves):
            raise _error(node, f"{root.id} is imported and may not be changed")
        own = isinstance(node.value, ast.Name) and node.value.id == "self"
        if node.attr in _KEPT_METHODS or (not own and node.attr in ATTRIBUTES - CHANGEABLE):
            raise _error(node, f"{node.attr} may not be replaced: define it in your class")

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self._binding(node, node.name)
        if hidden(node.name) and node.name not in METHODS_OF_CLASSES:
            raise _error(node, f"a method {node.name} is not allowed")
        self.generic_visit(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self._binding(node, node.name)
        if node.keywords:
            raise _error(node, "classes may have bases only, no metaclass or other words")
        self.generic_visit(node)

    def visit_arg(self, node: ast.arg) -> None:
        self._binding(node, node.arg)
        if node.arg in self._modules:
            raise _error(node, f"{node.arg} is imported: choose another name for the argument")
        self.generic_visit(node)

    def visit_keyword(self, node: ast.keyword) -> None:
        if node.arg and hidden(node.arg):
            raise _error(node.value, f"the argument {node.arg} is not allowed")
        self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        # For getattr and for whatever else might look names up.
        if isinstance(node.value, str) and "__" in node.value and _looks_named(node.value):
            raise _error(node, f"the text {node.value[:40]!r} is not allowed in a network")

    def visit_Nonlocal(self, node: ast.Nonlocal) -> None:
        for name in node.names:
            self._binding(node, name)

    def _binding(self, node: ast.AST, name: str) -> None:
        if name in ("__all__", "__constants__", *METHODS_OF_CLASSES):
            return
        if hidden(name):
            raise _error(node, f"the name {name} is not allowed")
        if name in _FORBIDDEN_BUILTINS:
            raise _error(node, f"{name} is a builtin that networks may not use, not even as a name")


_FORBIDDEN_BUILTINS = frozenset(dir(builtins)) - BUILTINS - _HARMLESS_SHADOWS - {"_"}


def _error(node: ast.AST, message: str) -> InputError:
    return InputError(f"line {getattr(node, 'lineno', 0)}: {message}")


def hidden(name: str) -> bool:
    return name.startswith("__")


def _looks_named(text: str) -> bool:
    # "__main__" is what scripts compare their name with.
    return text != "__main__" and len(text) < 80 and not text.isspace() and " " not in text.strip()


def _in_braces(text: str) -> set[str]:
    """The characters that stand in the fields of a format."""
    return {letter for part in text.split("{")[1:] for letter in part.partition("}")[0].partition(":")[0]}


def _is_super(node: ast.expr) -> bool:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        return node.func.id == "super"
    # nn.Module.__init__(self), the older way.
    return isinstance(node, ast.Attribute) and node.attr == "Module"


def _bound_names(tree: ast.AST) -> list[str]:
    names = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            names.append(node.id)
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.append(node.name)
        elif isinstance(node, ast.arg):
            names.append(node.arg)
    return names


def _given_attributes(tree: ast.AST) -> list[str]:
    """Attributes that the program gives its own objects."""
    names = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            # A frame of any kind has these; nothing else needs such names.
            if not node.attr.startswith(("f_", "gi_", "cr_", "tb_", "co_", "ag_", "func_")):
                names.append(node.attr)
        elif isinstance(node, ast.ClassDef):
            names += [part.name for part in node.body if isinstance(part, ast.FunctionDef)]
            names += [
                target.id
                for part in node.body
                if isinstance(part, ast.Assign | ast.AnnAssign)
                for target in (part.targets if isinstance(part, ast.Assign) else [part.target])
                if isinstance(target, ast.Name)
            ]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            # register_buffer("scale", ...), add_module("block", ...), nn.ModuleDict(dict(...)) by its items.
            if node.func.attr in ("register_buffer", "register_parameter", "add_module") and node.args:
                first = node.args[0]
                if isinstance(first, ast.Constant) and isinstance(first.value, str):
                    names.append(first.value)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "setattr":
            second = node.args[1] if len(node.args) > 1 else None
            if isinstance(second, ast.Constant) and isinstance(second.value, str):
                names.append(second.value)
    # What torch hides is not the program's to give.
    return [name for name in names if name not in _TORCH_INSIDES]


_TORCH_INSIDES = words("""
storage untyped_storage data_ptr numpy tofile load_state_dict state_dict register_forward_hook
register_forward_pre_hook register_full_backward_hook register_hook grad_fn set_ resize_ as_strided mro
""")
