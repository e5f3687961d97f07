"""Kernels with barriers as loops over the threads of a block.

A kernel's text is cut where all threads of a block wait for each other, and what lies between
becomes a loop over the threads, which compilers vectorise ("loop fission": Stratton, Stone and Hwu,
MCUDA, LCPC 2008). A variable that several of these regions use is kept for each thread, unless it
is the same for all threads, or can be computed anew. Loops over the grid (``for (i = ...; i < n; i
+= blockDim.x * gridDim.x)``) are turned inside out: the threads of a block take neighbouring
elements, one round after the other.

Whatever is not understood is left to the other ways of `host_grid`, which run any kernel.
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
    declarators,
    parse_body,
    split_tokens,
    tokens_of,
)

__all__ = ["Surroundings", "block_text"]

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
_NAME = re.compile(r"[A-Za-z_]\w*")
_MOST = "DH_MOST"


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
class _Variable:
    declared: list[Declarator]
    kind: str = "lane"  # uniform: one for the block; again: computed anew; lane: one for a thread
    varies: bool = True  # from thread to thread
    regions: set[int] = field(default_factory=set)

    @property
    def first(self) -> Declarator:
        return self.declared[0]


@dataclass
class _Region:
    """Statements that the threads run one after the other."""

    number: int
    statements: list[Statement] = field(default_factory=list)

    @property
    def tokens(self) -> list[Token]:
        return [token for statement in self.statements for token in statement.tokens]


@dataclass
class _Node:
    """Something that the block does: a region, a barrier, a loop around such."""

    kind: str  # region, barrier, uniform, declare, shared, block, if, for, while, do, stride
    statement: Statement | None = None
    region: _Region | None = None
    children: list[list[_Node]] = field(default_factory=list)
    stride: _Stride | None = None


@dataclass
class _Stride:
    """``for (type name = first; name < limit; name += step) body``."""

    type: str
    name: str
    first: list[Token]
    limit: list[Token]
    step: list[Token]
    body: list[Token]
    region: _Region


def block_text(
    head: str, parameters: Iterable[str], start: int, end: int, around: Surroundings
) -> str | None:
    """Return the statements of a kernel for a whole block; None if it is better left as it is.

    Parameters
    ----------
    head : str
        What comes before the kernel's parameters.
    parameters : iterable of str
        Their names.
    start, end : int
        Where the text between the kernel's braces lies in the source.
    """
    try:
        return _Writer(head, parameters, start, end, around).text()
    except NotUnderstoodError:
        return None


def _names(tokens: Sequence[Token]) -> Iterator[tuple[int, str]]:
    """Yield place and text of names that are no members."""
    for k, token in enumerate(tokens):
        before = tokens[k - 1].text if k else ""
        if before not in (".", "->", "::") and _NAME.fullmatch(token.text):
            yield k, token.text


def _is_unary(tokens: Sequence[Token], k: int) -> bool:
    """Say whether the sign at a place has nothing on its left."""
    if k == 0:
        return True
    before = tokens[k - 1].text
    return not (before in (")", "]") or re.match(r"[\w.]", before)) or before == "return"


class _Reader:
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
        self.constants = {*_NAME.findall(head.rpartition(">")[0]), *_PURE, *_INDICES}
        self.statements = parse_body(self.tokens)
        self.regions: list[_Region] = []
        self.variables: dict[str, _Variable] = {}
        self.declared_at: set[int] = set()  # places of names in declarations of the block
        self.strides: set[int] = set()  # places of names that only a loop over the grid changes
        self.nodes = self._spine(self.statements)
        if not any(node.kind in ("barrier", "stride") for node in self.walk(self.nodes)):
            raise NotUnderstoodError("there is nothing to gain")
        self._classify()

    def walk(self, nodes: Iterable[_Node]) -> Iterator[_Node]:
        """Yield nodes and all inside them."""
        for node in nodes:
            yield node
            for part in node.children:
                yield from self.walk(part)

    # The structure

    def _spine(self, statements: Sequence[Statement]) -> list[_Node]:
        nodes: list[_Node] = []
        for k, statement in enumerate(statements):
            node = self._node(statement, statements[k + 1 :])
            if node is not None:
                nodes.append(node)
                continue
            if not nodes or nodes[-1].kind != "region":
                self.regions.append(_Region(len(self.regions)))
                nodes.append(_Node("region", region=self.regions[-1]))
            region = nodes[-1].region
            assert region is not None
            region.statements.append(statement)
        return nodes

    def _node(self, statement: Statement, later: Sequence[Statement]) -> _Node | None:
        """Return what a statement is for the block; None: something that each thread does."""
        words = [token.text for token in statement.tokens]
        if words[0] in _BARRIERS and words[1] == "(":
            return _Node("barrier", statement)
        if statement.kind == "empty":
            return None
        if "__shared__" in words and not statement.children:
            rest = [t for t in statement.tokens[:-1] if t.text not in ("__shared__", "extern")]
            self.constants.update(one.name for one in declarators(rest) or ())
            return _Node("shared", statement)
        if statement.kind == "declaration":
            return self._declaration(statement, words)
        if words[0] in ("typedef", "using", "static_assert"):
            return _Node("declare", statement)
        if not _BARRIERS & set(words):
            return self._stride(statement, later)
        if statement.kind == "block":
            return _Node("block", statement, children=[self._spine(statement.children)])
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
        return _Node(statement.kind, statement, children=bodies)

    def _refuse_jumps(self, statement: Statement) -> None:
        """Raise for jumps to the end or the next round of a loop that has a barrier."""
        inner = [statement.children]
        while inner:
            for child in inner.pop():
                if child.kind in ("break", "continue", "switch"):
                    raise NotUnderstoodError("a jump around a barrier")
                if child.kind in ("block", "if"):
                    inner.append(child.children)

    def _declaration(self, statement: Statement, words: list[str]) -> _Node | None:
        if "static" in words:
            raise NotUnderstoodError("a static variable")
        self._note(declarators(statement.tokens[:-1]) or [], statement.tokens)
        return None

    def _note(self, found: Sequence[Declarator], tokens: Sequence[Token]) -> None:
        for declarator in found:
            known = self.variables.setdefault(declarator.name, _Variable([]))
            known.declared.append(declarator)
            if known.first.type != declarator.type or declarator.name in self.parameters:
                raise NotUnderstoodError(f"several variables {declarator.name}")
        names = {declarator.name for declarator in found}
        seen: set[str] = set()
        for k, name in _names(tokens):
            if name in names and name not in seen:
                seen.add(name)
                self.declared_at.add(tokens[k].start)

    def _stride(self, statement: Statement, later: Sequence[Statement]) -> _Node | None:
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
        for k, name in _names(found.body):
            if name == found.name and self._changes(found.body, k):
                return None
        self.regions.append(found.region)
        return _Node("stride", statement, region=found.region, stride=found)

    def _stride_for(self, statement: Statement) -> _Stride | None:
        parts = split_tokens(statement.head, ";")
        named = declarators(parts[0]) if len(parts) == 3 else None
        if not named or len(named) != 1 or named[0].value is None or not named[0].plain:
            return None
        (variable,) = named
        if not all(_INTEGERS.fullmatch(word) for word in variable.type):
            return None
        ends = _upper_limit(variable.name, parts[1]), _step(variable.name, parts[2])
        if not ends[0] or not ends[1]:
            return None
        (body,) = statement.children
        region = _Region(len(self.regions), [statement])
        first = variable.value or []
        return _Stride(
            " ".join(variable.type), variable.name, first, ends[0], ends[1], body.tokens, region
        )

    def _stride_while(self, statement: Statement, later: Sequence[Statement]) -> _Stride | None:
        name = statement.head[0].text if statement.head else ""
        variable = self.variables.get(name)
        (body,) = statement.children
        if variable is None or body.kind != "block" or not body.children:
            return None
        last = body.children[-1]
        limit, step = _upper_limit(name, statement.head), _step(name, last.tokens[:-1])
        used = any(token.text == name for other in later for token in other.tokens)
        if not limit or not step or used or statement not in self.statements:
            return None
        if not all(_INTEGERS.fullmatch(word) for word in variable.first.type):
            return None
        self.strides.add(last.tokens[0].start)
        tokens = [*body.tokens[: -len(last.tokens) - 1], body.tokens[-1]]
        region = _Region(len(self.regions), [statement])
        return _Stride(
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
            elif _NAME.fullmatch(token.text) and token.start not in skip:
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
        changed = self._changed()
        self.changed = changed
        self.constants |= self.parameters - changed.keys()
        common = self._common(changed)
        for name, variable in self.variables.items():
            one = variable.first
            if name in common:
                variable.kind, variable.varies = "uniform", False
            elif name not in changed and len(variable.declared) == 1 and one.value:
                simple = one.plain and not one.lengths and "&" not in one.type
                if simple and self.is_pure(one.value):
                    variable.varies = self.varies(one.value)
                    variable.kind = "again" if variable.varies else "uniform"
        for node in self.walk(self.nodes):
            if node.region is not None:
                for _, name in _names(node.region.tokens):
                    if name in self.variables:
                        self.variables[name].regions.add(node.region.number)
            elif node.statement is not None and node.kind in ("for", "while", "do", "if"):
                for _, name in _names(node.statement.head):
                    if name in self.variables:
                        self.variables[name].regions.add(-1)

    def _common(self, changed: dict[str, list[int]]) -> set[str]:
        """Return the variables that change, for all threads in the same way."""
        places = {}  # of what the block does once: the value, or nothing for ++ and --
        for node in self.walk(self.nodes):
            if node.kind == "for" and node.statement is not None:
                init, _, step = split_tokens(node.statement.head, ";")
                for part in (
                    *([] if declarators(init) else split_tokens(init, ",")),
                    *split_tokens(step, ","),
                ):
                    places.update(_assignment(part))
            elif node.kind == "region" and node.region is not None:
                for statement in node.region.statements:
                    if statement.kind == "expression":
                        places.update(_assignment(statement.tokens[:-1]))
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
                return found
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
        for k, name in _names(tokens):
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
        for _, name in _names(tokens):
            variable = self.variables.get(name)
            if name == "threadIdx" or (variable is not None and variable.varies):
                return True
            body = self.around.macros.get(name)
            if variable is None and body is not None and self.varies(tokens_of(body)):
                return True
        return False


def _upper_limit(name: str, tokens: Sequence[Token]) -> list[Token] | None:
    """Return what ``name < ...`` compares with."""
    if len(tokens) < 3 or tokens[0].text != name or tokens[1].text != "<":
        return None
    rest = list(tokens[2:])
    if any(token.text in ("&&", "||", "?", ",", "<", ">", "==", name) for token in rest):
        return None
    return rest


def _step(name: str, tokens: Sequence[Token]) -> list[Token] | None:
    """Return what ``name += ...`` or ``name = name + ...`` adds."""
    words = [token.text for token in tokens]
    rest: list[Token] = []
    if words[:2] == [name, "+="]:
        rest = list(tokens[2:])
    elif words[:4] == [name, "=", name, "+"]:
        rest = list(tokens[4:])
    if not rest or any(token.text in (",", name, "?") for token in rest):
        return None
    if len(rest) == 1 and rest[0].text[0].isdigit():  # neighbours are those of one thread
        return None
    return rest


def _assignment(tokens: Sequence[Token]) -> dict[int, list[Token]]:
    """Return the place of the variable that is all that an expression changes, and its operands."""
    words = [token.text for token in tokens]
    if (len(words) == 2 and "++" in words) or (len(words) == 2 and "--" in words):
        return {token.start: [] for token in tokens if _NAME.fullmatch(token.text)}
    if len(words) > 2 and words[1] in ASSIGNMENTS and _NAME.fullmatch(words[0]):
        return {tokens[0].start: list(tokens[2:])}
    return {}


class _Writer(_Reader):
    """The text for a block."""

    def text(self) -> str:
        """Return the statements of the block."""
        self.ends_early = self._ends_early()
        lines = ["DH_BLOCK_BEGIN"]
        if self.ends_early:
            lines.append(f"bool dh_ended[{_MOST}] = {{}};")
        lines += self._write(self.nodes)
        return "\n".join(lines)

    def _ends_early(self) -> bool:
        """Say whether a thread may end while others go on to another region."""
        last = self.nodes[-1]
        return any(
            statement.kind == "return"
            for node in self.walk(self.nodes)
            if node.region is not None and node is not last
            for part in node.region.statements
            for statement in part.walk()
        )

    def _slice(self, tokens: Sequence[Token]) -> str:
        """Return the source's text, with the line that it stands in."""
        if not tokens:
            return ""
        line = self.around.source.count("\n", 0, tokens[0].start) + 1
        return f'\n#line {line} "kernel"\n{self._plain(tokens)}\n'

    def _plain(self, tokens: Sequence[Token]) -> str:
        return self.around.source[tokens[0].start : tokens[-1].end] if tokens else ""

    def _write(self, nodes: Sequence[_Node]) -> Iterator[str]:
        for node in nodes:
            statement, region = node.statement, node.region
            if node.stride is not None:
                yield from self._write_stride(node.stride)
            elif region is not None:
                yield from self._write_region(region)
            elif statement is None:
                continue
            elif node.kind == "barrier":
                if self.ends_early:
                    line = self.around.source.count("\n", 0, statement.tokens[0].start) + 1
                    yield f"if (dh_all_ended(dh_here, dh_ended, {line})) return;"
            elif node.kind == "declare":
                yield self._slice(statement.tokens)
            elif node.kind == "shared":
                yield self._shared(statement)
            elif node.kind == "block":
                yield from ("{", *self._write(node.children[0]), "}")
            else:
                yield from self._write_control(node, statement)

    def _shared(self, statement: Statement) -> str:
        words = [token for token in statement.tokens if token.text not in ("__shared__", "static")]
        if words[0].text != "extern" and "extern" not in [token.text for token in words]:
            kept = [token.text for token in words]
            self._refuse_values(kept)
            line = self.around.source.count("\n", 0, statement.tokens[0].start) + 1
            return f'\n#line {line} "kernel"\nDH_SHARED {" ".join(kept)}\n'
        rest = [token for token in words if token.text != "extern"]
        named = declarators(rest[:-1])
        if named is None or len(named) != 1:
            raise NotUnderstoodError("shared memory")
        (one,) = named
        lengths = [token.text for token in one.lengths]
        if lengths[:2] != ["[", "]"]:
            raise NotUnderstoodError("shared memory")
        volatile = "volatile " if "volatile" in one.qualifiers else ""
        kind = f"{volatile}{' '.join(one.type)}"
        return f"DH_DYNAMIC({kind}, {one.name}, {''.join(lengths[2:])});"

    def _refuse_values(self, words: list[str]) -> None:
        if "=" in words or "__align__" in words or "alignas" in words:
            raise NotUnderstoodError("shared memory")

    # Regions

    def _needed(self, tokens: Iterable[Token]) -> list[str]:
        """Return the variables that tokens mention, those first on which others depend."""
        wanted = {token.text for token in tokens if token.text in self.variables}
        more = set(wanted)
        while more:
            name = more.pop()
            variable = self.variables[name]
            if variable.kind == "again":
                inner = {token.text for token in variable.first.value or ()}
                new = (inner & self.variables.keys()) - wanted
                wanted |= new
                more |= new
        return [name for name in self.variables if name in wanted]

    def _before(self, tokens: Sequence[Token], region: int) -> list[str]:
        """Return the lines that make the variables of a thread known to what follows."""
        lines = []
        declared_here = self._declared_in(region)
        for name in self._needed(tokens):
            variable = self.variables[name]
            if variable.kind == "again":
                lines.append(self._declare(variable.first))
            elif variable.kind == "lane" and self._is_kept(variable):
                if variable.first.lengths:
                    lines.append(f"auto &{name} = {name}_dh[dh_t];")
                elif name not in declared_here:
                    lines.append(f"{self._kept_type(variable)} {name} = {name}_dh[dh_t];")
        return lines

    def _after(self, tokens: Sequence[Token], region: int) -> list[str]:
        """Return the lines that keep what a thread has changed."""
        starts = {token.start for token in tokens}
        lines = []
        declared_here = self._declared_in(region)
        for name in self._needed(tokens):
            variable = self.variables[name]
            if variable.kind != "lane" or not self._is_kept(variable) or variable.first.lengths:
                continue
            if name in declared_here or starts & set(self.changed.get(name, ())):
                lines.append(f"{name}_dh[dh_t] = {name};")
        return lines

    def _is_kept(self, variable: _Variable) -> bool:
        return len(variable.regions) > 1

    def _declared_in(self, region: int) -> set[str]:
        return {
            declarator.name
            for statement in self.regions[region].statements
            if statement.kind == "declaration"
            for declarator in declarators(statement.tokens[:-1]) or ()
        }

    def _kept_type(self, variable: _Variable) -> str:
        words = variable.first.type
        if "auto" in words or "&" in words or "&&" in words:
            raise NotUnderstoodError("a type that is not told")
        constant = "const " if "*" in words and "const" in variable.first.qualifiers else ""
        return constant + " ".join(words)

    def _declare(self, one: Declarator) -> str:
        constant = "const " if "const" in one.qualifiers else ""
        lengths = "".join(token.text for token in one.lengths)
        if one.value is None:
            return f"{constant}{' '.join(one.type)} {one.name}{lengths};"
        value = self._plain(one.value)
        if one.plain:
            return f"{constant}{' '.join(one.type)} {one.name}{lengths} = {value};"
        return f"{constant}{' '.join(one.type)} {one.name}{lengths}{{{value}}};"

    def _write_region(self, region: _Region) -> Iterator[str]:
        """Yield a loop over the threads; what the block does once comes between such loops."""
        part: list[Statement] = []
        for statement in region.statements:
            once = self._once(statement)
            if once is not None:
                yield from self._write_loop(part, region)
                part = []
                yield once
            if once is None or statement.kind == "declaration":
                part.append(statement)
        yield from self._write_loop(part, region)

    def _once(self, statement: Statement) -> str | None:
        """Return the text of what is done once for the block, None of what each thread does."""
        if statement.kind == "declaration":
            named = declarators(statement.tokens[:-1]) or []
            common = [one for one in named if self.variables[one.name].kind == "uniform"]
            lines = [self._declare(one) for one in common]
            return "\n".join(lines) if lines else None
        if statement.kind == "expression":
            for start in _assignment(statement.tokens[:-1]):
                name = next(token.text for token in statement.tokens if token.start == start)
                if name in self.variables and self.variables[name].kind == "uniform":
                    return self._slice(statement.tokens)
        if statement.kind == "if" and len(statement.children) == 1:
            (child,) = statement.children
            inner = child.children if child.kind == "block" else [child]
            ends = [part.kind for part in inner] == ["return"] and len(inner[0].tokens) == 2
            if ends and self.is_pure(statement.head) and not self.varies(statement.head):
                return self._slice(statement.tokens)
        return None

    def _write_loop(self, part: Sequence[Statement], region: _Region) -> Iterator[str]:
        if not part:
            return
        texts = []
        for statement in part:
            if statement.kind == "declaration":
                yield from self._storage(statement)
                texts.append(self._declared(statement))
            else:
                texts.append(self._slice(statement.tokens))
        tokens = [token for statement in part for token in statement.tokens]
        if not any(text.strip() for text in texts):
            return
        before, after = self._before(tokens, region.number), self._after(tokens, region.number)
        returns = any(inner.kind == "return" for one in part for inner in one.walk())
        yield "DH_THREADS {\nDH_LANE"
        if self.ends_early:
            yield "if (dh_ended[dh_t]) continue;"
        yield from before
        if returns:
            over = "dh_over = false;" if self.ends_early else ""
            if over:
                yield "bool dh_over = true;"
            yield from ("[&]() DH_INLINE {", *texts, *after, over, "}();")
            if over:
                yield "dh_ended[dh_t] = dh_over;"
        else:
            yield from (*texts, *after)
        yield "}"

    def _storage(self, statement: Statement) -> Iterator[str]:
        """Yield the arrays that keep variables for each thread."""
        for one in declarators(statement.tokens[:-1]) or ():
            variable = self.variables[one.name]
            if variable.kind == "lane" and self._is_kept(variable):
                lengths = "".join(token.text for token in one.lengths)
                if one.lengths and one.value is not None:
                    raise NotUnderstoodError("an array with values that several regions use")
                yield f"DH_KEPT({self._kept_type(variable)}, {one.name}, {lengths})"

    def _declared(self, statement: Statement) -> str:
        """Return the declarations that stay in the loop over the threads."""
        lines = []
        for one in declarators(statement.tokens[:-1]) or ():
            variable = self.variables[one.name]
            kept_array = variable.kind == "lane" and one.lengths and self._is_kept(variable)
            if variable.kind == "lane" and not kept_array:
                lines.append(self._declare(one))
        line = self.around.source.count("\n", 0, statement.tokens[0].start) + 1
        return f'\n#line {line} "kernel"\n' + " ".join(lines) + "\n" if lines else ""

    # Loops and conditions around barriers

    def _write_control(self, node: _Node, statement: Statement) -> Iterator[str]:
        head = statement.head
        bodies = [list(self._write(body)) for body in node.children]
        if node.kind == "for":
            yield from self._write_for(statement, bodies[0])
            return
        if not (self.is_pure(head) and not self.varies(head)):
            raise NotUnderstoodError("a condition that may differ from thread to thread")
        condition = self._plain(head)
        if node.kind == "do":
            yield from ("do {", *bodies[0], f"}} while ({condition});")
            return
        yield f"{node.kind} ({condition}) {{"
        yield from bodies[0]
        yield "}"
        if len(bodies) == 2:
            yield from ("else {", *bodies[1], "}")

    def _write_for(self, statement: Statement, body: list[str]) -> Iterator[str]:
        init, condition, step = split_tokens(statement.head, ";")
        named = declarators(init)
        for one in named or ():
            if self.variables[one.name].kind != "uniform":
                raise NotUnderstoodError("a loop with a barrier that counts for each thread")
        parts = [init, condition, *([] if named else [init]), step]
        for part in parts[1:]:
            for _, name in _names(part):
                variable = self.variables.get(name)
                known = variable.kind == "uniform" if variable else self._is_known(name)
                if not known or name == "threadIdx":
                    raise NotUnderstoodError("a loop with a barrier that differs between threads")
            if any(token.text in ("[", "->", "(") for token in part) and not self.is_pure(part):
                raise NotUnderstoodError("a loop with a barrier that depends on memory")
        texts = [self._plain(part) for part in (init, condition, step)]
        yield f"for ({'; '.join(texts)}) {{"
        yield from body
        yield "}"

    # Loops over the grid

    def _write_stride(self, stride: _Stride) -> Iterator[str]:
        pure = all(self.is_pure(part) for part in (stride.limit, stride.step))
        if not pure or any(self.varies(part) for part in (stride.limit, stride.step)):
            yield from self._write_loop(stride.region.statements, stride.region)
            return
        kind, name, number = stride.type, stride.name, stride.region.number
        limit, step = self._plain(stride.limit), self._plain(stride.step)
        first = self._plain(stride.first)
        start = self._before(stride.first, number)
        used = [token for token in stride.body if token.text != name]
        before, after = self._before(used, number), self._after(used, number)
        body = self._slice(stride.body)
        if stride.body[0].text != "{":
            body = f"{{{body}}}"
        skip = "if (dh_ended[dh_t]) continue;" if self.ends_early else ""
        yield f"DH_STRIDE_FIRST({kind})"
        yield from start
        yield f"DH_STRIDE_EVEN(({first}))"
        yield from start
        yield f"DH_STRIDE_ROUNDS({kind}, ({first}), ({limit}), ({step})) {skip}"
        yield from (*before, f"{{ {kind} {name} = dh_base + ({kind})dh_x; do", body, "while (0); }")
        yield from (*after, f"DH_STRIDE_REST({kind}, ({limit})) {skip}")
        yield from start
        yield f"const {kind} dh_own = "
        yield f"dh_even ? ({kind})(dh_base + ({kind})dh_x) : ({kind})({first});"
        yield from (line for line in before if line not in start)
        yield f"for ({kind} {name} = dh_own; {name} < {limit}; {name} += {step})"
        yield from (body, *after, "} } }")
