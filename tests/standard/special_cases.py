"""The special cases of the elementwise functions, as tables.

A line is ``name: case; case ...``. A case is ``inputs -> result``. Inputs are numbers or names of
classes of numbers. In results x and y are the inputs, ``~`` says that a sign is left open.
"""

from __future__ import annotations

import itertools
import math
from typing import NamedTuple

INF, NAN = math.inf, math.nan
POS, NEG, ZERO, INFS = (0.5, 3.0), (-0.5, -3.0), (0.0, -0.0), (INF, -INF)
CLASSES = {
    "pos": POS,
    "neg": NEG,
    "nonzero": POS + NEG,
    "zero": ZERO,
    "finite": POS + NEG + ZERO,
    "infs": INFS,
    "number": POS + NEG + ZERO + INFS,
    "any": (*POS, *NEG, *ZERO, *INFS, NAN),
    "finite_or_nan": (*POS, *NEG, *ZERO, NAN),
    "gt0": (*POS, INF),
    "lt0": (*NEG, -INF),
    "not0": (*POS, *NEG, *INFS),
    "gt1": (1.5, 3.0, INF),
    "lt1": (0.5, 0.0, -0.0, -3.0, -INF),
    "lt-1": (-1.5, -3.0, -INF),
    "over": (1.5, -3.0, INF, -INF),  # magnitudes
    "under": (0.5, -0.5, 0.0, -0.0),
    "unit": (1.0, -1.0),
    "not1": (*POS, *NEG, *ZERO, *INFS, -1.0),
    "odd": (1.0, 3.0, 5.0),
    "-odd": (-1.0, -3.0),
    "even": (2.0, 0.5, 4.0, INF),  # or no integer
    "-even": (-2.0, -0.5, -INF),
    "fraction": (0.5, -2.5, 1.5),
    "whole": (2.0, -3.0, 0.0, -0.0),
    "true": (True,),
    "false": (False,),
}

ROUNDING = "infs -> x; zero -> x; nan -> nan; whole -> x"
TRIGONOMETRY = "nan -> nan; zero -> x; infs -> nan"
LOGARITHM = "nan lt0 -> nan; zero -> -inf; 1 -> 0; inf -> inf"

REAL_UNARY = f"""
abs: nan -> nan; -0 -> 0; infs -> inf; neg -> -x
acos: nan gt1 lt-1 -> nan; 1 -> 0
acosh: nan lt1 -> nan; 1 -> 0; inf -> inf
asin: nan gt1 lt-1 -> nan; zero -> x
asinh: nan -> nan; zero -> x; infs -> x
atan: nan -> nan; zero -> x; inf -> pi/2; -inf -> -pi/2
atanh: nan gt1 lt-1 -> nan; -1 -> -inf; 1 -> inf; zero -> x
ceil: {ROUNDING}; -0.5 -> -0; 0.5 -> 1
cos: nan infs -> nan; zero -> 1
cosh: nan -> nan; zero -> 1; infs -> inf
exp: nan -> nan; zero -> 1; inf -> inf; -inf -> 0
expm1: nan -> nan; zero -> x; inf -> inf; -inf -> -1
floor: {ROUNDING}; -0.5 -> -1; 0.5 -> 0
isfinite: infs nan -> false; finite -> true
isinf: infs -> true; finite nan -> false
isnan: nan -> true; number -> false
log: {LOGARITHM}
log10: {LOGARITHM}
log2: {LOGARITHM}
log1p: nan lt-1 -> nan; -1 -> -inf; zero -> x; inf -> inf
negative: nan -> nan; number -> -x
positive: nan -> nan; number -> x
reciprocal: nan -> nan; 0 -> inf; -0 -> -inf; inf -> 0; -inf -> -0; 0.5 -> 2
round: {ROUNDING}; 0.5 -> 0; -0.5 -> -0; 1.5 -> 2; 2.5 -> 2; -2.5 -> -2
sign: nan -> nan; lt0 -> -1; zero -> 0; gt0 -> 1
signbit: 0 inf pos -> false; -0 -inf neg -> true
sin: {TRIGONOMETRY}
sinh: nan -> nan; zero -> x; infs -> x
sqrt: nan lt0 -> nan; zero -> x; inf -> inf
square: nan -> nan; zero -> 0; infs -> inf; -3 -> 9
tan: {TRIGONOMETRY}
tanh: nan -> nan; zero -> x; inf -> 1; -inf -> -1
trunc: {ROUNDING}; -0.5 -> -0; 0.5 -> 0; -2.5 -> -2
"""

NANS = "nan any -> nan; any nan -> nan"
SAME_SIGN = "pos inf -> 0; neg -inf -> 0"
QUOTIENT = f"""{NANS}; infs infs -> nan; zero zero -> nan; 0 gt0 -> 0; -0 gt0 -> -0; 0 lt0 -> -0;
-0 lt0 -> 0; gt0 0 -> inf; gt0 -0 -> -inf; lt0 0 -> -inf; lt0 -0 -> inf; infs nonzero -> inf*sign;
pos infs -> 0*sign; neg infs -> 0*sign"""
COMPARED = "-0 zero -> {0}; 0 zero -> {0}; inf inf -> {0}; -inf -inf -> {0}; 3 3 -> {0}"
UNEQUAL = (
    "nan any -> {0}; any nan -> {0}; inf -inf -> {0}; -inf inf -> {0}; 3 neg -> {0}; 0 inf -> {0}"
)

REAL_BINARY = f"""
add: {NANS}; inf -inf -> nan; -inf inf -> nan; inf inf -> inf; -inf -inf -> -inf;
infs finite -> x; finite infs -> y; -0 -0 -> -0; -0 0 -> 0; 0 zero -> 0; zero nonzero -> y;
nonzero zero -> x; 3 -3 -> 0; -0.5 0.5 -> 0
atan2: {NANS}; gt0 zero -> pi/2; 0 gt0 -> 0; 0 0 -> 0; 0 -0 -> pi; 0 lt0 -> pi; -0 gt0 -> -0;
-0 0 -> -0; -0 -0 -> -pi; -0 lt0 -> -pi; lt0 zero -> -pi/2; pos inf -> 0; pos -inf -> pi;
neg inf -> -0; neg -inf -> -pi; inf finite -> pi/2; -inf finite -> -pi/2; inf inf -> pi/4;
inf -inf -> 3pi/4; -inf inf -> -pi/4; -inf -inf -> -3pi/4
copysign: number lt0 -> -|x|; number -0 -> -|x|; number 0 -> |x|; number gt0 -> |x|; nan any -> nan
divide: {QUOTIENT}
equal: {COMPARED.format("true")}; {UNEQUAL.format("false")}
floor_divide: {QUOTIENT}; 3 -0.5 -> -6; -3 2 -> -2; 3 2 -> 1; -0.5 3 -> -1
greater: nan any -> false; any nan -> false; inf finite -> true; 0 zero -> false;
finite inf -> false
greater_equal: nan any -> false; any nan -> false; inf number -> true; -0 zero -> true
hypot: infs any -> inf; any infs -> inf; zero finite -> |y|; finite zero -> |x|;
finite_or_nan nan -> nan; nan finite_or_nan -> nan
less: nan any -> false; any nan -> false; -inf finite -> true; -0 zero -> false;
finite -inf -> false
less_equal: nan any -> false; any nan -> false; -inf number -> true; 0 zero -> true
logaddexp: {NANS}; inf number -> inf; number inf -> inf
maximum: {NANS}; inf number -> inf; number -inf -> x; neg pos -> y
minimum: {NANS}; -inf number -> -inf; number inf -> x; neg pos -> x
multiply: {NANS}; infs zero -> nan; zero infs -> nan; infs not0 -> inf*sign; not0 infs -> inf*sign;
zero finite -> 0*sign; finite zero -> 0*sign
nextafter: {NANS}; -0 0 -> 0; 0 -0 -> -0; inf inf -> inf; 3 3 -> 3
not_equal: {COMPARED.format("false")}; {UNEQUAL.format("true")}
pow: not1 nan -> nan; any zero -> 1; nan not0 -> nan; over inf -> inf; over -inf -> 0;
unit infs -> 1; 1 number -> 1; under inf -> 0; under -inf -> inf; inf gt0 -> inf; inf lt0 -> 0;
-inf odd -> -inf; -inf even -> inf; -inf -odd -> -0; -inf -even -> 0; 0 gt0 -> 0; 0 lt0 -> inf;
-0 odd -> -0; -0 even -> 0; -0 -odd -> -inf; -0 -even -> inf; neg fraction -> nan
remainder: {NANS}; infs infs -> nan; zero zero -> nan; zero pos -> 0; zero neg -> -0;
not0 zero -> nan; infs nonzero -> nan; pos inf -> x; pos -inf -> y; neg inf -> y; neg -inf -> x;
3 -2 -> -1; -3 2 -> 1; 5.5 2 -> 1.5; 3 -3 -> -0
subtract: {NANS}; inf inf -> nan; -inf -inf -> nan; inf -inf -> inf; -inf inf -> -inf;
infs finite -> x; finite infs -> -y; -0 0 -> -0; -0 -0 -> 0; 0 zero -> 0; 3 3 -> 0
"""

COMPLEX = """
abs: infs any -> inf; any infs -> inf; zero finite -> |y|; finite zero -> |x|; nan finite -> nan;
finite nan -> nan; nan nan -> nan
acos: zero 0 -> pi/2 -0; zero nan -> pi/2 nan; finite inf -> pi/2 -inf; nonzero nan -> nan nan;
-inf pos -> pi -inf; inf pos -> 0 -inf; -inf inf -> 3pi/4 -inf; inf inf -> pi/4 -inf;
infs nan -> nan ~inf; nan finite -> nan nan; nan inf -> nan -inf; nan nan -> nan nan
acosh: zero 0 -> 0 pi/2; finite inf -> inf pi/2; nonzero nan -> nan nan; 0 nan -> nan ~pi/2;
-inf pos -> inf pi; inf pos -> inf 0; -inf inf -> inf 3pi/4; inf inf -> inf pi/4;
infs nan -> inf nan; nan finite -> nan nan; nan inf -> inf nan; nan nan -> nan nan
asinh: 0 0 -> 0 0; pos inf -> inf pi/2; finite nan -> nan nan; inf pos -> inf 0;
inf inf -> inf pi/4; nan 0 -> nan 0; nan nonzero -> nan nan; nan inf -> ~inf nan; nan nan -> nan nan
atanh: 0 0 -> 0 0; 0 nan -> 0 nan; 1 0 -> inf 0; pos inf -> 0 pi/2; nonzero nan -> nan nan;
inf pos -> 0 pi/2; inf inf -> 0 pi/2; inf nan -> 0 nan; nan finite -> nan nan; nan inf -> ~0 pi/2;
nan nan -> nan nan
cosh: 0 0 -> 1 0; 0 inf -> nan ~0; 0 nan -> nan ~0; nonzero inf -> nan nan; nonzero nan -> nan nan;
inf 0 -> inf 0; inf nonzero -> inf*cos inf*sin; inf inf -> ~inf nan; inf nan -> inf nan;
nan zero -> nan ~0; nan nonzero -> nan nan; nan nan -> nan nan
exp: zero 0 -> 1 0; finite inf -> nan nan; finite nan -> nan nan; inf 0 -> inf 0;
-inf finite -> 0*cos 0*sin; inf nonzero -> inf*cos inf*sin; -inf inf -> ~0 ~0; inf inf -> ~inf nan;
-inf nan -> ~0 ~0; inf nan -> ~inf nan; nan 0 -> nan 0; nan not0 -> nan nan; nan nan -> nan nan
expm1: zero 0 -> 0 0; finite inf -> nan nan; finite nan -> nan nan; inf 0 -> inf 0;
-inf finite -> -1 0*sin; inf nonzero -> inf*cos inf*sin; -inf inf -> -1 ~0; inf inf -> ~inf nan;
-inf nan -> -1 ~0; inf nan -> ~inf nan; nan 0 -> nan 0; nan not0 -> nan nan; nan nan -> nan nan
isfinite: nan any -> false; any nan -> false; infs any -> false; any infs -> false;
finite finite -> true
isinf: infs any -> true; finite_or_nan infs -> true; finite_or_nan finite_or_nan -> false
isnan: nan any -> true; any nan -> true; number number -> false
log: -0 0 -> -inf pi; 0 0 -> -inf 0; finite inf -> inf pi/2; finite nan -> nan nan;
-inf pos -> inf pi; inf pos -> inf 0; -inf inf -> inf 3pi/4; inf inf -> inf pi/4;
infs nan -> inf nan; nan finite -> nan nan; nan inf -> inf nan; nan nan -> nan nan
log1p: -1 0 -> -inf 0; finite inf -> inf pi/2; finite nan -> nan nan; -inf pos -> inf pi;
inf pos -> inf 0; -inf inf -> inf 3pi/4; inf inf -> inf pi/4; infs nan -> inf nan;
nan finite -> nan nan; nan inf -> inf nan; nan nan -> nan nan
negative: number number -> -x -y
sign: zero zero -> 0 0; nan any -> nan nan; any nan -> nan nan; 3 0 -> 1 0; 0 -3 -> 0 -1
sinh: 0 0 -> 0 0; 0 inf -> ~0 nan; 0 nan -> ~0 nan; pos inf -> nan nan; pos nan -> nan nan;
inf 0 -> inf 0; inf pos -> inf*cos inf*sin; inf inf -> ~inf nan; inf nan -> ~inf nan;
nan 0 -> nan 0; nan nonzero -> nan nan; nan nan -> nan nan
sqrt: zero 0 -> 0 0; any inf -> inf inf; finite nan -> nan nan; -inf pos -> 0 inf; inf pos -> inf 0;
-inf nan -> nan ~inf; inf nan -> inf nan; nan finite -> nan nan; nan nan -> nan nan
tanh: 0 0 -> 0 0; nonzero inf -> nan nan; 0 inf -> 0 nan; nonzero nan -> nan nan; 0 nan -> 0 nan;
inf pos -> 1 0; inf inf -> 1 ~0; inf nan -> 1 ~0; nan 0 -> nan 0; nan not0 -> nan nan;
nan nan -> nan nan
"""

# Symmetries that the standard demands besides; which tables give those of other functions.
_CONJUGATE = "acos acosh asinh atanh cosh exp expm1 log log1p sinh sqrt tanh"
CONJUGATE = _CONJUGATE.split()
ODD = ["asinh", "atanh", "sinh", "tanh"]
EVEN = ["cosh"]
TURNED = {"asin": "asinh", "atan": "atanh", "sin": "sinh", "tan": "tanh"}  # -i f(ix)


class Case(NamedTuple):
    """Inputs, results, and which results have a sign that is left open."""

    inputs: tuple[float, ...]
    results: tuple[float | bool, ...]
    open: tuple[bool, ...]


def _constant(text: str) -> float | None:
    if "pi" in text:
        factor, _, divisor = text.partition("pi")
        sign = {"": 1.0, "-": -1.0}.get(factor)
        return (float(factor) if sign is None else sign) * math.pi / float(divisor[1:] or 1)
    try:
        return float(text)
    except ValueError:
        return None


def _inputs(text: str) -> tuple[float, ...]:
    return CLASSES[text] if text in CLASSES else (float(text),)


def _result(text: str, x: float, y: float) -> float | bool:
    if text in ("true", "false"):
        return text == "true"
    if text.lstrip("-").strip("|") in ("x", "y"):
        value = x if "x" in text else y
        value = abs(value) if "|" in text else value
        return -value if text[0] == "-" else value
    size, star, angle = text.partition("*")
    if star:
        by = {"cos": math.cos, "sin": math.sin}.get(angle)
        sign = math.copysign(1, x) * math.copysign(1, y) if by is None else by(y)
        return math.copysign(float(size), sign)
    value = _constant(text)
    assert value is not None, text
    return value


def _cases(text: str, ninputs: int) -> list[Case]:
    found = []
    for case in text.split(";"):
        given, _, wanted = case.partition("->")
        results = wanted.split()
        signs = tuple(result[0] == "~" for result in results)
        results = [result.lstrip("~") for result in results]
        classes = [_inputs(token) for token in given.split()]
        groups = itertools.product(*classes) if ninputs == 2 else [(v,) for c in classes for v in c]
        for inputs in groups:
            x, y = (*inputs, inputs[0])[:2]
            found.append(Case(inputs, tuple(_result(r, x, y) for r in results), signs))
    return found


def table(text: str, ninputs: int) -> dict[str, list[Case]]:
    """Return the cases of a table by function."""
    lines: list[str] = []
    for line in text.strip().split("\n"):
        if ":" in line:
            lines.append(line)
        else:
            lines[-1] += " " + line
    pairs = [line.partition(":") for line in lines]
    return {name: _cases(cases, ninputs) for name, _, cases in pairs}


def complex_table() -> dict[str, list[Case]]:
    """Return the cases of complex functions, with those that symmetries give."""
    found = table(COMPLEX, 2)
    for name in ODD + EVEN:
        turn = -1 if name in ODD else 1
        found[name] += [
            Case((-a, -b), (turn * c, turn * d), signs) for (a, b), (c, d), signs in found[name]
        ]
    for name in CONJUGATE:
        found[name] += [Case((a, -b), (c, -d), signs) for (a, b), (c, d), signs in found[name]]
    for name, source in TURNED.items():
        found[name] = [
            Case((b, -a), (d, -c), signs[::-1]) for (a, b), (c, d), signs in found[source]
        ]
    found["cos"] = [Case((b, -a), results, signs) for (a, b), results, signs in found["cosh"]]
    for name, base in (("log2", 2.0), ("log10", 10.0)):
        found[name] = [
            Case(inputs, (c / math.log(base), d / math.log(base)), signs)
            for inputs, (c, d), signs in found["log"]
        ]
    return found
