"""The cases in which lazy arrays with views go wrong elsewhere: each does what NumPy does."""

import gc
import sys

import numpy as np
import pytest

import devarray as da
from devarray import engine
from devarray.graph import live_pending
from devarray.plans import forget_plans
from devarray.registry import get_device


@pytest.fixture(autouse=True, params=["oracle", "kernels", "small kernels", "eager"])
def mode(request):
    options = {
        "oracle": {}, "kernels": {"oracle_limit": 0},
        "small kernels": {"oracle_limit": 0, "max_nodes": 4},
        "eager": {"eager": True},
    }[request.param]  # fmt: skip
    with da.config(**options):
        yield request.param


def same(device, numpys):
    np.testing.assert_array_equal(device.get(), numpys)


def both(program, *hosts):
    """Run a program on device arrays and on NumPy's; compare its arguments and its results."""
    devices = [da.asarray(host) for host in hosts]
    twins = [host.copy() for host in hosts]
    got, wanted = program(*devices), program(*twins)
    for device, twin in zip(devices, twins, strict=True):
        same(device, twin)
    if wanted is not None:
        for device, twin in zip(got, wanted, strict=True):
            same(device, np.asarray(twin))


def ramp(*shape):
    return (np.arange(np.prod(shape)) * 7 % 11).astype("f8").reshape(shape)


def test_stencil_onto_itself_is_jacobi():
    def program(u):
        for _ in range(3):
            u[1:-1] = u[:-2] + u[2:]

    both(program, ramp(12))


def test_laplace_relaxation_in_two_dimensions_is_jacobi():
    def program(u):
        for _ in range(3):
            u[1:-1, 1:-1] = 0.25 * (u[:-2, 1:-1] + u[2:, 1:-1] + u[1:-1, :-2] + u[1:-1, 2:])

    both(program, ramp(7, 6))


def test_leap_frog_updates_three_fields_in_turn():
    def program(u, v, p):
        for _ in range(4):
            u[1:, :] -= 0.5 * (p[1:, :] - p[:-1, :])
            v[:, 1:] -= 0.5 * (p[:, 1:] - p[:, :-1])
            p[:-1, :-1] -= 0.5 * (u[1:, :-1] - u[:-1, :-1] + v[:-1, 1:] - v[:-1, :-1])

    both(program, ramp(6, 5), ramp(6, 5)[::-1].copy(), ramp(6, 5) + 1)


def test_row_sweep_reads_what_it_has_just_written():
    def program(u):
        for i in range(1, 6):
            u[i] = u[i] + 0.5 * u[i - 1]

    both(program, ramp(6, 5))


def test_column_sweep_backwards_reads_what_it_has_just_written():
    def program(u):
        for j in range(3, -1, -1):
            u[:, j] += u[:, j + 1] * 2

    both(program, ramp(6, 5))


@pytest.mark.parametrize("n", [2, 9, 1000])
def test_overlapping_copies_in_both_directions(n):
    def program(u, v):
        u[1:] = u[:-1]
        v[:-1] = v[1:]

    both(program, ramp(n), ramp(n))


@pytest.mark.parametrize("n", [2, 9, 1000])
def test_overlapping_in_place_operators_in_both_directions(n):
    def program(u, v):
        u[1:] += u[:-1]
        v[:-1] -= v[1:]

    both(program, ramp(n), ramp(n))


def test_overlapping_out_argument():
    def program(u):
        np.add(u[:-1], u[1:], out=u[1:])
        np.multiply(u[::-1], 2, out=u)

    both(program, ramp(10))


def test_in_place_with_its_own_reverse():
    def program(u):
        u += u[::-1]
        u[::2] *= u[-2::-2]

    both(program, ramp(10))


def test_lazy_sum_between_two_writes():
    def program(u):
        before = u.sum()
        u[2:] = 0
        between = u.sum() + u
        u[:] = 1
        return before, between, u.sum()

    both(program, ramp(10))


def test_cross_assignment_of_two_names():
    def program(a, b):
        a[:], b[:] = b, a  # as in NumPy: both have the first value of b

    both(program, ramp(5), ramp(5) + 10)


def test_cross_assignment_of_pending_values():
    def program(a, b):
        a, b = a + 1, b * 2
        c, d = a + b, a - b
        a[:], b[:] = b, a
        return a, b, c, d

    both(program, ramp(5), ramp(5) + 10)


def test_cross_assignment_of_overlapping_parts():
    def program(a):
        a[:4], a[2:6] = a[2:6] * 1, a[:4] * 1

    both(program, ramp(8))


def test_swapped_rows():
    def program(u):
        u[0], u[2] = u[2].copy(), u[0].copy()
        u[1], u[3] = u[3] + 0, u[1] + 0

    both(program, ramp(4, 3))


def test_swapped_rows_through_views_lose_one_as_in_numpy():
    def program(u):
        u[0], u[1] = u[1], u[0]

    both(program, ramp(4, 3))


def test_flipped_targets():
    def program(u, v):
        u[::-1] = u + 1
        u[::-1] = u
        v[::-1, ::-1] = v
        v[:, ::-1] += v

    both(program, ramp(7), ramp(4, 5))


def test_whole_array_is_read_anew_after_a_copy_onto_its_own_reverse():
    def program(u):
        u[::-1] = u
        return (u + 0, u.sum())

    both(program, ramp(7))


def test_permuted_targets():
    def program(u, v):
        u[...] = u.T
        u.T[...] = u * 2 + u.T
        v.transpose(2, 0, 1)[...] = v[::-1] + v.transpose(2, 0, 1)

    both(program, ramp(5, 5), ramp(3, 3, 3))


def test_in_place_on_a_transposed_view():
    def program(u):
        t = u.T
        t += t[:, ::-1]
        t *= u.sum()
        return (t,)

    both(program, ramp(4, 6))


def test_lazy_reader_built_before_the_assignment_to_a_view():
    def program(u):
        reader = u * 2
        late = reader + 1
        part = u[3:]
        part[:] = -1
        return reader, late, part

    both(program, ramp(8))


def test_lazy_reader_of_a_reader_whose_name_is_gone():
    def program(u):
        reader = (u * 2).sum() + u[:2].max()
        u[0] = 100
        return (reader,)

    both(program, ramp(8))


def test_copy_is_a_snapshot():
    def program(u):
        a = u.copy()
        b = +u
        c = u.astype("f4")
        u[1] = 50
        a[2] = 7
        u += 1
        return a, b, c

    both(program, ramp(8))


def test_one_element_is_a_snapshot():
    def program(u, z):
        a, c = u[1], u[2, ...]
        u[:] = 9
        return a, c

    both(program, ramp(4), np.array(3.0))


def test_empty_index_of_a_0d_array_is_a_snapshot():
    def program(z):
        a = z[()]
        z[...] = 9
        return (a,)

    both(program, np.array(3.0))


def test_reader_of_a_part_that_is_not_overlapped_stays_pending(mode):
    if mode == "eager":
        pytest.skip("nothing is pending")
    u = da.asarray(ramp(10))
    near, far = u[:5] * 2, u[5:] * 2
    u[:5] = 0
    waiting = live_pending()
    assert near._buffer not in waiting
    assert far._buffer in waiting
    same(far, ramp(10)[5:] * 2)
    same(near, ramp(10)[:5] * 2)


def test_interleaved_parts_do_not_overlap(mode):
    if mode == "eager":
        pytest.skip("nothing is pending")
    u = da.asarray(ramp(10))
    odd = u[1::2] * 2
    u[::2] = u[1::2] + 1
    assert odd._buffer in live_pending()
    wanted = ramp(10)
    wanted[::2] = wanted[1::2] + 1
    same(u, wanted)
    same(odd, ramp(10)[1::2] * 2)


def test_reader_whose_name_is_gone_is_not_evaluated(mode):
    if mode == "eager":
        pytest.skip("nothing is pending")
    u = da.asarray(ramp(10))
    u.get()
    gone = u * 2
    del gone
    before = engine.counters.launches + engine.counters.oracle
    u[:5] = 0  # a few elements of the host's memory are set without a kernel
    own = 0 if da.Device().shares_host_memory else 1
    assert engine.counters.launches + engine.counters.oracle == before + own


@pytest.mark.parametrize("shape", [(8,), (40,), (6, 7)])
def test_minus_its_own_mean(shape):
    def program(u):
        u -= u.sum() / 8
        u -= u.mean(axis=0) * 0 + u.max()
        u[...] = u - u.min()
        u[1:] -= u[1:].max() + u.min(axis=-1, keepdims=True)[..., :1].sum()

    both(program, ramp(*shape))


def test_minus_mean_to_the_letter():
    host = ramp(6, 8)
    u = da.asarray(host)
    u -= u.mean()
    u[:] -= u.mean(axis=0)
    u -= u.mean(axis=1, keepdims=True)
    host -= host.mean()
    host[:] -= host.mean(axis=0)
    host -= host.mean(axis=1, keepdims=True)
    np.testing.assert_allclose(u.get(), host, atol=1e-14)


def test_name_alive_across_an_aliased_in_place_store_with_a_cast():
    def program(u, i):
        old = u + 0
        alias = u[...]
        u += i
        i += (u > 3) * 2
        again = u * 2
        alias -= i
        i[1:] = u[:-1] + 0.75
        return old, alias, again

    both(program, ramp(8), np.arange(8))


def test_value_with_a_name_is_stored_with_a_cast():
    def program(f, i):
        y = f + 0.5
        i[...] = y
        i[:4] = y[4:]
        y += 1
        return (y,)

    both(program, ramp(8), np.zeros(8, "i8"))


def test_real_and_imaginary_parts_alias():
    def program(z):
        reader = z * 2
        x, y = z.real, z.imag
        x += y
        z.imag[1:] = z.real[:-1]
        z.real[...] = z.imag + z.real
        z *= z.real
        return (reader,)

    both(program, ramp(6) + 1j * ramp(6)[::-1])


def test_real_and_imaginary_parts_can_be_assigned():
    def program(z):
        z.real = 2.5
        z.imag += z.real

    both(program, ramp(6) + 1j * ramp(6)[::-1])


def test_masked_update_reads_old_values():
    def program(u):
        old = u * 1
        u[u > 4] = -1
        u[u < 0] = u[u < 0] - 1
        m = u == 2
        u += m
        return old, m

    both(program, ramp(12))


def test_masked_where_out_onto_an_operand():
    def program(u):
        np.add(u, u[::-1], out=u, where=u > 3)
        np.multiply(u[1:], u[:-1], out=u[1:], where=u[:-1] > u[1:])

    both(program, ramp(12))


def test_reduction_written_to_what_it_reads():
    def program(u):
        u[0] = u.sum(axis=0)
        u[:, 0] = u.sum(axis=1)
        u[...] = u.max()

    both(program, ramp(5, 4))


def test_scan_written_to_what_it_reads():
    def program(u):
        u[...] = u.cumsum()
        u[::-1] = u.cumsum()
        u[1:] = u[:-1].cumsum()

    both(program, ramp(9))


def test_view_of_a_pending_array_follows_in_place_writes():
    def program(u):
        y = u + 1
        v = y[1:4]
        y *= 2
        v[0] = 99
        y += v.sum()
        v -= 1
        return y, v

    both(program, ramp(6))


def test_reader_through_a_view_of_what_is_replaced_as_a_whole():
    def program(u):
        v = u[::2]
        reader = v + 1
        u[...] = 5
        u += 1
        later = v + 1
        u *= u
        return reader, later, v

    both(program, ramp(7))


# Graphs


def test_exponentially_shared_graph():
    x = da.ones(3)
    for _ in range(200):
        x = x + x
    same(x, np.full(3, 2.0**200))


def test_exponentially_shared_graph_with_live_names():
    names = [da.ones(3)]
    for _ in range(60):
        names.append(names[-1] + names[-1])
    same(names[-1], np.full(3, 2.0**60))
    same(names[30], np.full(3, 2.0**30))


def test_exponentially_shared_graph_of_broadcasts():
    x = da.ones((1, 3))
    for _ in range(60):
        x = x + x
    y = x + da.zeros((4, 1))
    same(y, np.full((4, 3), 2.0**60))
    same(x.T, np.full((3, 1), 2.0**60))


@pytest.fixture
def shallow():
    """Leave no room for recursion."""
    before = sys.getrecursionlimit()
    depth, frame = 0, sys._getframe()
    while frame is not None:
        depth, frame = depth + 1, frame.f_back
    sys.setrecursionlimit(depth + 150)
    yield
    sys.setrecursionlimit(before)


def test_long_chain_without_recursion(shallow):
    x = da.zeros(4)
    for _ in range(5000):
        x = x + 1.0
    same(x, np.full(4, 5000.0))


def test_long_chain_with_all_names_alive(shallow):
    x = da.zeros(4)
    names = []
    for _ in range(1000):
        x = x + 1.0
        names.append(x)
    same(names[499], np.full(4, 500.0))
    same(x, np.full(4, 1000.0))


@pytest.mark.parametrize("limit", [96, 10**6])
def test_long_chain_is_dropped_without_recursion(shallow, limit):
    with da.config(max_nodes=limit):
        x = da.zeros(4)
        for _ in range(5000):
            x = x + 1.0
        del x
        gc.collect()


def test_long_chain_of_in_place_writes(shallow):
    x = da.zeros(4)
    for _ in range(2000):
        x += 1.0
    same(x, np.full(4, 2000.0))


# Failures


class BrokenError(Exception):
    pass


@pytest.fixture
def broken_compiler(monkeypatch):
    """Return a function from which on no kernel compiles, and one that repairs that."""
    device = get_device()

    def refuse(*args, **options):
        raise BrokenError

    def on():
        forget_plans()  # another test may have compiled the very same kernel
        monkeypatch.setattr(device, "compile", refuse)

    return on, monkeypatch.undo


def test_failing_compilation_leaves_arrays_as_they_were(broken_compiler, mode):
    if mode != "kernels":
        pytest.skip("needs a kernel, at a known moment")
    on, off = broken_compiler
    u, v = da.asarray(ramp(6)), da.asarray(ramp(6) + 1)
    a = np.arctan2(u, v) - 0.375
    b = a * a + u
    c = b.sum() + a
    on()
    for name in (a, b, c):
        with pytest.raises(BrokenError):
            name.get()
    same(u, ramp(6))
    off()
    x = np.arctan2(ramp(6), ramp(6) + 1) - 0.375
    np.testing.assert_allclose(a.get(), x, rtol=1e-14)
    np.testing.assert_allclose(b.get(), x * x + ramp(6), rtol=1e-14)
    np.testing.assert_allclose(c.get(), (x * x + ramp(6)).sum() + x, rtol=1e-14)


@pytest.mark.parametrize("name", ["whole", "part", "shifted", "cast"])
def test_failing_store_can_be_repeated(broken_compiler, mode, name):
    if mode != "kernels":
        pytest.skip("needs a kernel, at a known moment")
    on, off = broken_compiler
    host = ramp(6)
    u = da.asarray(host)
    i = da.asarray(host.astype("i8"))
    reader = u[:3] - 0.125
    steps = {
        "whole": lambda u, i: u.__setitem__(..., np.hypot(u, 3.25)),
        "part": lambda u, i: u.__setitem__(slice(1, 3), np.hypot(u[1:3], 4.25)),
        "shifted": lambda u, i: u.__setitem__(slice(1, 3), np.hypot(u[:2], 5.25)),
        "cast": lambda u, i: i.__setitem__(slice(1, 3), np.hypot(u[:2], 6.25)),
    }
    on()
    try:
        steps[name](u, i)
    except BrokenError:
        off()
        same(u, host)
        same(i, host.astype("i8"))
        same(reader, host[:3] - 0.125)
        steps[name](u, i)
    off()
    wanted, whole = host.copy(), host.astype("i8")
    steps[name](wanted, whole)
    np.testing.assert_allclose(u.get(), wanted, rtol=1e-14)
    same(i, whole)
    same(reader, host[:3] - 0.125)


def test_failing_write_to_a_whole_array_leaves_a_pending_value_repairable(broken_compiler, mode):
    if mode != "kernels":
        pytest.skip("needs a kernel, at a known moment")
    on, off = broken_compiler
    u = da.asarray(ramp(6))
    view = u[1:]
    u *= np.exp2(u) - 0.625
    on()
    with pytest.raises(BrokenError):
        view.get()
    off()
    np.testing.assert_allclose(view.get(), (ramp(6) * (np.exp2(ramp(6)) - 0.625))[1:], rtol=1e-14)


# Cuts and fusion


def kernels_of(loop):
    before = da.statistics().kernels
    loop()
    return da.statistics().kernels - before


def test_in_place_loop_cuts_at_the_same_place(mode):
    if mode in ("eager", "small kernels"):
        pytest.skip("one kernel an operation")
    x, y = da.asarray(ramp(6)), da.asarray(ramp(6) % 3)

    def loop():
        nonlocal x, y
        for _ in range(300):
            x *= 0.5
            x += y
            x -= 0.25
            np.maximum(x, -4.0, out=x)
            np.minimum(x, 4.0, out=x)
            y += 0.5
            y *= 0.25
            y -= x
            np.maximum(y, -2.0, out=y)
            np.minimum(y, 2.0, out=y)
        da.evaluate(x, y)

    assert kernels_of(loop) <= 8  # whatever the number of iterations


def test_out_of_place_loop_cuts_at_the_same_place(mode):
    if mode in ("eager", "small kernels"):
        pytest.skip("one kernel an operation")
    x, y = da.asarray(ramp(7)), da.asarray(ramp(7) % 3)

    def loop():
        nonlocal x, y
        for _ in range(300):
            a = x * 0.5 + y
            b = a - 0.125
            x = np.minimum(np.maximum(b, -4.0), 4.0)
            c = y * 0.25 - x
            y = np.minimum(np.maximum(c + 0.5, -2.0), 2.0)
        da.evaluate(x, y)

    assert kernels_of(loop) <= 8  # whatever the number of iterations


def test_one_name_loop_cuts_at_the_same_place(mode):
    if mode in ("eager", "small kernels"):
        pytest.skip("one kernel an operation")
    x = da.asarray(ramp(7))

    def loop():
        nonlocal x
        for _ in range(300):
            x = (
                np.minimum(np.maximum((((x * 0.5 + 1.0) * 0.75 - 0.25) * 0.5 + x) * 0.5, -4.0), 4.0)
                + 0.5
            )
        da.evaluate(x)

    assert kernels_of(loop) <= 8  # whatever the number of iterations


@pytest.mark.parametrize("n", [5, 1001])
def test_maximum_is_found_among_dear_values(n):
    u = da.asarray(np.linspace(-20.0, 20.0, n))
    y = np.sin(u)
    found = (y == y.max()).any()
    assert bool(found), "y alive"
    del y, found
    y = np.sin(u)
    where = y == y.max()
    del y
    assert bool(where.get().any()), "y dead"


@pytest.mark.parametrize("axis", [0, 1])
def test_maximum_along_an_axis_is_found_among_dear_values(axis):
    u = da.asarray(np.linspace(-20.0, 20.0, 600).reshape(20, 30))
    y = np.sin(u)
    where = y == y.max(axis=axis, keepdims=True)
    del y
    assert where.any(axis=axis).get().all()


def test_writes_do_not_reach_arrays_made_from_a_library_result():
    def program(u):
        a = np.sort(u)
        b = np.flip(u)
        u[0] = 100
        b[1] = 50
        return a, b

    both(program, ramp(6))


def test_library_reads_pending_values_and_writes_reach_lazy_readers():
    def program(u):
        y = u * 2
        reader = y + 1
        np.copyto(y, 7.0)
        np.put(u, [0, 2], [5.0, 6.0])
        return reader, y, u + y

    both(program, ramp(6))


# What random programs (test_programs.py) found, which leave it out now


def test_in_place_on_a_view_of_a_pending_in_place_update():
    def program(u):
        u += 10
        u[...] += 1

    both(program, ramp(4))


def test_two_views_of_a_pending_in_place_update():
    def program(u):
        u += 10
        return (u.T + u[:1],)

    both(program, ramp(3, 3))


def test_clip_to_limits_beyond_the_dtype():
    def program(u):
        return np.clip(u, -1, 3), np.clip(u, 2, 300)

    both(program, np.arange(6, dtype="u1"))


@pytest.mark.parametrize("name", ["sum", "max", "any", "argmax"])
@pytest.mark.parametrize("axis", [0, -1])
def test_reduction_of_a_0d_array_along_an_axis(name, axis):
    both(lambda z: (getattr(np, name)(z, axis=axis),), np.array(3.0))


def test_array_into_one_element_is_refused():
    for u in (np.zeros(3), da.zeros(3)):
        one = u[:1] + 1
        try:
            u[-1] = one
        except ValueError:
            outcome = "refused"
        except DeprecationWarning:
            outcome = "deprecated"
        else:
            outcome = "taken"
        if isinstance(u, np.ndarray):
            numpys = outcome
    assert outcome == numpys


def test_ravel_of_a_strided_array_is_a_copy():
    def program(u):
        r = u[::2].ravel()
        r[0] = 100
        s = u[::-1].ravel()
        s += 1
        return r, s

    both(program, ramp(6))


def test_mean_along_no_axes_with_a_mask():
    def program(u):
        return (u.mean(axis=(), where=u >= 0),)

    both(program, ramp(4))


def test_mask_of_more_dimensions_is_refused():
    for u in (np.ones(2), da.ones(2)):
        with pytest.raises(ValueError):
            u.sum(where=(u > 0)[None])


def test_in_place_on_a_view_while_another_operand_is_updated_in_place():
    def program(u, i):
        u += i
        i += (u > 3) * 2
        u[...] -= i

    both(program, ramp(4), np.arange(4))


def test_empty_mask_of_another_shape():
    def program(u, m):
        u[m] = 1

    both(program, ramp(5), np.zeros(0, "?"))


@pytest.mark.filterwarnings("error")
def test_evaluation_does_not_warn():
    z = da.asarray(np.array([1 + 2j]))
    with pytest.warns(np.exceptions.ComplexWarning):
        x = z.astype("f8")  # NumPy warns here, at the user's line
    with da.config(check=True):  # the oracle has a say
        x.get()


def test_slice_of_a_0d_array_is_refused():
    for z in (np.array(3.0), da.asarray(3.0)):
        with pytest.raises(IndexError):
            z[:] = 2


def test_named_value_that_is_repeated_in_an_epilogue_is_not_stored_by_it():
    for rows in (5, 0):
        x = da.asarray(np.arange(3.0 * rows).reshape(rows, 3))
        two, row = da.full((), 2.0) * 1.0, da.full((1,), 3.0) + 0.0
        y = np.maximum(x.sum(axis=1), two) + row
        np.testing.assert_array_equal(y.get(), np.maximum(x.get().sum(axis=1), 2.0) + 3.0)
        assert float(two) == 2.0 and row.get() == [3.0]


def test_ravel_of_the_real_part_of_one_number_shares_memory():
    def program(z):
        z.real.ravel()[...] = 7
        z.imag.ravel()[...] += 1

    both(program, np.array([1 + 2j]))
