"""Taking, putting, copying, products and polynomials against NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import devarray as da
from agreement import NUMPY_LIBRARY, agree, assert_same_bits

X = np.arange(12.0).reshape(3, 4)
V = np.arange(5.0)
I = np.array([3, 0, -1, 3])  # noqa: E741
MASK = np.array([True, False, True, False, True])
INF = np.inf


# ---- taking


TAKES: dict[str, Any] = {
    "take": lambda xp, x, i: [xp.take(x, i), xp.take(x, i, axis=-1), xp.take(x, 1, axis=0)],
    "take, mode": lambda xp, x, i: [xp.take(x, i + 9, 1, mode=m) for m in ("clip", "wrap")],
    "take, wrong": lambda xp, x, i: xp.take(x, i, axis=0),
    "take, float": lambda xp, x, i: xp.take(x, i * 1.0),
    "take, axis": lambda xp, x, i: xp.take(x, i, axis=2),
    "along": lambda xp, x, i: [
        xp.take_along_axis(x, i[None, :3] % 3),
        xp.take_along_axis(x, i[None] % 3, 0),
        xp.take_along_axis(x, i, None),
    ],
    "along, wrong": lambda xp, x, i: xp.take_along_axis(x, i, 0),
    "compress": lambda xp, x, i: [
        xp.compress(i > 0, x, axis=1),
        xp.compress([True, False, True], x, axis=0),
        xp.compress(i > 0, x),
    ],
    "unravel": lambda xp, x, i: xp.unravel_index(i % 4, (2, 2)),
    "unravel, wrong": lambda xp, x, i: xp.unravel_index(i + 9, (2, 2)),
    "ravel_multi": lambda xp, x, i: xp.ravel_multi_index((i % 4, i % 3), (4, 3)),
    "ix": lambda xp, x, i: x[xp.ix_(i % 3, i)],
    "from": lambda xp, x, i: [
        xp.diag_indices_from(x[:3, :3]),
        xp.tril_indices_from(x, 1),
        xp.triu_indices_from(x, -1),
    ],
}


@pytest.mark.parametrize("name", TAKES)
@pytest.mark.parametrize("x", [X, X.T[::-1, :].T, X.astype("f2")], ids=["C", "back", "f2"])
def test_takes(name: str, x: Any) -> None:
    agree(TAKES[name], x, I)
    agree(lambda xp, x, i: TAKES[name](xp, x * 2, i + 0), x, I)  # pending


@pytest.mark.parametrize(
    "made",
    [
        lambda xp: xp.diag_indices(3, 2),
        lambda xp: xp.tril_indices(3, -1),
        lambda xp: xp.triu_indices(3, 1, 4),
        lambda xp: xp.ix_([0, 1], [True, False, True]),
        lambda xp: xp.unravel_index([3, 1], (2, 2)),
        lambda xp: xp.ravel_multi_index(([1], [0]), (2, 2)),
        lambda xp: xp.mask_indices(3, xp.triu, 1),
        lambda xp: xp.mask_indices(2, lambda m, k: m * k, 3),
        lambda xp: xp.take([5, 6], [1, 1]),
    ],
)
def test_indices_are_on_the_device(made: Any) -> None:
    agree(made, once=True)


# ---- putting


PUTS: dict[str, Any] = {
    "put": lambda xp, x: xp.put(x, [0, -1, 0], [10.0, 20.0, 30.0]),
    "put, clip": lambda xp, x: xp.put(x, [99, -99], 7, mode="clip"),
    "put, wrong": lambda xp, x: xp.put(x, [99], 7),
    "put, itself": lambda xp, x: xp.put(x, [0, 1, 2, 3, 4], x[::-1]),
    "place": lambda xp, x: xp.place(x, x > 1, [10, 20]),
    "place, wrong": lambda xp, x: xp.place(x, x > 1, []),
    "putmask": lambda xp, x: xp.putmask(x, x > 1, x * 10),
    "putmask, itself": lambda xp, x: xp.putmask(x, x > 1, x[::-1]),
    "putmask, shape": lambda xp, x: xp.putmask(x, x[:2] > 1, 0),
    "along": lambda xp, x: xp.put_along_axis(x, (x[:2] * 0 + 3).astype(int), 9.0, 0),
    "along, array": lambda xp, x: xp.put_along_axis(x, (x > 1).astype(int), x * 2, 0),
    "copyto": lambda xp, x: xp.copyto(x, x * 3),
    "copyto, where": lambda xp, x: xp.copyto(x, x[::-1] * 2, where=x > 1),
    "copyto, itself": lambda xp, x: xp.copyto(x[1:], x[:-1]),
    "copyto, scalar": lambda xp, x: xp.copyto(x, 7, where=[True, False, True, False, True]),
    "copyto, nowhere": lambda xp, x: xp.copyto(x, 7, where=False),
    "copyto, where 0-d": lambda xp, x: xp.copyto(x, 7, where=(x > 1).any()),
    "copyto, leading": lambda xp, x: xp.copyto(x, (x + 1)[None, None]),
    "copyto, shape": lambda xp, x: xp.copyto(x, x[:2]),
    "copyto, more": lambda xp, x: xp.copyto(x, x[:, None] + x),
    "copyto, mask": lambda xp, x: xp.copyto(x, 1, where=(x[:, None] > x)),
    "copyto, mask shape": lambda xp, x: xp.copyto(x, 1, where=x[:2] > 1),
    "copyto, mask dtype": lambda xp, x: xp.copyto(x, 1, where=x.astype(int)),
    "copyto, complex": lambda xp, x: xp.copyto(x, x * 1j),
    "copyto, unsafe": lambda xp, x: xp.copyto(x, x + 1j * 0, casting="unsafe"),
    "copyto, safe": lambda xp, x: xp.copyto(x, x.astype("f4"), casting="safe"),
    "copyto, casting": lambda xp, x: xp.copyto(x, x, casting="no way"),
    "copyto, keyword": lambda xp, x: xp.copyto(x, x, unknown=1),
}


@pytest.mark.parametrize("name", PUTS)
@pytest.mark.filterwarnings("ignore::numpy.exceptions.ComplexWarning")
def test_puts(name: str) -> None:
    put = PUTS[name]

    def of_memory(xp: Any, x: Any) -> Any:
        return put(xp, x), x

    def of_pending(xp: Any, x: Any) -> Any:
        x = x + 1
        alias, reader = x[1:4], x * 2
        result = put(xp, x)
        return result, x, alias, reader, alias + 1

    def of_view(xp: Any, x: Any) -> Any:
        before = x[::-2] * 2
        copied = x.copy()
        wide = xp.stack([x, x], 1)
        stored = x - 1
        wide[:, 1] = stored
        result = put(xp, wide[:, 1])
        return result, x, before, copied, stored, wide

    def of_read_only(xp: Any, x: Any) -> Any:
        put(xp, xp.broadcast_to(x[3:4], (5,)))

    agree(of_memory, V)
    agree(of_pending, V)
    agree(of_view, V)
    agree(of_memory, V.astype("i4"))
    if name != "copyto, itself":  # its two arrays are the same one there, which NumPy allows
        agree(of_read_only, V)


def test_fill_diagonal() -> None:
    for body in (
        lambda xp, x: xp.fill_diagonal(x, 7),
        lambda xp, x: xp.fill_diagonal(x, [1, 2]),
        lambda xp, x: xp.fill_diagonal(x[:2, ::2], x[2, 1:3] * 2),
        lambda xp, x: xp.fill_diagonal(x.T, 7, wrap=True),
        lambda xp, x: xp.fill_diagonal(x[0], 7),
        lambda xp, x: xp.fill_diagonal(xp.broadcast_to(x[0], (4, 4)), 7),
    ):
        agree(lambda xp, x, body=body: [x * 2, body(xp, x), x + 1], X)
        agree(lambda xp, x, body=body: [y := x * 2, y[1], body(xp, y), y + 1], X)


@pytest.fixture
def lazy() -> Any:
    """Let a test see what is fused, also where the tests run with everything computed at once."""
    with da.config(eager=False):
        yield


def test_copyto_stays_pending(lazy: None, capsys: Any) -> None:
    x = da.arange(5.0) + 1
    da.copyto(x, x * 2, where=x > 3)
    da.explain(x, source=False)
    assert capsys.readouterr().out.startswith("1 kernel\n")
    assert x.get().tolist() == [1, 2, 3, 8, 10]


@pytest.mark.parametrize("value", [1.5, 300, -1, True, 1j, np.float64(2), np.uint8(3)])
def test_copyto_of_scalars(value: Any) -> None:
    for dtype in ("u1", "f4", "?", "c8"):
        agree(lambda xp, x: xp.copyto(x, value), np.zeros(2, dtype))
        agree(lambda xp, x: xp.copyto(x, value, where=x == 0), np.zeros(2, dtype))


def test_copyto_and_the_host() -> None:
    host = np.zeros(2)
    with pytest.raises(da.HostMixError):
        np.copyto(host, da.ones(2))  # type: ignore[arg-type]
    with pytest.raises(da.HostMixError):
        da.copyto(da.zeros(2), host)
    with pytest.raises(da.HostMixError):
        da.copyto(da.zeros(2), 1, where=host > 1)


# ---- polynomials


@pytest.mark.parametrize(
    "p",
    [
        np.array([1.0, -2.0, 3.0]), np.array([2, 1], "i1"), np.array([True, False]), np.array([]),
        np.array([1j, 2.0]), np.array([2.0]), np.array([[1.0, 2.0, 1.0, 0.0, 3.0]] * 2),
        np.array([INF, 1.0]), [1, 2, 3], [], np.poly1d([1.0, 2.0]), 3, np.array(2.0),
    ],
    ids=str,
)  # fmt: skip
@pytest.mark.parametrize("dtype", ["f8", "f4", "i2", "?", "c16"])
def test_polyval(p: Any, dtype: str) -> None:
    x = np.array([0, -1, 2, 3, 5]).astype(dtype)
    agree(lambda xp, p, x: xp.polyval(p, x), p, x)


def test_polyval_more(lazy: None, capsys: Any) -> None:
    agree(lambda xp, p, x: xp.polyval(p, x), V, np.array([INF, -0.0, np.nan]))
    agree(lambda xp, p, x: xp.polyval(p * 2, x[:, ::2] + 1), V, X)
    agree(lambda xp, p, x: xp.polyval(p, x), np.linspace(-1, 1, 60), X / 12)
    agree(lambda xp, p: xp.polyval(p, 2.0), V)
    agree(lambda xp, p: xp.polyval(p, [1, 2]), V)
    with pytest.raises(da.HostMixError):
        da.polyval(V, da.ones(2))
    inserted = np.polyval(da.to_gpu(V), np.poly1d([1, 1]))  # type: ignore[call-overload]
    assert inserted == np.polyval(V, np.poly1d([1, 1]))
    da.explain(da.polyval(da.to_gpu(V), da.to_gpu(X) * 2), source=False)
    assert capsys.readouterr().out.startswith("1 kernel\n")


def test_other_polynomials() -> None:
    for body in (
        lambda xp, a, b: [xp.polyadd(a, b), xp.polysub(a, b), xp.polymul(a, b), xp.polydiv(b, a)],
        lambda xp, a, b: [xp.polyder(a), xp.polyder(a, 2), xp.polyint(a, k=3.0), xp.roots(a)],
        lambda xp, a, b: [xp.vander(a, 3), xp.poly(a), xp.polyder(a, -1)],
        lambda xp, a, b: xp.polyfit(b, b * b + 1, 2),
    ):
        agree(lambda xp, a, b, body=body: list(body(xp, a, b)), V[1:4] + 1, V, rtol=1e-9)


# ---- products


A, B, C = X, X.T.copy(), np.array([[1 + 2j, -3j], [2.0, 0.5j]])
BYTES, BOOLS, HALF = np.array([100, 3], "i1"), np.array([True, False]), V.astype("f2") / 3
PRODUCTS: dict[str, Any] = {
    "outer": lambda xp, a, b: [xp.outer(a, b), xp.outer(a * 2, 3), xp.outer(a[..., ::-1] + 1, b)],
    "kron": lambda xp, a, b: [xp.kron(a, b), xp.kron(b, a[0] * 2), xp.kron(a, 2), xp.kron(3, b)],
    "inner": lambda xp, a, b: [xp.inner(a, a), xp.inner(a[0], a[0]), xp.inner(a, 2)],
    "inner, pending": lambda xp, a, b: xp.inner(a[0] * 2, a[0] * 3),
    "inner, wrong": lambda xp, a, b: xp.inner(a[0], a[0, :-1]),
    "vdot": lambda xp, a, b: [xp.vdot(a, b), xp.vdot(a, a), xp.vdot(a[0], a[0])],
    "vdot, pending": lambda xp, a, b: [xp.vdot(a * 2, a * 3), xp.vdot(a * 2, b)],
    "vdot, wrong": lambda xp, a, b: xp.vdot(a, a[0]),
    "trace": lambda xp, a, b: [xp.trace(a), xp.trace(a * 2, 1), xp.trace(a, -1, 1, 0)],
    "trace, dtype": lambda xp, a, b: [xp.trace(a, dtype="c16"), xp.trace(a, offset=9)],
    "trace, wrong": lambda xp, a, b: xp.trace(a[0]),
    "trace, axes": lambda xp, a, b: xp.trace(a, axis1=0, axis2=0),
    "matmul": lambda xp, a, b: [xp.matmul(a, b), a @ b, xp.matmul(a * 2, b[:, 0])],
    "matmul, wrong": lambda xp, a, b: xp.matmul(a, a[:-1]),
    "matmul, scalar": lambda xp, a, b: xp.matmul(a, 2),
    "matmul, axes": lambda xp, a, b: xp.matmul(b, a, axes=[(1, 0), (1, 0), (1, 0)]),
    "matmul, dtype": lambda xp, a, b: xp.matmul(a, b, dtype="c16"),
    "matmul, keyword": lambda xp, a, b: xp.matmul(a, b, axis=1),
    "vecdot": lambda xp, a, b: [xp.vecdot(a, a), xp.vecdot(a, a, axis=0), xp.vecdot(a[0], a)],
    "vecdot, wrong": lambda xp, a, b: xp.vecdot(a, a[:, :-1]),
    "matvec": lambda xp, a, b: [xp.matvec(a, a[0]), xp.vecmat(b[:, 0], b)],
    "dot": lambda xp, a, b: [xp.dot(a, b), xp.dot(a, 2), xp.dot(a[0], b)],
    "tensordot": lambda xp, a, b: [xp.tensordot(a, b, axes=1), xp.tensordot(a, b, ((0,), (1,)))],
    "einsum": lambda xp, a, b: [
        xp.einsum("ij,jk->ik", a, b),
        xp.einsum(a, [0, 1], b, [1, 2], [2, 0]),
        xp.einsum("ij->j", a * 2),
        xp.einsum("ii", a[:2, :2]),
        xp.einsum("ij,jk,kl", a, b, a, optimize=True),
    ],
    "einsum, wrong": lambda xp, a, b: xp.einsum("ij,jk", a, a[:-1]),
    "einsum, view": lambda xp, a, b: [
        xp.einsum("ij->ji", a).__setitem__((0, 0), 1), a, xp.einsum("ii->i", a[:2, :2])
    ],
}  # fmt: skip


@pytest.mark.parametrize("name", PRODUCTS)
@pytest.mark.parametrize(
    "pair",
    [(A, B), (C, C.T.copy()), (A.astype("i1") * 30, B.astype("i1")), (A > 4, B > 2),
     (A[:, :2].astype("f2") / 7, B[:2].astype("f2")), (A[:0], B[:, :0])],
    ids=["f8", "c16", "i1", "bool", "f2", "empty"],
)  # fmt: skip
def test_products(name: str, pair: Any) -> None:
    if not pair[0].size and name.startswith(("inner", "kron", "vdot, wrong", "matmul,", "einsum,")):
        pair = (np.zeros((1, 0)), np.zeros((0, 1)))
    agree(PRODUCTS[name], *pair, rtol=1e-13 if pair[0].dtype.kind in "fc" else 0.0)


def test_products_come_after_the_kernels_that_feed_them() -> None:
    """oneMKL's need telling; that failed in one call of a hundred."""
    x = da.asarray([[1.0]])
    assert {np.dot(x * 3, x * 2).item() for _ in range(300)} == {6.0}
    assert {(np.matmul(x * 3, x * 2) + 1).item() for _ in range(300)} == {7.0}


OUTS: dict[str, Any] = {
    "outer": lambda xp, a, out: xp.outer(a[0], a[0], out=out),
    "matmul": lambda xp, a, out: xp.matmul(a, a, out=out),
    "matmul, positional": lambda xp, a, out: xp.matmul(a, a, out),
    "einsum": lambda xp, a, out: xp.einsum("ij,jk", a, a, out=out),
    "dot": lambda xp, a, out: xp.dot(a, a, out),
    "take": lambda xp, a, out: xp.take(a, [1, 0], 0, out),
    "trace": lambda xp, a, out: xp.trace(a, out=out[0, 0, ...]),
    "vecdot": lambda xp, a, out: xp.vecdot(a, a, out=out[0]),
}


@pytest.mark.parametrize("name", OUTS)
def test_out(name: str) -> None:
    def body(xp: Any, a: Any, out: Any) -> Any:
        reader, view = out + 1, out[1]
        result = OUTS[name](xp, a * 2, out)
        return result, out, reader, view

    agree(body, X[:2, :2], np.ones((2, 2)))
    # the stand-ins that NumPy is asked with differ in more than their dimensions
    unlike = ("trace", "vecdot") if NUMPY_LIBRARY else ("trace", "vecdot", "dot")
    agree(body, X[:2, :2], np.ones((2, 3)), words=name not in unlike)
    agree(body, X[:2, :2], np.ones((2, 2), int))

    def itself(xp: Any, a: Any) -> Any:
        reader = a + 1
        return OUTS[name](xp, a, a), reader, a

    agree(itself, X[:2, :2])


def test_einsum_path_and_vecdot_conjugates() -> None:
    a = da.to_gpu(A)
    assert da.einsum_path("ij,kj->ik", a, a)[0] == np.einsum_path("ij,kj->ik", A, A)[0]
    assert da.vecdot(da.asarray([1j]), da.asarray([1j])).get() == 1
    assert da.matmul([[1, 2]], [[1], [2]]).get().tolist() == [[5]]
    with pytest.raises(da.HostMixError):
        da.matmul(a, B)
    with pytest.raises(da.HostMixError):
        da.outer(a, B)


def test_cross() -> None:
    rng = np.random.default_rng(2)
    a, b = rng.random((4, 3)), rng.random((2, 1, 3))
    for body in (
        lambda xp, a, b: xp.cross(a, b),
        lambda xp, a, b: xp.cross(a * 2, b[0, 0] + 1),
        lambda xp, a, b: [xp.cross(a.T, b, axisa=0, axisc=1), xp.cross(a.T, a.T, axis=0)],
        lambda xp, a, b: xp.cross(a[0], b[0, 0]),
        lambda xp, a, b: xp.cross(a[:, :2], a),
        lambda xp, a, b: xp.cross(a[:, :2], a[:, 1:]),
        lambda xp, a, b: xp.cross(a.T, b),
        lambda xp, a, b: xp.cross(a[:0], b),
        lambda xp, a, b: xp.cross(a[:3], a),
        lambda xp, a, b: xp.cross(a, a, axis=2),
        lambda xp, a, b: xp.cross(a, a, axisc=2),
        lambda xp, a, b: xp.cross(a > 0, a > 0),
        lambda xp, a, b: xp.cross(a, (a * 9).astype("i4")),
        lambda xp, a, b: xp.cross(a, 1.0),
    ):
        agree(body, a, b)


def test_small_products() -> None:
    for x in (BYTES, BOOLS, HALF, V.astype("u1")):
        agree(lambda xp, x: [xp.inner(x, x), xp.vdot(x, x), xp.outer(x, x), xp.kron(x, x)], x)
        agree(lambda xp, x: xp.trace(xp.outer(x, x)), x)
    agree(lambda xp, x, y: [xp.inner(x, y), xp.kron(x, y), xp.outer(y, x)], BYTES, BOOLS)
    assert_same_bits(da.inner(da.asarray(2), da.asarray(3)).get(), np.asarray(np.inner(2, 3)))
    assert da.outer([1], [2]).get().tolist() == [[2]]
