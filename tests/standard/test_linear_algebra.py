"""Linear algebra: shapes, stacks of matrices, dtypes, names of results, singular matrices."""

from __future__ import annotations

import math

import numpy as np
import pytest

import devarray as da
from standard.common import COMPLEX, REAL, array, close, promoted, same

rng = np.random.default_rng(1)
FLOATS = (*REAL, *COMPLEX)
STACKS = ((), (2,), (0,), (2, 0), (2, 1))


def matrices(stack=(), shape=(3, 3), dtype="float64"):
    """Return well-conditioned matrices."""
    values = rng.standard_normal((*stack, *shape))
    if dtype in COMPLEX:
        values = values + 1j * rng.standard_normal((*stack, *shape))
    return (values + 4 * np.eye(*shape)).astype(dtype)


def hermitian(stack=(), size=3, dtype="float64"):
    """Return positive definite matrices."""
    values = matrices(stack, (size, size), dtype)
    return values @ np.conj(values.swapaxes(-1, -2)) + np.eye(size, dtype=dtype)


def real(dtype):
    return {"complex64": "float32", "complex128": "float64"}.get(dtype, dtype)


def compound(dtype):
    return {"float32": "complex64", "float64": "complex128"}.get(dtype, dtype)


def formed(result, shapes):
    """Check names, shapes and dtypes of a named tuple and return the host values."""
    assert isinstance(result, tuple)
    assert result._fields == tuple(shapes)
    for (name, (shape, dtype)), got in zip(shapes.items(), result, strict=True):
        assert isinstance(got, da.DeviceArray)
        assert (got.shape, got.dtype) == (shape, np.dtype(dtype)), name
        assert getattr(result, name) is got
    return [got.get() for got in result]


def equal(got, wanted):
    tolerance = 1e-3 if got.dtype.char in "fF" else 1e-9
    np.testing.assert_allclose(got, wanted, rtol=tolerance, atol=tolerance)


# Decompositions


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("stack", STACKS, ids=str)
def test_decompositions(stack, dtype):
    a, h = matrices(stack, dtype=dtype), hermitian(stack, dtype=dtype)
    square, vector = (*stack, 3, 3), (*stack, 3)
    values, vectors = formed(
        da.linalg.eigh(array(h)),
        {"eigenvalues": (vector, real(dtype)), "eigenvectors": (square, dtype)},
    )
    equal(h @ vectors, vectors * values[..., None, :])
    close(da.sort(da.linalg.eigvalsh(array(h))), np.sort(values))
    values, vectors = formed(
        da.linalg.eig(array(a)),
        {"eigenvalues": (vector, compound(dtype)), "eigenvectors": (square, compound(dtype))},
    )
    equal(a @ vectors, vectors * values[..., None, :])
    found = da.linalg.eigvals(array(a))
    assert (found.shape, found.dtype) == (vector, np.dtype(compound(dtype)))
    q, r = formed(da.linalg.qr(array(a)), {"Q": (square, dtype), "R": (square, dtype)})
    equal(q @ r, a)
    equal(r, np.triu(r))
    sign, logabsdet = formed(
        da.linalg.slogdet(array(a)), {"sign": (stack, dtype), "logabsdet": (stack, real(dtype))}
    )
    equal(sign * np.exp(logabsdet), np.linalg.det(a))


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("shape", [(2, 3), (4, 2), (0, 2)], ids=str)
def test_rectangles(shape, dtype):
    rows, columns = shape
    least = min(shape)
    a = matrices((2,), shape, dtype)
    for full in (True, False):
        u, s, vh = formed(
            da.linalg.svd(array(a), full_matrices=full),
            {
                "U": ((2, rows, rows if full else least), dtype),
                "S": ((2, least), real(dtype)),
                "Vh": ((2, columns if full else least, columns), dtype),
            },
        )
        equal((u[..., :least] * s[:, None, :]) @ vh[:, :least], a)
        assert (np.diff(s) <= 0).all()
    close(da.linalg.svdvals(array(a)), s)
    for mode, inner in (("reduced", least), ("complete", rows)):
        q, r = formed(
            da.linalg.qr(array(a), mode=mode),
            {"Q": ((2, rows, inner), dtype), "R": ((2, inner, columns), dtype)},
        )
        equal(q @ r, a)
    p = da.linalg.pinv(array(a))
    assert (p.shape, p.dtype) == ((2, columns, rows), np.dtype(dtype))
    equal(a @ p.get() @ a, a)


@pytest.mark.parametrize("dtype", FLOATS)
def test_cholesky(dtype):
    h = hermitian((2,), dtype=dtype)
    lower, upper = da.linalg.cholesky(array(h)), da.linalg.cholesky(array(h), upper=True)
    assert lower.dtype == upper.dtype == dtype
    low, up = lower.get(), upper.get()
    equal(low @ np.conj(low.swapaxes(-1, -2)), h)
    equal(np.conj(up.swapaxes(-1, -2)) @ up, h)
    equal(low, np.tril(low))
    equal(up, np.triu(up))


# Equations


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("stack", STACKS, ids=str)
def test_inverses(stack, dtype):
    a = matrices(stack, dtype=dtype)
    inverse = da.linalg.inv(array(a))
    assert (inverse.shape, inverse.dtype) == (a.shape, a.dtype)
    equal(inverse.get() @ a, np.broadcast_to(np.eye(3), a.shape))
    close(da.linalg.det(array(a)), np.linalg.det(a))
    for power in (0, 1, 3, -2):
        got = da.linalg.matrix_power(array(a), power)
        assert (got.shape, got.dtype) == (a.shape, a.dtype)
        equal(got.get(), np.linalg.matrix_power(a, power))


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize(
    ("left", "right", "shape"),
    [
        ((), (3,), (3,)),
        ((2,), (3,), (2, 3)),
        ((2,), (3, 4), (2, 3, 4)),
        ((), (2, 3, 4), (2, 3, 4)),
        ((2, 1), (5, 3, 1), (2, 5, 3, 1)),
        ((0,), (3, 2), (0, 3, 2)),
        ((2,), (3, 0), (2, 3, 0)),
    ],
    ids=str,
)
def test_solve(left, right, shape, dtype):
    a = matrices(left, dtype=dtype)
    b = rng.standard_normal(right).astype(dtype)
    got = da.linalg.solve(array(a), array(b))
    assert (got.shape, got.dtype) == (shape, np.dtype(dtype))
    if len(right) == 1:
        equal((a @ got.get()[..., None])[..., 0], np.broadcast_to(b, shape))
    else:
        equal(a @ got.get(), np.broadcast_to(b, shape))


def test_singular_and_ill_formed_matrices():
    singular = array([[[1.0, 2.0], [2.0, 4.0]], [[1.0, 0.0], [0.0, 1.0]]])
    for use in (
        lambda: da.linalg.inv(singular),
        lambda: da.linalg.solve(singular, da.ones((2, 2))),
        lambda: da.linalg.matrix_power(singular, -1),
        lambda: da.linalg.cholesky(array([[1.0, 0.0], [0.0, -1.0]])),
        *[
            lambda name=name: getattr(da.linalg, name)(da.ones((2, 3)))
            for name in ("inv", "det", "eig", "eigh", "eigvals", "eigvalsh", "cholesky", "slogdet")
        ],
    ):
        with pytest.raises(np.linalg.LinAlgError):
            use()
    with pytest.raises(ValueError, match=r"mismatch|broadcast"):
        da.linalg.solve(da.eye(3), da.ones((2, 2)))
    same(da.linalg.det(singular), [0.0, 1.0])


# Norms and ranks


ORDERS = (math.inf, -math.inf, 0, 1, -1, 2, -2, 3, 0.5)


@pytest.mark.parametrize("order", ORDERS)
def test_vector_norm(order):
    host = matrices((2,), (3, 2))
    axis = (None, 0, -1, (0, 2))[ORDERS.index(order) % 4]
    for dtype in ("float64", "complex64") if order in (2, 3) else ("float64",):
        x = array(host.astype(dtype))
        got = da.linalg.vector_norm(x, axis=axis, ord=order)
        close(got, np.linalg.vector_norm(x.get(), axis=axis, ord=order), real(dtype))


def test_axes_of_vector_norms():
    host = matrices((2,), (3, 2))
    for axis in (None, 1, -1, (0, 2), (0, 1, 2)):
        for keepdims in (False, True):
            got = da.linalg.vector_norm(array(host), axis=axis, keepdims=keepdims)
            close(got, np.linalg.vector_norm(host, axis=axis, keepdims=keepdims))
    with pytest.raises((IndexError, ValueError)):
        da.linalg.vector_norm(array(host), axis=3)


@pytest.mark.parametrize("order", ["fro", "nuc", math.inf, -math.inf, 1, -1, 2, -2])
def test_matrix_norm(order):
    host = matrices((2,), (3, 2))
    for dtype in ("float32", "complex128") if order in ("fro", 1, 2) else ("float32",):
        x = array(host.astype(dtype))
        for keepdims in (False, True):
            got = da.linalg.matrix_norm(x, keepdims=keepdims, ord=order)
            close(got, np.linalg.matrix_norm(x.get(), keepdims=keepdims, ord=order), real(dtype))
    close(da.linalg.matrix_norm(x), np.linalg.matrix_norm(x.get()))


def test_matrix_rank():
    x = array([[[1.0, 0.0], [0.0, 1e-9]], [[1.0, 2.0], [2.0, 4.0]], [[0.0, 0.0], [0.0, 0.0]]])
    same(da.linalg.matrix_rank(x), [2, 1, 0])
    same(da.linalg.matrix_rank(x, rtol=1e-6), [1, 1, 0])
    same(da.linalg.matrix_rank(x, rtol=array([1e-12, 1e-6, 0.5])), [2, 1, 0])
    same(da.linalg.matrix_rank(x[0]), np.asarray(2))
    thin = da.linalg.pinv(x[0], rtol=1e-6)
    close(thin, [[1.0, 0.0], [0.0, 0.0]])


# Products


@pytest.mark.parametrize("space", [da, da.linalg], ids=["main", "linalg"])
def test_matmul(space):
    for left, right in (
        ((2, 3), (3, 4)),
        ((3,), (3, 4)),
        ((2, 3), (3,)),
        ((3,), (3,)),
        ((5, 1, 2, 3), (4, 3, 2)),
        ((2, 0), (0, 3)),
        ((0, 2, 3), (3, 2)),
    ):
        a, b = rng.integers(-9, 9, left), rng.integers(-9, 9, right)
        for dtype in ("int32", "float64"):
            same(space.matmul(array(a, dtype), array(b, dtype)), a.astype(dtype) @ b.astype(dtype))
    for left, right in (((), (2,)), ((2,), ()), ((2, 3), (2, 3)), ((2,), (3,)), ((3, 2), (3,))):
        with pytest.raises(ValueError, match=r"mismatch|dimension"):
            space.matmul(da.ones(left), da.ones(right))


@pytest.mark.parametrize("space", [da, da.linalg], ids=["main", "linalg"])
def test_other_products(space):
    a, b = matrices((2,), (3, 4), "complex128"), matrices((2,), (3, 4), "complex128")
    x, y = array(a), array(b)
    for axis in (-1, -2, -3):
        close(space.vecdot(x, y, axis=axis), np.sum(np.conj(a) * b, axis=axis))
    close(space.vecdot(x, y[0, 0]), np.sum(np.conj(a) * b[0, 0], axis=-1))
    with pytest.raises(ValueError, match=r"mismatch|broadcast"):
        space.vecdot(da.ones(3), da.ones(4))
    with pytest.raises(ValueError, match=r"mismatch|broadcast"):
        space.vecdot(da.ones(1), da.ones(4))
    same(space.matrix_transpose(x), a.swapaxes(-1, -2))
    with pytest.raises(ValueError, match=r"dimension|ndim|axis"):
        space.matrix_transpose(da.ones(3))
    close(space.tensordot(x, y.T, axes=1), np.tensordot(a, b.T, 1))
    close(space.tensordot(x[0], y[0]), np.tensordot(a[0], b[0]))
    close(space.tensordot(x, y, axes=((1, 2), (1, 2))), np.tensordot(a, b, ((1, 2), (1, 2))))
    close(space.tensordot(x, y, axes=([0, -1], [0, 2])), np.tensordot(a, b, ([0, -1], [0, 2])))
    close(space.tensordot(x[0, 0], y[0, 0], axes=0), np.multiply.outer(a[0, 0], b[0, 0]))
    with pytest.raises(ValueError, match="shape"):
        space.tensordot(x, y, axes=1)


def test_outer_and_cross():
    a, b = np.asarray([1, 2, 3]), np.asarray([4, 5])
    same(da.linalg.outer(array(a), array(b)), np.multiply.outer(a, b))
    with pytest.raises(ValueError, match=r"one-dimensional|1"):
        da.linalg.outer(da.ones((2, 2)), da.ones(2))
    u, v = rng.integers(-9, 9, (2, 1, 3)), rng.integers(-9, 9, (4, 3))
    same(da.linalg.cross(array(u), array(v)), np.cross(u, v))
    same(
        da.linalg.cross(array(u.swapaxes(1, 2)), array(v.T), axis=-2), np.cross(u, v).swapaxes(1, 2)
    )
    for shape in ((2,), (4,)):
        with pytest.raises(ValueError, match=r"cross|vector|dimension"):
            da.linalg.cross(da.ones(shape), da.ones(shape))


def test_diagonals():
    host = np.arange(24).reshape(2, 3, 4)
    for offset in (-2, 0, 1, 3):
        got = da.linalg.diagonal(array(host), offset=offset)
        same(got, host.diagonal(offset, -2, -1))
        same(da.linalg.trace(array(host), offset=offset), host.trace(offset, -2, -1))
    for dtype, wanted in (
        ("int8", "int64"),
        ("uint8", "uint64"),
        ("float32", "float32"),
        ("complex64", "complex64"),
    ):
        assert da.linalg.trace(da.ones((2, 2), dtype=dtype)).dtype == wanted
    assert da.linalg.trace(da.ones((2, 2)), dtype=da.float32).dtype == da.float32
    same(da.linalg.trace(da.ones((2, 0, 0))), [0.0, 0.0])


@pytest.mark.parametrize(
    ("one", "other"), [("float32", "float64"), ("float32", "complex64"), ("int8", "int32")]
)
def test_promotion(one, other):
    wanted = promoted(one, other)
    x, y = array(np.eye(3), one), array(np.eye(3), other)
    for result in (
        da.matmul(x, y),
        x @ y,
        da.vecdot(x, y),
        da.tensordot(x, y),
        da.linalg.outer(x[0], y[0]),
        da.linalg.cross(x, y),
    ):
        assert result.dtype == wanted
    if one in REAL:
        assert da.linalg.solve(x, y).dtype == wanted
