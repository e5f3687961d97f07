"""Pieces of text for a block's loops over its threads: variables that are kept for each thread.

See `host_blocks`, which writes the loops.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Sequence

from .block_reader import Variable
from .block_variables import Analysis
from .statements import Declarator, NotUnderstoodError, Statement, Token, declarators

__all__ = ["Lanes"]

_MOST_KEPT = 1024  # bytes for each thread, of which there may be as many


class Lanes(Analysis):
    """What the threads of a block keep from one loop over them to the next."""

    places = 0  # of what is kept for each thread
    # What is visible where the text ends: the constant that says how many bytes have been taken so
    # far, and the variables that have a place for each thread.
    visible: tuple[str, frozenset[str]] = ("0", frozenset())

    def slice(self, tokens: Sequence[Token]) -> str:
        """Return the source's text, with the line that it stands in."""
        if not tokens:
            return ""
        line = self.around.source.count("\n", 0, tokens[0].start) + 1
        return f'\n#line {line} "kernel"\n{self.plain(tokens)}\n'

    def plain(self, tokens: Sequence[Token]) -> str:
        """Return the source's text."""
        return self.around.source[tokens[0].start : tokens[-1].end] if tokens else ""

    def keep(self, kind: str, name: str, lengths: str) -> str:
        """Return the declaration of a place for each thread; they must all fit on a stack."""
        self.places += 1
        bytes_ = f"dh_bytes_{self.places}"
        most = f'static_assert({bytes_} <= {_MOST_KEPT}, "too large to be kept for each thread");'
        before, names = self.visible
        self.visible = bytes_, names | {name}
        count = f"constexpr unsigned long {bytes_} = {before} + sizeof({kind} {lengths});"
        return f"DH_KEPT({kind}, {name}, {lengths}) {count} {most}"

    def needed(self, tokens: Iterable[Token]) -> list[str]:
        """Return the variables that tokens mention, those first on which others depend."""
        wanted = self.words(tokens) & self.variables.keys()
        more = set(wanted)
        while more:
            name = more.pop()
            variable = self.variables[name]
            if variable.kind == "again":
                inner = self.words(variable.first.value or ())
                new = (inner & self.variables.keys()) - wanted
                wanted |= new
                more |= new
        return [name for name in self.variables if name in wanted]

    def before(self, tokens: Sequence[Token], here: Container[str] = ()) -> list[str]:
        """Return the lines that make the variables of a thread known to what follows.

        `here` are those that are declared in it.
        """
        lines = []
        for name in self.needed(tokens):
            variable = self.variables[name]
            if variable.kind == "again":
                lines.append(self.declare(variable.first))
            elif name in self.visible[1]:
                if variable.first.lengths or variable.pinned:
                    lines.append(f"auto &{name} = {name}_dh[dh_t];")
                elif name not in here:
                    lines.append(f"{self.kept_type(variable)} {name} = {name}_dh[dh_t];")
        return lines

    def after(self, tokens: Sequence[Token], here: Container[str] = ()) -> list[str]:
        """Return the lines that keep what a thread has changed."""
        starts = {token.start for token in tokens}
        lines = []
        for name in self.needed(tokens):
            variable = self.variables[name]
            if name not in self.visible[1] or variable.first.lengths or variable.pinned:
                continue
            if name in here or starts & set(self.changed.get(name, ())):
                lines.append(f"{name}_dh[dh_t] = {name};")
        return lines

    def _is_kept(self, variable: Variable) -> bool:
        return len(variable.loops) > 1

    def kept_type(self, variable: Variable) -> str:
        """Return the type of a variable's places."""
        if [token.text for token in variable.first.lengths[:2]] == ["[", "]"]:
            raise NotUnderstoodError("a length that is not told")
        words = variable.first.type
        if "&" in words or "&&" in words:
            raise NotUnderstoodError("a reference")
        if "auto" in words:
            return f"{variable.first.name}_dh_type"
        told = ("const", "volatile") if "*" in words else ()
        return " ".join([word for word in told if word in variable.first.qualifiers] + [*words])

    def declare(self, one: Declarator) -> str:
        """Return a declaration of one variable."""
        told = [word for word in ("const", "volatile") if word in one.qualifiers]
        name = f"{' '.join([*told, *one.type])} {one.name}{_text(one.lengths)}"
        if one.value is None:
            return f"{name};"
        value = self.plain(one.value)
        return f"{name} = {value};" if one.plain else f"{name}{{{value}}};"

    def storage(self, statement: Statement, known: Sequence[Statement]) -> Iterator[str]:
        """Yield the arrays that keep variables for each thread.

        `known` are the declarations that stand before this one in the same loop over the threads.
        """
        needed = [token for one in (*known, statement) for token in one.tokens]
        for one in declarators(statement.tokens[:-1]) or ():
            variable = self.variables[one.name]
            if variable.kind == "lane" and self._is_kept(variable):
                if "auto" in one.type:
                    before = " ".join(self.before(needed))
                    inner = " ".join((*map(self.declared, known), self.declare(one), one.name))
                    type_ = f"__typeof__(({{ DH_NOWHERE {before} ({{ {inner}; }}); }}))"
                    yield f"typedef {type_} {self.kept_type(variable)};"
                yield self.keep(self.kept_type(variable), one.name, _text(one.lengths))

    def declared(self, statement: Statement) -> str:
        """Return the declarations that stay in the loop over the threads."""
        lines = []
        for one in declarators(statement.tokens[:-1]) or ():
            variable = self.variables[one.name]
            if variable.kind != "lane":
                continue
            if self._is_kept(variable) and (variable.first.lengths or variable.pinned):
                if one.value is not None:  # its place is outside of the loop
                    new = f"{self.kept_type(variable)} dh_new{_text(one.lengths)}"
                    sign, value = " =" if one.plain else "", self.plain(one.value)
                    value = value if one.plain else f"{{{value}}}"
                    copy = f"__builtin_memcpy((void *)&{one.name}, &dh_new, sizeof dh_new);"
                    lines.append(f"{{ {new}{sign} {value}; {copy} }}")
            else:
                lines.append(self.declare(one))
        line = self.around.source.count("\n", 0, statement.tokens[0].start) + 1
        return f'\n#line {line} "kernel"\n' + " ".join(lines) + "\n" if lines else ""


def _text(tokens: Iterable[Token]) -> str:
    return "".join(token.text for token in tokens)
