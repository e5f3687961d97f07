"""Operators and ufuncs as user code writes them: operands, keywords, methods, errors."""

from __future__ import annotations

import operator
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import devarray as da
from agreement import agree, assert_same, device, host, outcome

Body = Callable[..., Any]
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")

I4 = np.array([[7, -3, 0], [5, 2, -9]], "i4")
U1 = np.array([0, 1, 200, 255], "u1")
F4 = np.array([[1.5, -2.25, 0.0], [np.inf, -0.0, np.nan]], "f4")
F8 = np.array([[0.5, 2.0, -1.0], [3.25, -4.0, 8.0]])
C8 = np.array([1 + 2j, -3j, 0.5], "c8")
B1 = np.array([True, False, True])
LINE = np.arange(1.0, 7.0)
CUBE = np.arange(24.0).reshape(2, 3, 4)

BINARY = [
    operator.add, operator.sub, operator.mul, operator.truediv, operator.floordiv, operator.mod,
    operator.lt, operator.le, operator.eq, operator.ne, operator.gt, operator.ge,
]  # fmt: skip
BITS = [operator.and_, operator.or_, operator.xor, operator.lshift, operator.rshift]


# ---- operators
@pytest.mark.parametrize("f", BINARY, ids=lambda f: f.__name__)
def test_arithmetic_operators(f: Body) -> None:
    scalars = [3, -2, 2.5, True, np.float32(1.5), np.int8(4), np.array(2.0)]
    # `//` of infinities is the standard's: tests/standard, test_rows.py
    floats = F4 if f is not operator.floordiv else np.where(np.isinf(F4), F4.dtype.type(9), F4)
    for x in (I4, floats):
        agree(lambda xp, a: [f(a, a), [f(a, s) for s in scalars], [f(s, a) for s in scalars]], x)
    agree(lambda xp, a, b: [f(a, b), f(b, a)], I4, F8)


@pytest.mark.parametrize("f", BITS, ids=lambda f: f.__name__)
def test_bit_operators(f: Body) -> None:
    agree(lambda xp, a: [f(a, abs(a)), f(a, 1), f(3, a), f(a, np.int64(2))], I4)
    agree(lambda xp, a: [f(a, ~a), f(a, True), f(True, a)], B1)
    agree(lambda xp, a: f(a, 1.5), I4)
    agree(lambda xp, a: f(a, a), F8)


@pytest.mark.parametrize("x", [I4, F4, C8, B1, U1], ids=lambda x: x.dtype.name)
@pytest.mark.parametrize("f", [operator.neg, operator.pos, abs, operator.invert])
def test_unary_operators(f: Body, x: Any) -> None:
    agree(lambda xp, a: f(a), x, rtol=1e-6 if x.dtype.kind == "c" else 0)


@pytest.mark.parametrize(
    "p", [0, 1, 2, 3, -1, 0.5, 1.0, 2.0, -1.0, -2, 1j, True, np.int64(2)], ids=repr
)
@pytest.mark.parametrize("x", [I4, F8, C8, U1, B1], ids=lambda x: x.dtype.name)
def test_power_operator(x: Any, p: Any) -> None:
    agree(lambda xp, a: a**p, x, rtol=1e-5)


@pytest.mark.parametrize("p", [2, 0.5, -1, 3, 2.0, -1.0, -2, 1.5], ids=repr)
@pytest.mark.parametrize("x", [I4, F8], ids=lambda x: x.dtype.name)
def test_power_in_place(x: Any, p: Any) -> None:
    def body(xp: Any, a: Any) -> Any:
        a **= p
        return a

    agree(body, x, rtol=1e-12)


def test_reflected_power() -> None:
    agree(lambda xp, a: [2**a, 2.5**a, np.float32(2) ** a], np.arange(4), rtol=1e-6)
    agree(lambda xp, a: 2**a, I4)
    agree(lambda xp, a: 2 ** (-a), np.arange(3))
    agree(lambda xp, a: pow(a, 2, 3), np.arange(3), words=False)


def test_integers_to_negative_powers() -> None:
    agree(lambda xp, a, b: a**b, np.arange(1, 4), np.array([1, -1, 2]))
    agree(lambda xp, a: a**-2, np.arange(1, 4))
    agree(lambda xp, a: a ** np.int8(-1), U1)
    agree(lambda xp, a, b: a**b, np.arange(1.0, 4), np.array([1, -1, 2]), rtol=1e-15)
    agree(lambda xp, a, b: xp.power(a, b), np.arange(0), np.arange(0) - 1)


def test_divmod() -> None:
    agree(lambda xp, a: [divmod(a, 3), divmod(10, a), divmod(a, a[0])], I4)
    agree(lambda xp, a: [divmod(a, 1.5), xp.divmod(a, -0.75)], F8)
    agree(lambda xp, a: divmod(a, a), C8)


def test_matmul() -> None:
    agree(lambda xp, a, b: [a @ b, b @ a], F8, np.ones((3, 2)), rtol=1e-14)
    agree(lambda xp, a: a @ a, F8)


INPLACE = [
    operator.iadd, operator.isub, operator.imul, operator.itruediv, operator.ifloordiv,
    operator.imod, operator.iand, operator.ilshift, operator.ixor,
]  # fmt: skip


@pytest.mark.parametrize("f", INPLACE, ids=lambda f: f.__name__)
@pytest.mark.parametrize("x", [np.arange(6), np.arange(6.0), B1, U1], ids=lambda x: x.dtype.name)
def test_in_place(f: Body, x: Any) -> None:
    for value in (2, 1.5, 1j, True, 300, np.float64(2), np.uint8(3)):
        agree(lambda xp, a, v=value: f(a, v), x)
    agree(lambda xp, a: f(a, a), x)


def test_in_place_on_views() -> None:
    def body(xp: Any, a: Any) -> Any:
        a[1:] += a[:-1]
        a[::-1] *= 2
        a[::2] -= a[1::2]
        a += a[::-1]
        a[...] /= 4
        return a

    agree(body, LINE)

    def transposed(xp: Any, a: Any) -> Any:
        a += a.T
        a.T[0] *= 10
        a[:, ::-1] -= a[0]
        return a

    agree(transposed, np.arange(9.0).reshape(3, 3))


def test_in_place_does_not_broadcast_the_target() -> None:
    agree(lambda xp, a, b: operator.iadd(a, b), np.ones(3), np.ones((2, 3)))
    agree(lambda xp, a, b: operator.iadd(a, b), np.ones((1, 3)), np.ones((2, 3)))
    agree(lambda xp, a, b: operator.iadd(a, b), np.ones((2, 3)), np.ones(2))


def test_read_only() -> None:
    def body(xp: Any, a: Any) -> Any:
        b = xp.broadcast_to(a, (2, 3))
        b += 1

    agree(body, np.ones(3))
    agree(lambda xp, a: xp.add(a, 1, out=xp.broadcast_to(a, (2, 3))), np.ones(3))
    agree(lambda xp, a: xp.add.reduce(a, 0, out=xp.broadcast_to(a[0], (3,))), np.ones((2, 3)))


# ---- weak scalars (NEP 50)
WEAK: dict[str, tuple[Body, Any]] = {
    "u1+300": (lambda xp, a: a + 300, U1),
    "300+u1": (lambda xp, a: 300 + a, U1),
    "u1-1": (lambda xp, a: a - 1, U1),
    "u1+-1": (lambda xp, a: a + -1, U1),
    "u1*256": (lambda xp, a: xp.multiply(a, 256), U1),
    "u1<300": (lambda xp, a: [a < 300, a <= 300, a > 300, a >= -1, a == 300, a != 300], U1),
    "300>u1": (lambda xp, a: [a < 300, a > -5, a == 300], U1),
    "i4<2**40": (lambda xp, a: [a < 2**40, a > -(2**40), a == 2**70], I4),
    "i4+2**40": (lambda xp, a: a + 2**40, I4),
    "f8+2**70": (lambda xp, a: a + 2**70, F8),
    "f8<2**2000": (lambda xp, a: a < 2**2000, F8),
    "f4*1e300": (lambda xp, a: a * 1e300, F4),
    "f4<1e300": (lambda xp, a: [a < 1e300, a == 0.1, a >= -1e300], F4),
    "f4*2": (lambda xp, a: [a * 2, a / 3, 2 - a, a * True], F4),
    "f4*np.float64": (lambda xp, a: [np.float64(2) * a, a * np.float64(2)], F4),
    "f4*np.float16": (lambda xp, a: [np.float16(2) * a, a + np.int64(2), a + np.int16(1)], F4),
    "f4*0-d": (lambda xp, a: a * np.array(2.0), F4),
    "f4*1j": (lambda xp, a: [a + 1j, 1j - a], np.ones(2, "f4")),
    "f2+70000": (lambda xp, a: [a + 70000, a * 1e-8], np.ones(2, "f2")),
    "bool+1": (lambda xp, a: [a + 1, a * 2.5, a + True, True - ~a if False else a | True], B1),
    "bool-bool": (lambda xp, a: a - a, B1),
    "bool-1": (lambda xp, a: [a - 1, 1 - a], B1),
    "-bool": (lambda xp, a: -a, B1),
    "i8+1.0": (lambda xp, a: [a + 1.0, a / 2, a + 1j], np.arange(3)),
    "i1/i1": (lambda xp, a: [a / a, a / 2, xp.sqrt(a)], np.ones(2, "i1")),
    "i8,u8": (lambda xp, a: [a + a.astype("u8"), a < a.astype("u8")], np.arange(-1, 3)),
    "u8 of a big int": (lambda xp, a: [a + (2**64 - 1), a < 2**64], np.arange(3, dtype="u8")),
    "maximum(u1,300)": (lambda xp, a: xp.maximum(a, 300), U1),
    "u1<<9": (lambda xp, a: [a << 9, a >> 9, a << 2], U1),
    "u1&-1": (lambda xp, a: a & -1, U1),
    "int subclass": (lambda xp, a: a + _Number(2), U1),
    "shift by negative": (lambda xp, a: [a << -1, a >> -1], np.arange(4)),
}


class _Number(int):
    pass


@pytest.mark.parametrize("name", WEAK)
def test_weak_scalars(name: str) -> None:
    body, x = WEAK[name]
    agree(body, x)


@pytest.mark.parametrize("f", [np.add, np.multiply, np.less, np.maximum, np.divide])
def test_promotion_of_all_pairs(f: Any) -> None:
    """Result dtypes only: the values are the row tests' business."""
    dtypes = ["?", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", "c8", "c16"]
    arrays = [(np.ones(2, d), da.ones(2, d)) for d in dtypes]
    for host_a, a in arrays:
        for host_b, b in arrays:
            assert f(a, b).dtype == f(host_a, host_b).dtype
            assert f(a, host_b[0]).dtype == f(host_a, host_b[0]).dtype
            assert f(host_b[0], a).dtype == f(host_b[0], host_a).dtype


def test_mixed_dtypes_in_one_kernel() -> None:
    def body(xp: Any, a: Any, b: Any, c: Any) -> Any:
        return (a + b) * c - (b > c) + xp.where(a > 2, b, c)

    with da.config(oracle_limit=0):
        agree(body, np.arange(6, dtype="u1"), np.arange(6, dtype="f4") / 3, np.arange(6)[::-1])


# ---- keywords
def _zeros(xp: Any, shape: Any, dtype: Any = "f8") -> Any:
    return da.zeros(shape, dtype) if not _is_numpy(xp) else np.zeros(shape, dtype)


def _is_numpy(xp: Any) -> bool:
    return xp is np


KEYWORDS: dict[str, Body] = {
    "out": lambda xp, a, r: [xp.add(a, 1, out=r), r],
    "out in a tuple": lambda xp, a, r: [xp.add(a, 1, out=(r,)), r],
    "out by position": lambda xp, a, r: [xp.add(a, 1, r), r],
    "out of a unary by position": lambda xp, a, r: [xp.negative(a, r), r],
    "out is the result": lambda xp, a, r: xp.add(a, 1, out=r) is r,
    "out is None": lambda xp, a, r: [xp.add(a, 1, out=None), xp.add(a, 1, None)],
    "out twice": lambda xp, a, r: xp.add(a, 1, r, out=r),
    "out in too long a tuple": lambda xp, a, r: xp.add(a, 1, out=(r, r)),
    "out in an empty tuple": lambda xp, a, r: xp.add(a, 1, out=()),
    "out is no array": lambda xp, a, r: xp.add(a, 1, out=3),
    "out in a list": lambda xp, a, r: xp.add(a, 1, out=[r]),
    "out of a wrong shape": lambda xp, a, r: xp.add(a, 1, out=r[:2]),
    "out too small": lambda xp, a, r: xp.add(a, 1, out=r[:1]),
    "out larger": lambda xp, a, r: xp.add(a[:1], 1, out=r),
    "out with more axes": lambda xp, a, r: [xp.add(a, 1, out=r.reshape(1, 6)), r],
    "out overlaps": lambda xp, a, r: [xp.add(a[:-1], a[1:], out=a[1:]), a],
    "out overlaps before": lambda xp, a, r: [xp.multiply(a[1:], 2, out=a[:-1]), a],
    "out reversed": lambda xp, a, r: [xp.add(a, 0, out=a[::-1]), a],
    "out is the operand": lambda xp, a, r: [xp.multiply(a, a, out=a), a],
    "where": lambda xp, a, r: [xp.add(a, 1, out=r, where=a > 3), r],
    "where a scalar": lambda xp, a, r: [
        xp.add(a, 1, out=r, where=True),
        xp.add(a, 2, out=r, where=False),
        r,
    ],
    "where by another array": lambda xp, a, r: [xp.sqrt(a, out=r, where=a % 2 == 0), r],
    "where of a wrong dtype": lambda xp, a, r: xp.add(a, 1, out=r, where=a),
    "where of ints": lambda xp, a, r: xp.add(a, 1, out=r, where=1),
    "where of a wrong shape": lambda xp, a, r: xp.add(a, 1, out=r, where=(a > 3)[:4]),
    "where broadcasts": lambda xp, a, r: xp.add(a, 1, out=r, where=(a > 0)[:1]),
    "where has more axes": lambda xp, a, r: xp.add(
        a[:3], 1, out=r.reshape(2, 3), where=(a > 3).reshape(2, 3)
    ),
    "where makes out too small": lambda xp, a, r: xp.add(
        a[:3], 1, out=r[:3], where=(a > 3).reshape(2, 3)
    ),
    "where reads out": lambda xp, a, r: [xp.add(a, 10, out=a, where=a > 3), a],
    "dtype": lambda xp, a, r: [xp.add(a, 1, dtype="f4"), xp.add(a, 1, dtype=np.complex64)],
    "dtype of a comparison": lambda xp, a, r: xp.less(a, 1, dtype="f4"),
    "dtype of a comparison, bool": lambda xp, a, r: xp.less(a, 1, dtype=bool),
    "dtype int": lambda xp, a, r: xp.add(a, 1, dtype=int),
    "dtype int, unsafe": lambda xp, a, r: xp.add(a, 1.5, dtype=int, casting="unsafe"),
    "dtype, out": lambda xp, a, r: [xp.add(a, 1, dtype="f4", out=r), r],
    "dtype unknown": lambda xp, a, r: xp.add(a, 1, dtype="nonsense"),
    "dtype has no loop": lambda xp, a, r: xp.sin(a, dtype="i4"),
    "casting no": lambda xp, a, r: xp.add(a, a.astype("f4"), casting="no"),
    "casting equiv": lambda xp, a, r: xp.add(a, a, casting="equiv"),
    "casting safe": lambda xp, a, r: xp.add(a.astype("f4"), a, casting="safe"),
    "casting wrong": lambda xp, a, r: xp.add(a, a, casting="nonsense"),
    "casting to out": lambda xp, a, r: xp.add(a, 1, out=a.astype("i4")),
    "casting to out, unsafe": lambda xp, a, r: xp.add(a, 1.5, out=a.astype("i4"), casting="unsafe"),
    "casting to out, safe": lambda xp, a, r: xp.add(a, 1, out=a.astype("f4"), casting="safe"),
    "casting to out, narrower": lambda xp, a, r: xp.add(a, 0.1, out=a.astype("f4")),
    "casting of a comparison to out": lambda xp, a, r: [xp.less(a, 3, out=r), r],
    "casting to a bool out": lambda xp, a, r: xp.add(a, 1, out=a > 0),
    "signature": lambda xp, a, r: xp.add(a, 1, signature="ff->f", casting="same_kind"),
    "signature, tuple": lambda xp, a, r: xp.add(a, 1, signature=(None, None, np.float32)),
    "signature, one": lambda xp, a, r: xp.add(a, 1, sig=np.float32),
    "signature unknown": lambda xp, a, r: xp.add(a, 1, signature="ee->l"),
    "signature of wrong length": lambda xp, a, r: xp.add(a, 1, signature="f->f"),
    "signature and dtype": lambda xp, a, r: xp.add(a, 1, signature="ff->f", dtype="f4"),
    "order": lambda xp, a, r: xp.add(a, 1, order="F"),
    "order wrong": lambda xp, a, r: xp.add(a, 1, order="Q"),
    "subok": lambda xp, a, r: xp.add(a, 1, subok=False),
    "unknown": lambda xp, a, r: xp.add(a, 1, nonsense=3),
    "unknown axis": lambda xp, a, r: xp.add(a, 1, axis=0),
    "keepdims": lambda xp, a, r: xp.add(a, 1, keepdims=True),
    "too few": lambda xp, a, r: xp.add(a),
    "too many": lambda xp, a, r: xp.add(a, 1, r, r),
    "too few of a unary": lambda xp, a, r: xp.negative(),
}


@pytest.mark.parametrize("name", KEYWORDS)
def test_keywords(name: str) -> None:
    agree(KEYWORDS[name], LINE, np.zeros(6))


def test_where_leaves_out_untouched_in_a_kernel() -> None:
    def body(xp: Any, a: Any, r: Any) -> Any:
        xp.divide(1.0, a, out=r, where=a != 0)
        xp.add(r, 1, out=r, where=(a > 2)[::-1])
        xp.less(a, 3, out=r, where=a > 4)
        return r

    with da.config(oracle_limit=0):
        agree(body, np.array([0.0, 2, 4, 0, 8, 5]), np.full(6, -1.0))
        agree(body, np.array([[0.0, 2, 4], [0, 8, 5]])[:, ::-1], np.full((2, 3), -1.0))


def test_several_outputs() -> None:
    agree(lambda xp, a: [xp.modf(a), xp.frexp(a)], F4)
    agree(
        lambda xp, a, r, s: [xp.modf(a, out=(r, s)), r, s], F8, np.zeros((2, 3)), np.zeros((2, 3))
    )
    agree(lambda xp, a, r: [xp.modf(a, out=(None, r)), r], F8, np.zeros((2, 3)))
    agree(lambda xp, a, r: [xp.modf(a, r), r], F8, np.zeros((2, 3)))
    agree(lambda xp, a, r: xp.modf(a, out=r), F8, np.zeros((2, 3)))
    agree(lambda xp, a, r: xp.modf(a, out=(r,)), F8, np.zeros((2, 3)))
    agree(lambda xp, a, r: xp.modf(a, where=a > 0, out=(r, r.copy())), F8, np.zeros((2, 3)))
    agree(lambda xp, a: [xp.divmod(a, 2), xp.frexp(a[:, ::2])], F8)
    agree(lambda xp, a: xp.modf(a, out=(a, xp.copy(a))), F8)
    agree(lambda xp, a, e: xp.frexp(a, out=(None, e)), F8, np.zeros((2, 3), "i1"))


# ---- layouts
LAYOUTS: dict[str, Body] = {
    "contiguous": lambda x: x,
    "transposed": lambda x: x.T,
    "axes moved": lambda x: x.transpose(1, 0, 2),
    "step": lambda x: x[:, ::2, 1::2],
    "reversed": lambda x: x[::-1, :, ::-1],
    "line of a cube": lambda x: x[1, :, 2],
    "new axes": lambda x: x[:, None, 1:2, None],
    "one element": lambda x: x[1:2, 1:2, 1:2],
    "scalar": lambda x: x[1, 1, 1],
    "empty": lambda x: x[:, 2:2],
    "empty, transposed": lambda x: x[:, :0].T,
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_layouts(name: str) -> None:
    view = LAYOUTS[name]

    def body(xp: Any, x: Any) -> Any:
        a = view(x)
        b = a * 2 + 1
        c = xp.maximum(a, b.T.T) - a
        d = a < 5
        a -= 1
        return [b, c, d, x]

    with da.config(oracle_limit=0):
        agree(body, CUBE)


def test_broadcasting() -> None:
    def body(xp: Any, a: Any, b: Any) -> Any:
        row, column = a[0], a[:, :1]
        spread = xp.broadcast_to(b, (4, 2, 3))
        return [a + row, a * column, row + column, row[:, None] - row, spread + a, a[None] - b]

    with da.config(oracle_limit=0):
        agree(body, F8, np.arange(3.0))
        agree(body, np.asfortranarray(F8), np.arange(6.0)[::-2])
    agree(lambda xp, a, b: a + b, np.ones((2, 3)), np.ones(2))
    agree(lambda xp, a, b: a + b, np.ones((2, 0)), np.ones((2, 1)))
    agree(lambda xp, a, b: a + b, np.ones((2, 0)), np.ones((2, 2)))
    agree(lambda xp, a, b: xp.less(a, b), np.ones((4, 3)), np.ones((3, 4)))


def test_zero_dimensions() -> None:
    agree(lambda xp, a: [a + 1, a * a, -a, xp.sqrt(a), a > 1, a[()] + 1, a[...] + 1], np.array(4.0))
    agree(lambda xp, a: operator.iadd(a, 1), np.array(4.0))
    agree(lambda xp, a, b: [a + b, b + a], np.array(4), np.ones(2, "f4"))
    agree(lambda xp, a, b: [a + b, b + a], np.array(4.0), np.ones(2, "f4"))
    agree(lambda xp, a: xp.add(a, 1, out=xp.empty_like(a)), np.array(4.0))


def test_many_axes() -> None:
    x = np.arange(2.0**12).reshape((2,) * 12)
    agree(lambda xp, a: [a.T + a, a[::-1] * 2, xp.broadcast_to(a[0, 0], a.shape) - a], x)


# ---- foreign operands
class Mine:
    """A class with its own say in operations."""

    __array_ufunc__ = None

    def __add__(self, other: Any) -> str:
        return "mine"

    __radd__ = __lt__ = __gt__ = __iadd__ = __add__


class Protocol:
    def __array_ufunc__(self, ufunc: Any, method: str, *args: Any, **options: Any) -> Any:
        return (ufunc.__name__, method, sorted(options))


class Polite:
    def __radd__(self, other: Any) -> str:
        return "polite"

    def __rsub__(self, other: Any) -> Any:
        return NotImplemented


def test_classes_that_take_over() -> None:
    x = da.ones(3)
    assert x + Mine() == "mine" == Mine() + x
    assert (x < Mine()) == "mine"
    with pytest.raises(TypeError):
        x - Mine()  # type: ignore[operator]
    y = x
    y += Mine()
    assert y == "mine"
    assert np.add(x, Protocol()) == ("add", "__call__", []) == x + Protocol()
    assert Protocol.__array_ufunc__ and np.add.reduce(Protocol()) == ("add", "reduce", [])
    assert x + Polite() == "polite"
    with pytest.raises(TypeError):
        x - Polite()  # type: ignore[operator]


@pytest.mark.parametrize("f", [operator.add, operator.sub, operator.lt, operator.and_])
@pytest.mark.parametrize("x", [None, object(), "text", b"text", {1: 2}, Decimal(1), Fraction(1, 2)])
def test_foreign_types_are_refused(f: Body, x: Any) -> None:
    a = da.ones(3, "i4")
    with pytest.raises(TypeError, match=r"unsupported|not supported|instances"):
        f(a, x)
    with pytest.raises(TypeError):
        f(x, a)


def test_foreign_types_are_never_equal() -> None:
    agree(lambda xp, a: [a == None, a != None], np.ones(2))  # noqa: E711
    agree(lambda xp, a: [a == "text", a != "text"], np.ones(2))
    agree(lambda xp, a: a == object(), np.ones(2))


@pytest.mark.parametrize("f", [np.add, np.sqrt, np.less], ids=lambda f: f.__name__)
def test_ufuncs_refuse_foreign_types(f: Any) -> None:
    a = da.ones(3)
    for x in (None, object(), Decimal(1), "text"):
        args = (x, a)[: f.nin]
        with pytest.raises(TypeError):
            getattr(da, f.__name__)(*args)


def test_lists_are_operands() -> None:
    agree(
        lambda xp, a: [a + [1, 2, 3], [1, 2, 3] * a, a < (2, 2, 2), xp.add(a, [[1], [2]])],  # noqa: RUF005
        np.ones(3),
    )
    agree(lambda xp, a: a + [1, 2], np.ones(3))  # noqa: RUF005
    agree(lambda xp, a: operator.iadd(a, [1, 2, 3]), np.ones(3))


def test_host_arrays_do_not_mix() -> None:
    x, h = da.ones(3), np.ones(3)
    for number, body in enumerate((
        lambda: x + h, lambda: h + x, lambda: np.add(x, h), lambda: np.add(h, x), lambda: x < h,
        lambda: da.add(x, h), lambda: np.add(x, 1, out=h), lambda: np.add(h, 1, out=x),
        lambda: operator.iadd(x, h), lambda: operator.iadd(h, x), lambda: h == x,
        lambda: np.add(x, 1, out=x, where=h > 0), lambda: np.add.outer(x, h), lambda: x @ h,
        lambda: np.where(h > 0, x, 0), lambda: np.clip(x, h, 2), lambda: np.add.at(x, h > 0, 1),
        lambda: x.sum(where=h > 0),
        lambda: x.__setitem__(slice(None), h), lambda: np.hypot(h, x), lambda: divmod(h, x),
    )):  # fmt: skip
        assert type(outcome(body)) is da.HostMixError, (number, outcome(body))
        with pytest.raises(da.HostMixError, match=r"to_gpu|get\(\)"):
            body()
    np.testing.assert_array_equal(x.get(), 1)
    np.testing.assert_array_equal(h, 1)


def test_host_arrays_mix_where_allowed() -> None:
    x, h = da.arange(3.0), np.ones(3)
    with da.config(host_access="always"):
        assert isinstance(x + h, da.DeviceArray)
        assert isinstance(h + x, da.DeviceArray)
        h += x
        x *= h
    np.testing.assert_array_equal(h, [1, 2, 3])
    np.testing.assert_array_equal(x.get(), [0, 2, 6])


# ---- methods of ufuncs
REDUCING = [
    "add", "multiply", "maximum", "minimum", "logical_and", "logical_or", "bitwise_and",
    "bitwise_or", "bitwise_xor", "fmax", "fmin", "logical_xor", "subtract", "divide", "power",
    "hypot", "floor_divide", "arctan2", "less", "equal", "gcd", "left_shift", "logaddexp",
    "remainder", "fmod", "copysign", "float_power", "not_equal", "nextafter", "heaviside",
]  # fmt: skip


@pytest.mark.parametrize("name", REDUCING)
def test_reduce_and_accumulate(name: str) -> None:
    def body(xp: Any, a: Any) -> Any:
        f = getattr(xp, name)
        return [f.reduce(a), f.reduce(a, 1), f.reduce(a, axis=-1, keepdims=True)]

    def several(xp: Any, a: Any) -> Any:
        return getattr(xp, name).reduce(a, axis=None)

    def accumulated(xp: Any, a: Any) -> Any:
        return [getattr(xp, name).accumulate(a, axis) for axis in (0, 1)]

    def empty(xp: Any, a: Any) -> Any:
        return getattr(xp, name).reduce(a[:0])

    for x in (np.array([[7, 3, 2], [5, 2, 4]], "i4"), np.array([[1.5, 2, 0.5], [3, 1, 2]])):
        for each in (body, several, accumulated, empty):
            agree(each, x, rtol=1e-14 if x.dtype.kind == "f" else 0)


METHODS: dict[str, Body] = {
    "reduce of a unary": lambda xp, a: xp.negative.reduce(a),
    "accumulate of a unary": lambda xp, a: xp.negative.accumulate(a),
    "reduce of divmod": lambda xp, a: xp.divmod.reduce(a),
    "outer of a unary": lambda xp, a: xp.negative.outer(a, a),
    "reduce of a scalar": lambda xp, a: xp.add.reduce(a[0, 0]),
    "reduce of a scalar, axis": lambda xp, a: xp.add.reduce(xp.sum(a), axis=1),
    "reduce, initial": lambda xp, a: [
        xp.add.reduce(a, initial=10),
        xp.maximum.reduce(a, initial=3),
    ],
    "reduce, initial None": lambda xp, a: xp.add.reduce(a[:0], initial=None),
    "reduce, where": lambda xp, a: xp.add.reduce(a, where=a > 2),
    "reduce, where without identity": lambda xp, a: xp.maximum.reduce(a, where=a > 2),
    "reduce, where and initial": lambda xp, a: xp.maximum.reduce(a, where=a > 2, initial=-1),
    "reduce, dtype": lambda xp, a: [
        xp.add.reduce(a, dtype="i8"),
        xp.multiply.reduce(a, dtype="c16"),
    ],
    "reduce, dtype bool": lambda xp, a: xp.add.reduce(a, dtype=bool),
    "reduce, no axes": lambda xp, a: xp.add.reduce(a, axis=()),
    "reduce, wrong axis": lambda xp, a: xp.add.reduce(a, axis=2),
    "reduce, axis twice": lambda xp, a: xp.add.reduce(a, axis=(0, 0)),
    "reduce, axis a float": lambda xp, a: xp.add.reduce(a, axis=1.5),
    "reduce, two axes, not reorderable": lambda xp, a: xp.subtract.reduce(a, axis=(0, 1)),
    "reduce, unknown": lambda xp, a: xp.add.reduce(a, nonsense=1),
    "reduce, out": lambda xp, a: [xp.add.reduce(a, out=a[0]), a],
    "reduce, out tuple": lambda xp, a: [xp.add.reduce(a, out=(a[1],)), a],
    "reduce, out of a wrong shape": lambda xp, a: xp.add.reduce(a, out=a),
    "accumulate, out": lambda xp, a: [xp.add.accumulate(a, out=a), a],
    "accumulate, wrong axis": lambda xp, a: xp.add.accumulate(a, axis=2),
    "accumulate, dtype": lambda xp, a: xp.add.accumulate(a, dtype="f4"),
    "accumulate, empty": lambda xp, a: [xp.add.accumulate(a[:0]), xp.maximum.accumulate(a[:, :0])],
    "accumulate of a scalar": lambda xp, a: xp.add.accumulate(xp.sum(a)),
    "outer": lambda xp, a: [xp.add.outer(a, a[0]), xp.multiply.outer(a[0], a.T)],
    "outer with a scalar": lambda xp, a: [xp.add.outer(a, 3), xp.add.outer(3, a)],
    "outer, dtype": lambda xp, a: xp.add.outer(a[0], a[1], dtype="f4"),
    "outer of comparisons": lambda xp, a: xp.less.outer(a[0], a[1]),
    "outer, empty": lambda xp, a: xp.add.outer(a[:, :0], a),
    "at": lambda xp, a: [xp.add.at(a, [0, 0, 1], 10), a],
    "at, tuple": lambda xp, a: [xp.add.at(a, ([0, 0], [1, 1]), [1, 2]), a],
    "at, unary": lambda xp, a: [xp.negative.at(a, [0]), a],
    "at, slice": lambda xp, a: [xp.add.at(a, slice(1, 2), a[0]), a],
    "at, out of bounds": lambda xp, a: xp.add.at(a, [5], 1),
    "at, missing operand": lambda xp, a: xp.add.at(a, [0]),
    "at, wrong shape": lambda xp, a: xp.add.at(a, [0, 1], [1, 2]),
    "at, casting": lambda xp, a: xp.add.at(a, [0], 1j),
    "reduceat": lambda xp, a: xp.add.reduceat(a, [0, 1, 0], axis=1),
    "reduceat, rows": lambda xp, a: [xp.maximum.reduceat(a, [1, 0]), xp.hypot.reduceat(a, [0])],
    "reduceat, out of bounds": lambda xp, a: xp.add.reduceat(a, [5]),
    "at on a view": lambda xp, a: [xp.add.at(a[:, ::-1], ([0], [0]), 1), a],
}


@pytest.mark.parametrize("name", METHODS)
def test_methods(name: str) -> None:
    agree(METHODS[name], np.array([[1.0, 2, 3], [4, 5, 6]]), rtol=1e-15)


def test_at_read_only() -> None:
    agree(lambda xp, a: xp.add.at(xp.broadcast_to(a, (2, 3)), 0, 1), np.ones(3), words=False)


def test_at_sees_pending_readers() -> None:
    def body(xp: Any, a: Any) -> Any:
        before = a * 2
        xp.add.at(a, [0, 0], 5)
        return [before, a, a + before]

    agree(body, LINE)


def test_attributes_of_ufuncs() -> None:
    for name in ("add", "divmod", "sin", "logical_and", "maximum"):
        mine, theirs = getattr(da, name), getattr(np, name)
        for attribute in ("nin", "nout", "nargs", "identity", "types", "ntypes", "__name__"):
            assert getattr(mine, attribute) == getattr(theirs, attribute)
    assert da.arccos is da.acos


def test_every_ufunc_by_both_names() -> None:
    """Each numeric ufunc of NumPy, once as ``np.f(device)`` and once as ``devarray.f``."""
    x = np.array([0.25, 0.5, 1.0])
    integers = np.array([1, 2, 4])
    for name in sorted(vars(np)):
        f = getattr(np, name)
        if not isinstance(f, np.ufunc) or f.signature or name in ("isnat", "bitwise_count"):
            continue
        whole = isinstance(outcome(f, *(x,) * f.nin), Exception)
        args = (integers if whole else x,) * f.nin
        wanted = outcome(f, *args)
        for xp in (np, da):
            got = outcome(getattr(xp, name), *map(device, args))
            assert_same(got, wanted, rtol=1e-14)


def test_ufuncs_of_host_data_only() -> None:
    assert_same(host(da.add([1, 2], 3)), np.array([4, 5]))
    assert_same(host(da.sqrt(4)), np.float64(2))
    assert_same(host(da.add.reduce([1, 2])), np.int64(3))
    with pytest.raises(da.HostMixError):
        da.add(np.ones(2), 1)


def test_arrays_of_different_kinds_of_errors_change_nothing() -> None:
    x = da.arange(4)
    for body in (
        lambda: operator.iadd(x, 1.5), lambda: operator.itruediv(x, 2),
        lambda: operator.ipow(x, -1),
        lambda: np.add(x, da.ones(3), out=x), lambda: np.sqrt(x, out=x),
    ):  # fmt: skip
        with pytest.raises((TypeError, ValueError)):
            body()
    np.testing.assert_array_equal(x.get(), [0, 1, 2, 3])
