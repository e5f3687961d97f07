"""What is known of a kernel that is to be written for a whole block; see `host_blocks`.

Its statements become nodes: regions that threads run on their own, barriers, loops around them.
Its variables are the same for all threads of a block, can be computed anew, or are kept for each
thread.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from .statements import (
    ASSIGNMENTS,
    Declarator,
    NotUnderstoodError,
    Statement,
    Token,
    assignment,
    declarators,
    parse_body,
    shared_tokens,
    split_tokens,
    step_of,
    tokens_of,
    upper_limit,
)

__all__ = [
    "Node",
    "Reader",
    "Region",
    "Stride",
    "Surroundings",
    "Variable",
    "names_in",
]

_BARRIERS = frozenset(("__syncthreads", "__syncwarp", "__barrier_sync"))
_INDICES = frozenset(["threadIdx", "blockIdx", "blockDim", "gridDim", "warpSize"])
_PURE = frozenset((
    "min", "max", "abs", "int", "unsigned", "float", "double", "size_t", "long", "short",
    "char", "bool", "sizeof", "static_cast", "uint32_t", "int32_t", "uint64_t", "int64_t",
    "const", "signed", "true", "false", "ceil", "ceilf", "floor", "floorf", "sqrt", "sqrtf",
    "log2", "log2f", "pow", "powf", "exp2f", "fabs", "fabsf", "fmin", "fmax", "fminf", "fmaxf",
    "round", "roundf", "rint", "rintf", "__ffs", "__clz", "__popc",
))  # fmt: skip
_IMPURE = ("[", "->", "{", "++", "--", "::")
_INTEGERS = re.compile(r"(?:(?:un)?signed|int|long|size_t|u?int(?:32|64)_t|ptrdiff_t|uint)")
NAME = re.compile(r"[A-Za-z_]\w*")


@dataclass(frozen=True)
class Surroundings:
    """What must be known of the rest of a source.

    Attributes
    ----------
    source : str
        All of it.
    masked : str
        The same without comments, strings and directives.
    macros, macro_parameters : dict
        The text of each macro, and the names of its parameters.
    waits : re.Pattern
        Whatever makes threads wait for each other.
    by_reference : frozenset of str
        Functions that take references.
    """

    source: str
    masked: str
    macros: dict[str, str]
    macro_parameters: dict[str, set[str]]
    waits: re.Pattern[str]
    by_reference: frozenset[str]


@dataclass
class Variable:
    """A variable that is declared where the block's statements stand.

    Attributes
    ----------
    declared : list of Declarator
        Its declarations: loops may use one name again.
    kind : {"uniform", "again", "lane"}
        One for the block, computed anew where it is needed, or one for each thread.
    varies : bool
        Whether it may differ from thread to thread.
    loops : set of int
        The loops over the threads that mention it; -1 stands for the head of a loop or condition.
    """

    declared: list[Declarator]
    kind: str = "lane"
    varies: bool = True
    loops: set[int] = field(default_factory=set)

    @property
    def first(self) -> Declarator:
        """The first declaration."""
        return self.declared[0]


@dataclass
class Region:
    """Statements that the threads run one after the other."""

    statements: list[Statement] = field(default_factory=list)


@dataclass
class Node:
    """Something that the block does: a region, a barrier, a loop around such."""

    kind: str  # region, barrier, uniform, declare, shared, block, if, for, while, do, stride
    statement: Statement | None = None
    region: Region | None = None
    children: list[list[Node]] = field(default_factory=list)
    stride: Stride | None = None


@dataclass
class Stride:
    """``for (type name = first; name < limit; name += step) body``."""

    type: str
    name: str
    first: list[Token]
    limit: list[Token]
    step: list[Token]
    body: list[Token]
    region: Region


def names_in(tokens: Sequence[Token]) -> Iterator[tuple[int, str]]:
    """Yield place and text of names that are no members."""
    for k, token in enumerate(tokens):
        before = tokens[k - 1].text if k else ""
        if before not in (".", "->", "::") and NAME.fullmatch(token.text):
            yield k, token.text


def _is_unary(tokens: Sequence[Token], k: int) -> bool:
    """Say whether the sign at a place has nothing on its left."""
    if k == 0:
        return True
    before = tokens[k - 1].text
    return not (before in (")", "]") or re.match(r"[\w.]", before)) or before == "return"


class Reader:
    """What is found out about a kernel."""

    def __init__(
        self, head: str, parameters: Iterable[str], start: int, end: int, around: Surroundings
    ) -> None:
        self.around = around
        self.tokens = tokens_of(around.masked, start, end)
        lines = around.source[start:end]
        if re.search(r"^[ \t]*#(?!\s*pragma\s+unroll)", lines, re.MULTILINE):
            raise NotUnderstoodError("a directive")
        text = around.masked[start:end]
        others = around.waits.sub(lambda f: "" if f.group() in _BARRIERS else f.group(), text)
        if around.waits.search(others) or "[&]" in text or "[=]" in text:
            raise NotUnderstoodError("threads wait in other ways")
        self.parameters = set(parameters)
        self.constants = {*NAME.findall(head.rpartition(">")[0]), *_PURE, *_INDICES}
        self.statements = parse_body(self.tokens)
        self.variables: dict[str, Variable] = {}
        self.declared_at: set[int] = set()  # places of names in declarations of the block
        self.strides: set[int] = set()  # places of names that only a loop over the grid changes
        self.nodes = self._spine(self.statements)
        if not any(node.kind in ("barrier", "stride") for node in self.walk(self.nodes)):
            raise NotUnderstoodError("there is nothing to gain")
        self._classify()

    def walk(self, nodes: Iterable[Node]) -> Iterator[Node]:
        """Yield nodes and all inside them."""
        for node in nodes:
            yield node
            for part in node.children:
                yield from self.walk(part)

    # The structure

    def _spine(self, statements: Sequence[Statement]) -> list[Node]:
        nodes: list[Node] = []
        for k, statement in enumerate(statements):
            node = self._node(statement, statements[k + 1 :])
            if node is not None:
                nodes.append(node)
                continue
            if not nodes or nodes[-1].kind != "region":
                nodes.append(Node("region", region=Region()))
            region = nodes[-1].region
            assert region is not None
            region.statements.append(statement)
        return nodes

    def _node(self, statement: Statement, later: Sequence[Statement]) -> Node | None:
        """Return what a statement is for the block; None: something that each thread does."""
        words = [token.text for token in statement.tokens]
        if words[0] in _BARRIERS and words[1] == "(":
            return Node("barrier", statement)
        if statement.kind == "empty":
            return None
        if "__shared__" in words and not statement.children:
            self.constants.update(d.name for d in declarators(shared_tokens(statement)) or ())
            return Node("shared", statement)
        if "constexpr" in words and not statement.children:
            self.constants.update(d.name for d in declarators(statement.tokens[:-1]) or ())
            return Node("declare", statement)
        if statement.kind == "declaration":
            return self._declaration(statement, words)
        if words[0] in ("typedef", "using", "static_assert"):
            return Node("declare", statement)
        if not _BARRIERS & set(words):
            return self._stride(statement, later)
        if statement.kind == "block":
            return Node("block", statement, children=[self._spine(statement.children)])
        if statement.kind not in ("for", "while", "do", "if"):
            raise NotUnderstoodError("a barrier inside " + statement.kind)
        if statement.kind == "for":
            init = split_tokens(statement.head, ";")[0]
            self._note(declarators(init) or [], init)
        bodies = [
            self._spine(body.children if body.kind == "block" else [body])
            for body in statement.children
        ]
        self._refuse_jumps(statement)
        return Node(statement.kind, statement, children=bodies)

    def _refuse_jumps(self, statement: Statement) -> None:
        """Raise for jumps to the end or the next round of a loop that has a barrier."""
        inner = [statement.children]
        while inner:
            for child in inner.pop():
                if child.kind in ("break", "continue", "switch"):
                    raise NotUnderstoodError("a jump around a barrier")
                if child.kind in ("block", "if"):
                    inner.append(child.children)

    def _declaration(self, statement: Statement, words: list[str]) -> Node | None:
        if "static" in words:
            raise NotUnderstoodError("a static variable")
        self._note(declarators(statement.tokens[:-1]) or [], statement.tokens)
        return None

    def _note(self, found: Sequence[Declarator], tokens: Sequence[Token]) -> None:
        for declarator in found:
            known = self.variables.setdefault(declarator.name, Variable([]))
            known.declared.append(declarator)
            if known.first.type != declarator.type or declarator.name in self.parameters:
                raise NotUnderstoodError(f"several variables {declarator.name}")
        names = {declarator.name for declarator in found}
        seen: set[str] = set()
        for k, name in names_in(tokens):
            if name in names and name not in seen:
                seen.add(name)
                self.declared_at.add(tokens[k].start)

    def _stride(self, statement: Statement, later: Sequence[Statement]) -> Node | None:
        """Return a loop over the grid, if the statement is one."""
        found = None
        if statement.kind == "for":
            found = self._stride_for(statement)
        elif statement.kind == "while":
            found = self._stride_while(statement, later)
        if found is None:
            return None
        inner = [child for child in statement.walk() if child.kind in ("return", "break", "switch")]
        if inner or any(token.text == "goto" for token in statement.tokens):
            return None
        for k, name in names_in(found.body):
            if name == found.name and self._changes(found.body, k):
                return None
        return Node("stride", statement, region=found.region, stride=found)

    def _stride_for(self, statement: Statement) -> Stride | None:
        parts = split_tokens(statement.head, ";")
        named = declarators(parts[0]) if len(parts) == 3 else None
        if not named or len(named) != 1 or named[0].value is None or not named[0].plain:
            return None
        (variable,) = named
        if not all(_INTEGERS.fullmatch(word) for word in variable.type):
            return None
        ends = upper_limit(variable.name, parts[1]), step_of(variable.name, parts[2])
        if not ends[0] or not ends[1]:
            return None
        (body,) = statement.children
        region = Region([statement])
        first = variable.value or []
        return Stride(
            " ".join(variable.type), variable.name, first, ends[0], ends[1], body.tokens, region
        )

    def _stride_while(self, statement: Statement, later: Sequence[Statement]) -> Stride | None:
        name = statement.head[0].text if statement.head else ""
        variable = self.variables.get(name)
        (body,) = statement.children
        if variable is None or body.kind != "block" or not body.children:
            return None
        last = body.children[-1]
        limit, step = upper_limit(name, statement.head), step_of(name, last.tokens[:-1])
        used = any(token.text == name for other in later for token in other.tokens)
        if not limit or not step or used or statement not in self.statements:
            return None
        if not all(_INTEGERS.fullmatch(word) for word in variable.first.type):
            return None
        self.strides.add(last.tokens[0].start)
        tokens = [*body.tokens[: -len(last.tokens) - 1], body.tokens[-1]]
        region = Region([statement])
        return Stride(
            " ".join(variable.first.type), name, [statement.head[0]], limit, step, tokens, region
        )

    # Variables

    def _changes(self, tokens: Sequence[Token], k: int) -> bool:
        """Say whether the variable named at a place may be changed there."""
        after = tokens[k + 1].text if k + 1 < len(tokens) else ""
        before = tokens[k - 1].text if k else ""
        if after in ASSIGNMENTS or after in ("++", "--") or before in ("++", "--"):
            return True
        return before == "&" and _is_unary(tokens, k - 1)

    def _changed(self) -> dict[str, list[int]]:
        """Return where each variable may be changed after its declaration."""
        found: dict[str, list[int]] = {}
        skip = self.declared_at | self.strides
        opened: list[bool] = []  # parentheses: are they those of a function with references
        for k, token in enumerate(self.tokens):
            if token.text == "(":
                called = k > 0 and self.tokens[k - 1].text in self.around.by_reference
                opened.append(called or bool(opened and opened[-1]))
            elif token.text == ")" and opened:
                opened.pop()
            elif NAME.fullmatch(token.text) and token.start not in skip:
                before = self.tokens[k - 1].text if k else ""
                after = self.tokens[k + 1].text if k + 1 < len(self.tokens) else ""
                if before in (".", "->", "::"):
                    continue
                variable = self.variables.get(token.text)
                part = variable is not None and (
                    after == "." or (after == "[" and "*" not in variable.first.type)
                )
                if part or self._changes(self.tokens, k) or (opened and opened[-1]):
                    found.setdefault(token.text, []).append(token.start)
        return found

    def _classify(self) -> None:
        changed = self.changed = self._changed()
        self.constants |= self.parameters - changed.keys()
        places = self._places()
        known = -1
        while known < (known := sum(v.kind != "lane" for v in self.variables.values())):
            for name, variable in self.variables.items():
                if name not in changed and variable.kind == "lane":
                    self._classify_constant(variable)
            self._classify_common(changed, places)
        number = 0  # of a loop over the threads
        for node in self.walk(self.nodes):
            number += 1
            if node.region is not None:
                for statement in node.region.statements:
                    number += self.is_once(statement)
                    self._mention(statement.tokens, number)
            elif node.statement is not None and node.kind in ("for", "while", "do", "if"):
                self._mention(node.statement.head, -1)

    def _mention(self, tokens: Sequence[Token], number: int) -> None:
        for _, name in names_in(tokens):
            if name in self.variables:
                self.variables[name].loops.add(number)

    def is_once(self, statement: Statement) -> bool:
        """Say whether the block does a statement, or a part of it, once for all threads."""
        if statement.kind == "declaration":
            named = declarators(statement.tokens[:-1]) or []
            return any(self.variables[one.name].kind == "uniform" for one in named)
        if statement.kind == "expression":
            changed = assignment(statement.tokens[:-1])
            names = {token.text for token in statement.tokens if token.start in changed}
            return any(
                name in self.variables and self.variables[name].kind == "uniform" for name in names
            )
        if statement.kind == "if" and len(statement.children) == 1:
            (child,) = statement.children
            inner = child.children if child.kind == "block" else [child]
            ends = [part.kind for part in inner] == ["return"] and len(inner[0].tokens) == 2
            return ends and self.is_pure(statement.head) and not self.varies(statement.head)
        return False

    def _classify_constant(self, variable: Variable) -> None:
        """Say what a variable is that keeps its first value."""
        one = variable.first
        simple = one.plain and not one.lengths and "&" not in one.type
        if len(variable.declared) > 1 or not one.value or not simple:
            return
        if not self.is_pure(one.value):
            return
        if not self.varies(one.value):
            variable.kind, variable.varies = "uniform", False
        elif not self._may_change(one.value):
            variable.kind = "again"

    def _may_change(self, tokens: Iterable[Token]) -> bool:
        """Say whether a value is made of anything that may change later."""
        names = {token.text for token in tokens}
        bodies = [tokens_of(self.around.macros[name]) for name in names & self.around.macros.keys()]
        return bool(names & self.changed.keys()) or any(map(self._may_change, bodies))

    def _places(self) -> dict[int, list[Token]]:
        """Return where the block itself changes variables, and to what: nothing for ++ and --."""
        places = {}
        for node in self.walk(self.nodes):
            if node.kind == "for" and node.statement is not None:
                init, _, step = split_tokens(node.statement.head, ";")
                for part in (
                    *([] if declarators(init) else split_tokens(init, ",")),
                    *split_tokens(step, ","),
                ):
                    places.update(assignment(part))
            elif node.kind == "region" and node.region is not None:
                for statement in node.region.statements:
                    if statement.kind == "expression":
                        places.update(assignment(statement.tokens[:-1]))
        return places

    def _classify_common(
        self, changed: dict[str, list[int]], places: dict[int, list[Token]]
    ) -> None:
        """Find the variables that change, for all threads in the same way."""
        found = {
            name
            for name, variable in self.variables.items()
            if name in changed
            and all(d.plain and not d.lengths and "&" not in d.type for d in variable.declared)
            and all(start in places for start in changed[name])
        }
        while True:
            for name in found:
                self.variables[name].kind, self.variables[name].varies = "uniform", False
            wrong = set()
            for name in found:
                values = [d.value for d in self.variables[name].declared if d.value]
                values += [places[start] for start in changed[name]]
                if not all(self.is_pure(v) and not self.varies(v) for v in values):
                    wrong.add(name)
            for name in wrong:
                self.variables[name].kind, self.variables[name].varies = "lane", True
            if not wrong:
                return
            found -= wrong

    def is_pure(self, tokens: Sequence[Token], also: Container[str] = ()) -> bool:
        """Say whether a value depends on nothing that changes, memory included.

        `also` are names that are known not to, such as a macro's parameters.
        """
        for k, token in enumerate(tokens):
            text = token.text
            if (
                text in ("[", "->", "{", "++", "--", "::")
                or text in ASSIGNMENTS
                or text[0] in "\"'"
            ):
                return False
            if text in ("*", "&") and _is_unary(tokens, k):
                return False
        for k, name in names_in(tokens):
            called = k + 1 < len(tokens) and tokens[k + 1].text == "("
            if called and name not in _PURE and name not in self.around.macros:
                return False
            if name not in also and not self._is_known(name):
                return False
        return True

    def _is_known(self, name: str) -> bool:
        if name in self.constants:
            return True
        variable = self.variables.get(name)
        if variable is not None:
            return variable.kind in ("uniform", "again")
        body = self.around.macros.get(name)
        parameters = self.around.macro_parameters.get(name, ())
        return body is not None and self.is_pure(tokens_of(body), parameters)

    def varies(self, tokens: Sequence[Token]) -> bool:
        """Say whether a pure value may differ from thread to thread."""
        for _, name in names_in(tokens):
            variable = self.variables.get(name)
            if name == "threadIdx" or (variable is not None and variable.varies):
                return True
            body = self.around.macros.get(name)
            if variable is None and body is not None and self.varies(tokens_of(body)):
                return True
        return False
