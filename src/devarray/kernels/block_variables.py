"""What the variables of a kernel are to a block that runs all its threads; see `host_blocks`.

They are the same for all threads, can be computed anew, or are kept for each thread.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cache

from .block_reader import (
    CONTROL,
    INDICES,
    PURE,
    Node,
    Surroundings,
    Variable,
    changes,
    is_unary,
    names_in,
)
from .block_values import Values
from .host_headers import known_headers
from .statements import (
    ASSIGNMENTS,
    BUILTIN,
    NAME,
    PAIRS,
    Declarator,
    Statement,
    Token,
    assignment,
    closing,
    declarators,
    split_tokens,
    tokens_of,
)

__all__ = ["Analysis"]

_CHANGES = ASSIGNMENTS | {"++", "--"}
_VARIABLES, _ANYTHING = 1, 2  # what may be changed in brackets; all that is in those of macros
_OPENS, _CLOSES = frozenset("(,{?:=)"), frozenset("),}?:")
_CONTROL = frozenset(("if", "for", "while", "switch"))
_KEYWORDS = _CONTROL | {"return", "else", "do", "case", "sizeof"}
_VECTOR = re.compile(r"(?:u?(?:char|short|int|long|longlong)|float|double)[1-4]|dim3|half2?")


@cache
def _has_includes(source: str) -> bool:
    """Say whether a source includes files that are not read."""
    known = {start for start, _ in known_headers(source).lines}
    found = re.finditer(r"^[ \t]*#[ \t]*include", source, re.MULTILINE)
    return any(include.start() not in known for include in found)


def _range(node: Node) -> range:
    tokens = node.statement.tokens if node.statement is not None else []
    return range(tokens[0].start, tokens[-1].end) if tokens else range(0)


class Analysis(Values):
    """A kernel's structure, and its variables."""

    def __init__(
        self, head: str, parameters: Iterable[str], start: int, end: int, around: Surroundings
    ) -> None:
        super().__init__(head, parameters, start, end, around)
        self.classes = frozenset(re.findall(r"\b(?:struct|class|union)\s+(\w+)", around.masked))
        self._classify()
        self._pin()

    def _changed(self) -> dict[str, list[int]]:
        """Return where each variable, or a part of it, may be changed after its declaration."""
        found: dict[str, list[int]] = {}
        skip = self.declared_at | self.strides
        referred = {token.start for token in self._referred()}
        opened: list[int] = []  # brackets: may what they contain be changed
        for k, token in enumerate(self.tokens):
            if token.text in PAIRS:
                macro = k > 0 and self.tokens[k - 1].text in self.around.macros
                new = self._opens_changes(k) * (_ANYTHING if macro else _VARIABLES)
                opened.append(max(new, opened[-1] if opened else 0))
            elif token.text in (")", "]", "}") and opened:
                opened.pop()
            elif NAME.fullmatch(token.text) and token.start not in skip:
                if k and self.tokens[k - 1].text in (".", "->", "::"):
                    continue
                end = self._end_of_part(k)
                if (
                    changes(self.tokens, k)
                    or (end > k and changes(self.tokens, end))
                    or self._is_called(token.text, end)
                    or token.start in referred
                    or (opened and opened[-1] and self._may_bind(k, end, opened))
                ):
                    found.setdefault(token.text, []).append(token.start)
                for name in self._changed_by_macro(token.text):
                    found.setdefault(name, []).append(token.start)
        return found

    def _may_bind(self, k: int, end: int, opened: Sequence[int]) -> bool:
        """Say whether what stands in brackets is a variable, not a part of a value."""
        if self.tokens[k].text in INDICES:
            return False
        if opened[-1] == _ANYTHING:
            return True
        before, after = self.tokens[k - 1].text, self.tokens[end + 1].text
        return before in _OPENS and after in _CLOSES

    def _is_called(self, name: str, end: int) -> bool:
        """Say whether a method or operator of an object may change it."""
        if end + 1 < len(self.tokens) and self.tokens[end + 1].text == "(":
            return name in self.variables or name in self.parameters
        kind = self.variables[name].first.type[0] if name in self.variables else ""
        return kind in self.classes and bool(re.search(r"\boperator\b", self.around.masked))

    def _opens_changes(self, k: int) -> bool:
        """Say whether what is in brackets may be changed: by a function, or as a whole."""
        sign, before = self.tokens[k].text, self.tokens[k - 1].text if k else ""
        named = NAME.fullmatch(before) is not None and before not in _KEYWORDS
        if sign == "{":
            array = before == "=" and self.tokens[k - 2].text == "]"
            object_ = named or before in ("=", "return", ",", "(")
            return bool(self.classes) and object_ and not array
        if sign == "[" or before in _CONTROL:
            return False
        if named:
            return self._takes_references(k - 1)
        if before == ">" and self._takes_references(self._before_template(k - 1)):
            return True
        if before == "*" and is_unary(self.tokens, k - 1):
            return False
        end = self._end_of_part(closing(self.tokens, k) - 1)
        after = self.tokens[end + 1].text if end + 1 < len(self.tokens) else ""
        signs = ("++", "--")
        if after in ASSIGNMENTS or after in signs or before in signs:
            return True
        return before == "&" and is_unary(self.tokens, k - 1)

    def _before_template(self, k: int) -> int:
        """Return the place of the name before ``<...>``, whose end is at a place."""
        depth = 0
        while k > 0:
            depth += (self.tokens[k].text == ">") - (self.tokens[k].text == "<")
            k -= 1
            if depth == 0 or self.tokens[k].text == ";":
                break
        return k

    def _takes_references(self, k: int) -> bool:
        """Say whether what is called at a place may change its arguments."""
        name = self.tokens[k].text
        if k and self.tokens[k - 1].text in (".", "->", "::"):
            return True
        if name in self.around.macros:
            return self._macro_changes(name)
        own = name in self.variables or name in self.parameters or name in self.classes
        unknown = _has_includes(self.around.source) and name not in PURE and name[:2] != "__"
        return own or unknown or name in self.around.by_reference

    def _macro_changes(self, name: str) -> bool:
        tokens = self.macro_tokens(name)
        words = {token.text for token in tokens}
        if words & _CHANGES or words & self.around.by_reference:
            return True
        return any(t.text == "&" and is_unary(tokens, k) for k, t in enumerate(tokens))

    def _changed_by_macro(self, name: str) -> set[str]:
        """Return the names that a macro may change, besides its arguments."""
        if name not in self.around.macros or not self._macro_changes(name):
            return set()
        return {token.text for token in self.macro_tokens(name) if NAME.fullmatch(token.text)}

    def _end_of_part(self, k: int) -> int:
        """Return the place of the last token of ``x.y`` or ``x[...]``, where x is no pointer."""
        variable = self.variables.get(self.tokens[k].text)
        indexed = variable is not None and "*" not in variable.first.type
        end = k
        while end + 2 < len(self.tokens):
            after = self.tokens[end + 1].text
            if after == ".":
                end += 2
            elif after == "[" and (indexed or end > k):
                end = closing(self.tokens, end + 1) - 1
            else:
                break
        return end

    def _referred(self) -> Iterator[Token]:
        """Yield the names that references are made to."""
        for statement in self.statements:
            for inner in statement.walk():
                if inner.kind == "declaration":
                    for one in declarators(inner.tokens[:-1]) or ():
                        if "&" in one.type or "&&" in one.type:
                            yield from one.value or ()

    def _take_parameters(self, changed: Iterable[str]) -> None:
        """Make variables of the parameters that change: each thread has its own."""
        for name in changed:
            if name in self.parameters:
                kind = (f"DH_TYPE({name})",)
                one = Declarator(name, kind, frozenset(), [], None, True)
                self.variables[name] = Variable([one], loops={-2, -1})

    def _take_only_values(self, changed: dict[str, list[int]]) -> None:
        """Give a variable the only value that it ever gets from the start, if all threads know it.

        Threads that do not set it may not read it; some programs do, and compilers are kind.
        """
        for statement in (inner for one in self.statements for inner in one.walk()):
            words = [token.text for token in statement.tokens[:2]]
            variable = self.variables.get(words[0])
            if statement.kind != "expression" or words[1:] != ["="] or variable is None:
                continue
            only = changed.get(words[0]) == [statement.tokens[0].start]
            value = statement.tokens[2:-1]
            known = value[1:] if value[0].text == "&" else value
            told = len(variable.declared) > 1 or variable.first.value or variable.first.lengths
            if only and not told and self.is_pure(known) and not self.varies(known):
                variable.declared = [replace(variable.first, value=value)]
                variable.kind, variable.varies = "again", False
                del changed[words[0]]

    def _classify(self) -> None:
        changed = self.changed = self._changed()
        self._take_parameters(changed)
        self.steering = self._steering()
        self.constants |= self.parameters - changed.keys()
        self._take_only_values(changed)
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
            elif node.statement is not None and node.kind in CONTROL:
                for part in (-1, -2):
                    self._mention(node.statement.head, part)

    def _mention(self, tokens: Sequence[Token], number: int) -> None:
        for name in self.words(tokens) & self.variables.keys():
            self.variables[name].loops.add(number)

    def _pin(self) -> None:
        """Give those variables a place for good that pointers of a later loop may point to."""
        lanes = [variable for variable in self.variables.values() if variable.kind == "lane"]
        if not any(self._may_point(variable) for variable in lanes if len(variable.loops) > 1):
            return
        for k, name in names_in(self.tokens):
            variable = self.variables.get(name)
            if variable is None or variable.kind != "lane" or "&" in variable.first.type:
                continue
            end = self._end_of_part(k)
            array = bool(variable.first.lengths) and end == k
            before = self.tokens[k - 1].text if k else ""
            referred = before == "&" and is_unary(self.tokens, k - 1)
            if (array and self.tokens[k].start not in self.declared_at) or referred:
                variable.pinned = True
                variable.loops |= {-2, -1}

    def _may_point(self, variable: Variable) -> bool:
        kind = variable.first.type
        named = any(NAME.fullmatch(word) and word not in BUILTIN for word in kind)
        return "*" in kind or (named and not _VECTOR.fullmatch(kind[0]))

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
            if not ends or not self.is_pure(statement.head) or self.varies(statement.head):
                return False
            start = statement.tokens[0].start
            return not any(start in _range(n) and self.parts(n) for n in self.walk(self.nodes))
        return False

    def _classify_constant(self, variable: Variable) -> None:
        """Say what a variable is that keeps its first value."""
        one = variable.first
        simple = one.plain and not one.lengths and "&" not in one.type
        if len(variable.declared) > 1 or not one.value or not simple:
            return
        steers = one.name in self.steering
        if steers and self.is_pure(one.value, memory=True) and not self.varies(one.value):
            variable.kind, variable.varies = "uniform", False
        if not self.is_pure(one.value):
            return
        if not self.varies(one.value):
            variable.kind, variable.varies = "uniform", False
        elif not self._may_change(one.value) and not self._may_trap(one.value):
            variable.kind = "again"

    def _may_trap(self, tokens: Sequence[Token]) -> bool:
        """Say whether threads may have ended to avoid computing a value."""
        place = tokens[0].start
        returns = any(
            token.start < place and "return" in self.words([token]) for token in self.tokens
        )
        return returns and self.is_unsafe(tokens)

    def returns(self, statement: Statement) -> bool:
        """Say whether a thread may end in a statement."""
        return "return" in self.words(statement.tokens)

    def _may_change(self, tokens: Sequence[Token]) -> bool:
        """Say whether a value is made of anything that may change later."""
        names = {name for _, name in names_in(tokens)}
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
            wrong = {name for name in found if self._is_parted(name, changed[name])}
            for name in found - wrong:
                values = [d.value for d in self.variables[name].declared if d.value]
                values += [places[start] for start in changed[name]]
                memory = name in self.steering
                if not all(self.is_pure(v, (), memory) and not self.varies(v) for v in values):
                    wrong.add(name)
            for name in wrong:
                self.variables[name].kind, self.variables[name].varies = "lane", True
            if not wrong:
                return
            found -= wrong

    # Where threads part

    def parts(self, node: Node) -> bool:
        """Say whether threads may part at a condition or loop that has a step inside."""
        statement = node.statement
        if statement is None or node.kind not in CONTROL:
            return False
        if node.kind == "for":
            common = self._is_common_for(statement)
        else:
            common = self.is_pure(statement.head, memory=True) and not self.varies(statement.head)
        return not common or (node.kind != "if" and any(map(self._jumps_apart, node.children)))

    def _jumps_apart(self, nodes: Sequence[Node], parted: bool = False) -> bool:
        """Say whether some threads may leave a loop, or a round of it, before others."""
        for node in nodes:
            if node.kind == "jump" and parted:
                return True
            if node.kind in ("if", "block"):
                apart = parted or self.parts(node)
                if any(self._jumps_apart(part, apart) for part in node.children):
                    return True
        return False

    def _is_common_for(self, statement: Statement) -> bool:
        init, condition, step = split_tokens(statement.head, ";")
        named = declarators(init)
        if any(self.variables[one.name].kind != "uniform" for one in named or ()):
            return False
        parts = [condition, *([] if named else [init]), step]
        for part in parts:
            for _, name in names_in(part):
                variable = self.variables.get(name)
                known = variable.kind == "uniform" if variable else self._is_known(name)
                if not known or name == "threadIdx":
                    return False
            memory = any(token.text in ("[", "->", "(") for token in part)
            if (part is condition or memory) and not self.is_pure(part, memory=part is condition):
                return False
        return True

    def _is_parted(self, name: str, places: Iterable[int]) -> bool:
        """Say whether a variable may be changed for some threads only, since it was declared."""
        declared = {t.start for t in self.tokens if t.text == name and t.start in self.declared_at}
        for node in self.walk(self.nodes):
            inside = _range(node)
            new = any(place in inside for place in declared)
            if not new and any(place in inside for place in places) and self.parts(node):
                return True
        return False

    def _steering(self) -> set[str]:
        """Return the variables on which loops and conditions with barriers depend.

        For a barrier that all threads of a block reach, they are the same for all, though they may
        come from memory: then nothing writes there that is not on the other side of a barrier.
        """
        found: set[str] = set()
        for node in self.walk(self.nodes):
            if node.stride is not None:
                found |= self.words([*node.stride.limit, *node.stride.step])
            elif node.statement is not None and node.kind in CONTROL:
                found |= self.words(node.statement.head)
        known = -1
        while known < (known := len(found)):
            for name in found & self.variables.keys():
                for one in self.variables[name].declared:
                    found |= self.words(one.value or ())
        return found
