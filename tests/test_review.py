"""What a reviewer broke once: aliasing, writers in the library, shared memory, joined results."""

import numpy as np
import pytest

import devarray as da
from agreement import agree, host_memory


def same(device, host):
    np.testing.assert_array_equal(device.get(), host)


def test_array_that_shows_a_view_survives_its_next_assignment():
    a, u = da.arange(3.0), da.zeros(6)
    y = a + 1
    u[:3] = y
    u[1:4] = y
    same(y, [1, 2, 3])
    same(u, [1, 1, 2, 3, 0, 0])


def test_initial_counts_once_with_where():
    x = da.arange(6.0).reshape(2, 3)
    assert x.sum(where=da.arange(3) > 0, initial=5).item() == 17
    y = da.arange(12.0)
    assert y[y > 5].sum(initial=5).item() == 56
    assert da.ones(3).sum(initial=5, where=False).item() == 5
    assert x.max(where=x < 3, initial=-1).item() == 2


@pytest.mark.parametrize("eager", [False, True])
def test_outputs_that_are_inputs_of_several_results(eager):
    with da.config(eager=eager):
        a, b = da.arange(3.0) + 5, da.zeros(3)
        np.divmod(a, 5, out=(a, b))
        same(a, [1, 1, 1])
        same(b, [0, 1, 2])
        v, e = da.arange(1.0, 13.0)[2:], da.zeros(10, np.int32)
        np.frexp(v, out=(v, e))
        same(e, np.frexp(np.arange(3.0, 13.0))[1])


def test_library_functions_that_write_to_an_argument():
    x = da.to_gpu(np.array([1.0, np.nan]))
    reader = x * 2
    np.nan_to_num(x, copy=False)
    same(reader, [2, np.nan])
    m, c = da.arange(12.0).reshape(3, 4), da.ones((3, 3))
    reader = c * 2
    np.dot(m, m.T, c)
    same(reader, np.full((3, 3), 2.0))
    np.copyto(dst=c, src=reader)
    same(c, np.full((3, 3), 2.0))
    with pytest.raises(ValueError, match="read-only"):
        np.nan_to_num(np.broadcast_to(da.full(1, np.nan), (3,)), copy=False)


@host_memory
def test_host_outputs_where_host_access_is_always_allowed():
    host = np.zeros(3)
    with da.config(host_access="always"):
        np.copyto(host, da.ones(3))
        np.add.at(host, [0], da.ones(1))
        np.testing.assert_array_equal(host, [2, 1, 1])
        assert np.sum(da.ones((2, 3)), axis=0, out=host) is host
    np.testing.assert_array_equal(host, [2, 2, 2])


@host_memory
def test_two_device_arrays_over_one_host_memory():
    host = np.arange(200_000.0)
    a, b = da.asarray(host, copy=False), da.asarray(host, copy=False)
    a[1:] = b[:-1]
    same(a, np.r_[0, np.arange(199_999.0)])
    host = np.arange(10.0)
    a, b = da.asarray(host, copy=False), da.asarray(host[::-1], copy=False)
    a += b
    same(a, np.full(10, 9.0))


def test_ten_thousand_pending_readers_of_what_is_written():
    y = da.ones(10)
    readers = [y * float(i) for i in range(10_000)]
    before = da.statistics().kernels
    y[2:4] = 3.0
    assert da.statistics().kernels - before <= 4
    same(readers[77], np.full(10, 77.0))


def test_initial_is_cast_and_refused_when_it_is_written():
    assert da.arange(4).sum(initial=1.5).item() == 7
    assert np.max(da.arange(3) > 1, initial=-5.0).item() is True
    with pytest.raises(TypeError):
        da.arange(4.0).sum(initial=1j)


def test_complex_numbers_are_rounded_part_by_part():
    z = np.array([complex(np.nan, np.inf), complex(np.inf, 1.13)])
    same(np.round(da.asarray(z), 1), np.round(z, 1))


def test_results_without_a_dimension_are_rebound_as_scalars_are():
    a = da.arange(4.0)
    m = n = a.max()
    n -= 1
    assert (float(m), float(n)) == (3.0, 2.0)
    old = best = a[3]
    best *= 2
    best **= 2
    assert (float(old), float(best)) == (3.0, 36.0)
    z = w = da.zeros(())
    z += 1
    assert float(w) == 1.0
    assert a.sum(out=z) is z
    z += 1
    assert float(w) == 7.0


def test_whole_programs_for_numpy_get_numpys_scalars():
    a = da.arange(4.0)
    with da.config(host_access="always"):
        results = [a.max(), a[1], a.mean(), a.std(), np.add.reduce(a), np.sum(a), np.linalg.norm(a)]
        assert [type(x) for x in results] == [np.float64] * 7
        assert type(a.argmax()) is np.intp and type((a > 1).any()) is np.bool_
        assert isinstance(a.sum(axis=0, keepdims=True), da.DeviceArray)


def test_fast_math_ends_with_its_block():
    a, b = np.random.default_rng(0).random((2, 100_000))
    x, y = da.to_gpu(a), da.to_gpu(b)
    with da.config(fast_math=True):
        np.testing.assert_allclose((x * y + x).get(), a * b + a, rtol=1e-15)
    same(x * y + x, a * b + a)


def test_outer_of_sequences() -> None:
    for one in (
        lambda xp, a: xp.add.outer(a, [1, 2, 3]),
        lambda xp, a: xp.multiply.outer((1, 2), a),
    ):
        agree(one, np.arange(3.0))
    agree(lambda xp, a: xp.heaviside.outer(a, -1), np.ones(4, "f4"))
    agree(
        lambda xp, y, x: xp.trapezoid(y, x), np.array([2, 0, -1.5]), np.array([[3, 2], [3, -1.0]])
    )


def test_conj_of_real_arrays_is_the_array() -> None:
    agree(lambda xp, a: [a.conj() is a, a.conj()], np.array([True, False]))
    agree(lambda xp, a: [a.conjugate() is a, xp.conj(a)], np.arange(3))


@pytest.mark.parametrize("method", ["var", "std"])
@pytest.mark.filterwarnings("ignore:Casting complex values")
def test_spread_in_another_kind_of_numbers(method: str) -> None:
    for a, dtype in (
        (np.array([-1.5 - 2j, 2, 1j]), "f8"), (np.array([7.0, 7, 2, 5]), "c16"),
        (np.array([3, 5, 3]), "i8"), (np.array([[7, -3], [2, 1], [7, 7]]), "u1"),
        (np.array([True, False]), "?"),
    ):  # fmt: skip
        agree(lambda xp, a, d=dtype: getattr(a, method)(dtype=d), a, rtol=1e-14)
        agree(lambda xp, a, d=dtype: getattr(xp, method)(a, 0, d, correction=1), a, rtol=1e-14)


@pytest.mark.parametrize("order", ["c", "F", "a", "k", None, "z", "", 3])
def test_orders(order: object) -> None:
    a = np.arange(6).reshape(2, 3)
    for body in (
        lambda xp, a: [a.ravel(order), a.T.ravel(order)],
        lambda xp, a: [a.flatten(order), a.T.flatten(order)],
        lambda xp, a: a.T.reshape(-1, order=order),
        lambda xp, a: xp.add(a, a, order=order),
        lambda xp, a: xp.zeros_like(a, order=order),
    ):
        agree(body, a)
    agree(lambda xp, a: xp.array(a, order=order), a, once=True)
    agree(lambda xp: xp.ones((2, 3), order=order), once=True)


def test_lengths_are_no_bools() -> None:
    for body in (
        lambda xp: xp.ones(True), lambda xp: xp.zeros((2, False)),
        lambda xp: xp.arange(3).reshape(True, -1),
    ):  # fmt: skip
        agree(body, once=True)


def test_many_axes() -> None:
    a = np.arange(2.0).reshape((1,) * 60 + (2,))
    agree(lambda xp, a: [a + 1, a * a[..., :1], a.sum(), a.mean(-1), np.exp(a)], a, rtol=1e-15)


def test_integers_to_negative_powers_in_another_dtype() -> None:
    a, b = np.array([2, 2], "u4"), np.array([-1, 1])
    agree(lambda xp, a, b: xp.power(a, b, dtype="f4"), a, b)
    agree(lambda xp, a, b: xp.power(a, b, dtype="i8"), a, b)


SCALARS = {
    "matmul": lambda xp, v: v @ v,
    "dot": lambda xp, v: xp.dot(v, v),
    "norm": lambda xp, v: xp.linalg.norm(v),
    "median": lambda xp, v: xp.median(v),
    "take": lambda xp, v: xp.take(v, 1),
    "searchsorted": lambda xp, v: xp.searchsorted(v, 2.0),
    "polyval": lambda xp, v: xp.polyval(v, 2.0),
    "nan_to_num": lambda xp, v: xp.nan_to_num(v[0]),
    "clip": lambda xp, v: xp.clip(v[0], 0, 2),
    "of a sum": lambda xp, v: v.sum() * 2,
    "negative": lambda xp, v: -v[0],
    "sqrt": lambda xp, v: xp.sqrt(v.sum()),
    "add, dtype": lambda xp, v: xp.add(v[0], 1, dtype="f4"),
    "divmod": lambda xp, v: xp.divmod(v[1], 2)[0],
}


@pytest.mark.parametrize("name", SCALARS)
def test_scalar_results_are_rebound_by_in_place_operators(name: str) -> None:
    def body(xp, v):
        result = SCALARS[name](xp, v)
        old = result
        result += 1
        return old, result

    agree(body, np.arange(1.0, 6.0))


def test_arrays_without_axes_are_changed_in_place() -> None:
    def body(xp, v):
        results = []
        for x in (xp.asarray(v[:1]).reshape(()), v[0, ...].copy(), xp.where(v[0] > 1, v[0], 0.0)):
            old = x
            x += 1
            results.append(old)
        return results

    agree(body, np.arange(1.0, 6.0), once=True)


def test_what_numpys_own_tests_found() -> None:
    a = np.arange(4.0).reshape(2, 2)
    for body in (
        lambda xp, a: xp.add(a.astype("f4"), 1.0, casting="equiv"),
        lambda xp, a: xp.add(a, 1.0, casting="equiv"),
        lambda xp, a: xp.add(a, 1, out=a.copy(), where=[[0, 1], [1, 0]]),
        lambda xp, a: xp.add(a, 1, out=...),
        lambda xp, a: xp.add.reduce(a, 0, None, None, True),
        lambda xp, a: a.reshape(4, copy=True),
        lambda xp, a: a.T.reshape(-1, copy=False),
        lambda xp, a: a.conj(a[::-1].copy()),
        lambda xp, a: xp.quantile(a.astype("f4"), 0.5),
    ):
        agree(body, a)
    for body in (
        lambda xp: xp.array(object=[1]),
        lambda xp: xp.asarray(a=[1]),
        lambda xp: xp.zeros((2**32, 2**32), "i1"),
        lambda xp: xp.eye(2, M=4, k=1),
    ):
        agree(body, once=True)


def test_a_function_of_coordinates_is_called_once() -> None:
    calls = []

    def broken(i):
        calls.append(i)
        raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        da.fromfunction(broken, (3,))
    assert len(calls) == 1


def test_resized_arrays_stay_read_only() -> None:
    x = da.ones((2, 3))
    x.setflags(write=False)
    x.resize(3, 2)
    assert not x.flags.writeable
