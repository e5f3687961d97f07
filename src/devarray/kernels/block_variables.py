"""What the variables of a kernel are to a block that runs all its threads; see `host_blocks`.

They are the same for all threads, can be computed anew, or are kept for each thread.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Sequence

from .block_reader import PURE, Reader, Surroundings, Variable, changes, is_unary, names_in
from .statements import (
    ASSIGNMENTS,
    NAME,
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

_IMPURE = ("[", "->", "{", "++", "--", "::")


class Analysis(Reader):
    """A kernel's structure, and its variables."""

    def __init__(
        self, head: str, parameters: Iterable[str], start: int, end: int, around: Surroundings
    ) -> None:
        super().__init__(head, parameters, start, end, around)
        self._classify()

    def _changed(self) -> dict[str, list[int]]:
        """Return where each variable, or a part of it, may be changed after its declaration."""
        found: dict[str, list[int]] = {}
        skip = self.declared_at | self.strides
        referred = {token.start for token in self._referred()}
        opened: list[bool] = []  # parentheses: are they those of a function with references
        for k, token in enumerate(self.tokens):
            if token.text == "(":
                called = k > 0 and self.tokens[k - 1].text in self.around.by_reference
                opened.append(called or bool(opened and opened[-1]))
            elif token.text == ")" and opened:
                opened.pop()
            elif NAME.fullmatch(token.text) and token.start not in skip:
                if k and self.tokens[k - 1].text in (".", "->", "::"):
                    continue
                end = self._end_of_part(k)
                if (
                    changes(self.tokens, k)
                    or (end > k and changes(self.tokens, end))
                    or token.start in referred
                    or (opened and opened[-1])
                ):
                    found.setdefault(token.text, []).append(token.start)
        return found

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
                kind = (f"decltype({name})",)
                one = Declarator(name, kind, frozenset(), [], None, True)
                self.variables[name] = Variable([one], loops={-2, -1})

    def _classify(self) -> None:
        changed = self.changed = self._changed()
        self._take_parameters(changed)
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
            if text in ("*", "&") and is_unary(tokens, k):
                return False
        for k, name in names_in(tokens):
            called = k + 1 < len(tokens) and tokens[k + 1].text == "("
            if called and name not in PURE and name not in self.around.macros:
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
