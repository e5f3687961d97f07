"""Methods and attributes of arrays: each does what `numpy.ndarray`'s does, errors included."""

import copy
import operator
import pickle
import sys

import numpy as np
import pytest

import devarray as da
from agreement import NUMPY_LIBRARY, agree, assert_same, assert_same_bits, host_memory, outcome
from devarray.config import current
from devarray.errors import HostMixError, UnsupportedError
from devarray.host import readable

A = np.array([[3.0, -0.0, np.nan, 1.0], [2.0, 9.0, -4.0, 0.0], [7.0, 7.0, np.inf, 5.0]])
N = np.array([5, 3, 9, -1, 0, 3])
E = np.zeros((0, 3))
S = np.array(2.5)
PLAIN = pytest.mark.skipif(
    current().eager or current().check, reason="each operation is a kernel in these modes"
)
ARRAYS = {"matrix": A, "vector": N, "empty": E, "scalar": S}


def method(name, *args, **options):
    """Return a body for `agree` that calls a method of its array."""

    def body(xp, x, *arrays):
        return getattr(x, name)(*args, *arrays, **options)

    return body


def changed(name, *args, **options):
    """Return a body that calls a method that writes in place, and shows what the array is then."""

    def body(xp, x):
        result = getattr(x, name)(*args, **options)
        return [result, x]

    return body


def code(text, *arrays, **names):
    """Run a statement on x with both, and compare x, or the error."""
    program = compile(text, "<test>", "exec")

    def body(xp, x, *others):
        space = {"x": x, "xp": xp, "np": np, "a": others, "r": None, **names}
        exec(program, space)
        return [space["r"], space["x"]]

    agree(body, *arrays, once=True)


# What there is


def test_every_name_of_ndarray_is_here_but_what_makes_no_sense():
    absent = {n for n in dir(np.ndarray) if not hasattr(da.DeviceArray, n)}
    assert absent == {
        "__array_finalize__",  # of subclasses of ndarray
        "__array_struct__",
        "__array_wrap__",
        "__setstate__",  # pickling goes through __reduce__
    }


@pytest.mark.parametrize("name", ["ptp", "itemset", "newbyteorder", "__cuda_array_interface__"])
def test_what_is_gone_in_numpy_2_or_of_other_devices_is_absent(name):
    with pytest.raises(AttributeError):
        getattr(da.ones(2), name)


# Scalars


@pytest.mark.parametrize("args", [(), (5,), (-1,), (1, 2), ((1, 2),), (12,), (-13,), (0, 9),
                                  (1, 2, 3), ("a",), (1.0,), ((),), (np.int8(3),),
                                  (None,)])  # fmt: skip
@pytest.mark.parametrize("name", ARRAYS)
def test_item(name, args):
    agree(method("item", *args), ARRAYS[name], once=True)


@pytest.mark.parametrize("args", [(5,), (-1,), (1, 2), ((1, 2),), (12,), (0, 9), (1, 2, 3), ("a",)])
def test_item_on_a_device_with_memory_of_its_own_reads_one_element(args, monkeypatch):
    x = da.to_gpu(A)
    monkeypatch.setattr(type(x.device), "shares_host_memory", False)
    got = outcome(lambda: x.item(*args))
    assert_same(got, outcome(lambda: A.item(*args)))


@pytest.mark.parametrize(
    "kind", [bool, int, float, complex, operator.index, len, round, hash, iter]
)
@pytest.mark.parametrize(
    "x", [S, N, E, np.array(3), np.array(True), np.array(2 - 1j), np.ones(1), np.ones((1, 1), int),
          np.array(5, "u1"), np.array(1.5, "f2"), np.array(np.nan)],
    ids=repr,
)  # fmt: skip
def test_conversions_to_python(kind, x):
    if kind is iter and x.ndim:
        pytest.skip("compared below")
    if kind is round:
        wanted = outcome(lambda: round(x[()]) if not x.ndim else float(x))
        wanted = int(wanted) if type(wanted) is np.int64 or type(wanted) is np.uint8 else wanted
        if x.dtype.kind in "bc" or np.isnan(x).any():
            pytest.skip("NumPy's scalars round to themselves, Python's raise")
    elif kind is hash:
        wanted = TypeError("unhashable type: 'DeviceArray'")
    else:
        wanted = outcome(lambda: kind(x))
    got = outcome(lambda: kind(da.to_gpu(x)))
    if wanted != wanted:  # NaN
        assert repr(got) == repr(wanted)
    else:
        assert_same(got, wanted)


def test_round_to_digits():
    assert round(da.asarray(2.345), 2) == round(2.345, 2)


def test_iteration_gives_elements_and_rows():
    assert [float(v) for v in da.to_gpu(N)] == list(N)
    for got, wanted in zip(da.to_gpu(A), A, strict=True):
        assert_same_bits(got.get(), wanted)


@PLAIN
def test_truth_of_many_elements_is_refused_before_they_are_computed():
    before = da.statistics()
    x = da.arange(50.0) * 1.25 + 3.5
    with pytest.raises(ValueError, match="ambiguous"):
        bool(x)
    with pytest.raises(ValueError, match="size 1"):
        x.item()
    with pytest.raises(TypeError, match="0-dim"):
        float(x)
    after = da.statistics()
    assert (after.launches, after.oracle) == (before.launches, before.oracle)


ONE = [
    lambda xp, x: x[1, 2] * 2.0 + 1.0,
    lambda xp, x: -x[2, 0] / 3,
    lambda xp, x: x[1, 1] > 2,
    lambda xp, x: (x[0, 0] == 3) & (x[1, 1] < 10),
    lambda xp, x: xp.where(x[0, 1] > 0, x[0, 0], 5),
    lambda xp, x: xp.exp(x[0, 3]) + xp.sin(x[1, 0]),
    lambda xp, x: xp.astype(x[1, 2], xp.int32) // 3,
    lambda xp, x: x[:1, :1] + 1,
    lambda xp, x: xp.astype(x[0, 3], xp.float16) * 3,
    lambda xp, x: x[0, 0] * 1j,
    lambda xp, x: divmod(x[1, 1], 4)[1],
    lambda xp, x: x[0, 2] / 0,
    lambda xp, x: xp.isnan(x[0, 2]),
    lambda xp, x: xp.copysign(x[0, 1], -1.0) - 0.0,
    lambda xp, x: abs(x[1, 2]) ** 2,
    lambda xp, x: xp.abs(x[1, 2] * 1j),
]


@PLAIN
@pytest.mark.parametrize("expression", ONE, ids=range(len(ONE)))
@pytest.mark.parametrize("how", ["item", "bool", "get", "repr"])
def test_expressions_of_one_element_compile_and_launch_nothing(expression, how, quiet):
    x = da.to_gpu(A)
    before = da.statistics()
    y = expression(da, x)
    with np.errstate(all="ignore"):
        wanted = expression(np, A)
    if how == "item":
        got, wanted = np.asarray(y.item()), np.asarray(np.asarray(wanted).item())
    elif how == "bool":
        got, wanted = np.asarray(bool(y)), np.asarray(bool(wanted))
    elif how == "get":
        got, wanted = y.get(), np.asarray(wanted)
    else:
        assert repr(y).split(", device")[0] == repr(np.asarray(wanted))[:-1]
        got, wanted = y.get(), np.asarray(wanted)
    assert_same_bits(got, wanted)
    after = da.statistics()
    assert (after.launches, after.oracle, after.compiled) == (
        before.launches, before.oracle, before.compiled)  # fmt: skip


def test_an_element_keeps_its_value_when_the_array_is_written():
    x = da.arange(5.0)
    y, z = x[2], x[2] * 10.0
    x[...] = -1.0
    assert (y.item(), float(z), float(x[2])) == (2.0, 20.0, -1.0)


def test_an_expression_that_was_read_is_used_again():
    x = da.arange(5.0)
    y = x[3] * 2.0
    assert float(y) == 6.0
    y += 1.0
    assert_same_bits((x + y).get(), np.arange(5.0) + 7.0)


@PLAIN
def test_one_element_is_checked_in_check_mode():
    x = da.arange(5.0)
    with da.config(check=True):
        before = da.statistics()
        assert float(x[3] * 2.0 + 0.5) == 6.5
        after = da.statistics()
        assert after.launches + after.oracle == before.launches + before.oracle + 1


def test_an_element_of_a_pending_array():
    x = da.arange(6.0) * 2.0
    assert x[4].item() == 8.0 and x.item(5) == 10.0
    y = (da.arange(1.0) + 4.0)[None]
    assert y[0, 0].item() == 4.0 and bool(y) and readable(y).shape == (1, 1)


@pytest.mark.parametrize("key", [0, -1, 6, -7, (2,), (7,), np.int64(1), True, (1, 1), (), (True,)])
def test_elements_by_index(key):
    agree(lambda xp, x: x[key], N, once=True)
    agree(lambda xp, x: x[key], A, once=True)


# Sorting, searching, taking

METHODS = [
    ("argsort", (), {}), ("argsort", (0,), {}), ("argsort", (None,), {}), ("argsort", (5,), {}),
    ("argsort", (), {"stable": True}), ("argsort", (), {"kind": "foo"}),
    ("argpartition", (2,), {}), ("argpartition", (1, 0), {}), ("argpartition", (99,), {}),
    ("take", ([0, 2],), {}), ("take", ([0, 2], 1), {}), ("take", ([99],), {}),
    ("take", ([99, -7],), {"mode": "wrap"}), ("take", (1,), {}), ("take", ([0.5],), {}),
    ("repeat", (2,), {}), ("repeat", (2, 0), {}), ("repeat", (-1,), {}),
    ("repeat", (2,), {"axis": 7}),
    ("diagonal", (), {}), ("diagonal", (1,), {}), ("diagonal", (0, 1, 0), {}),
    ("diagonal", (0, 0, 0), {}),
    ("trace", (), {}), ("trace", (-1,), {}), ("trace", (), {"dtype": "f4"}), ("trace", (0, 5), {}),
    ("compress", ([True, False, True],), {}), ("compress", ([False, True],), {"axis": 0}),
    ("compress", ([[True]],), {}), ("dot", (2,), {}), ("dot", (), {}), ("nonzero", (), {}),
    ("nonzero", (1,), {}), ("choose", ([1, 2],), {}), ("searchsorted", (1.0,), {}),
    ("searchsorted", ([1.0, 4.0], "right"), {}), ("searchsorted", (1.0,), {"side": "middle"}),
    ("byteswap", (), {}), ("tobytes", (), {}), ("tobytes", ("F",), {}),
    ("tobytes", ("A",), {}), ("tobytes", ("Z",), {}), ("swapaxes", (0, 1), {}),
    ("ravel", ("F",), {}),
    ("flatten", ("F",), {}), ("flatten", ("A",), {}), ("clip", (1, 3), {}), ("clip", (), {}),
    ("round", (1,), {}), ("round", (), {}), ("squeeze", (), {}), ("cumsum", (), {}),
    ("cumprod", (0,), {}), ("conjugate", (), {}), ("copy", (), {}), ("copy", ("F",), {}),
    ("copy", ("Z",), {}), ("copy", (None,), {}), ("view", (), {}), ("min", (), {}),
    ("argmax", (), {}), ("nope", (), {}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "args", "options"), METHODS, ids=lambda v: str(v) if type(v) is str else None
)
@pytest.mark.parametrize("array", ARRAYS)
def test_methods_agree(array, name, args, options):
    words = name not in ("nope", "dot", "nonzero")  # Python's own words name the class
    odd = (name, args) in [("dot", (2,)), ("take", ([0.5],)), ("choose", ([1, 2],))]
    if not NUMPY_LIBRARY and (odd or (name == "argsort" and array == "vector")):
        pytest.skip("the order of equal elements, the sign of zeros, indices that are no integers")
    agree(method(name, *args, **options), ARRAYS[array], once=True, words=words)


@pytest.mark.parametrize("name", ["argsort", "diagonal", "nonzero", "ravel", "tobytes", "flatten"])
def test_methods_of_views(name):
    agree(lambda xp, x: getattr(x.T, name)(), A, once=True)
    agree(lambda xp, x: getattr(x[::-2, 1::2], name)(), A, once=True)


def test_methods_with_arrays():
    agree(method("searchsorted"), np.arange(5.0), np.array([1.5, 9.0, -1.0]))
    agree(
        lambda xp, x, v, s: x.searchsorted(v, "right", s),
        -np.arange(5.0),
        -np.ones(2),
        np.arange(5)[::-1].copy(),
    )
    agree(method("take"), A, np.array([[0, 11], [3, -1]]))
    agree(method("choose"), np.array([0, 1, 1]), np.arange(6.0).reshape(2, 3))
    agree(method("compress"), N, N > 2)
    agree(method("dot"), A, np.ones((4, 2)))
    agree(method("dot"), A, np.ones(3))
    agree(method("repeat"), N, np.arange(6))


def test_out_of_methods():
    def body(xp, x, out):
        assert x.take(xp.asarray([0, 2]), 0, out) is out
        return out * 2

    agree(body, A, np.zeros((2, 4)), once=True)
    agree(lambda xp, x, out: [x.dot(x, out) is out, out], np.eye(2), np.zeros((2, 2)), once=True)
    agree(lambda xp, x, out: [x.trace(out=out) is out, out], A, np.array(0.0), once=True)


@pytest.mark.parametrize("name", ["searchsorted", "dot", "choose", "put"])
def test_methods_refuse_host_arrays(name):
    x = da.arange(6)
    with pytest.raises(HostMixError):
        getattr(x, name)(np.arange(2), *([1] if name == "put" else []))


# In place

IN_PLACE = [
    ("sort", (), {}), ("sort", (0,), {}), ("sort", (5,), {}), ("sort", (None,), {}),
    ("sort", (), {"kind": "stable"}), ("sort", (), {"stable": True}), ("sort", (), {"kind": "foo"}),
    ("sort", (), {"order": "a"}), ("sort", (), {"stable": True, "kind": "quick"}),
    ("partition", (2,), {}), ("partition", (1,), {"axis": 0}), ("partition", (40,), {}),
    ("partition", (1,), {"kind": "foo"}), ("put", ([0, 2], [8, 9]), {}), ("put", ([-1], 5), {}),
    ("put", ([99], 5), {}), ("put", ([99], 5), {"mode": "clip"}), ("put", (0, 2), {}),
    ("fill", (2,), {}), ("fill", (2.7,), {}), ("fill", ([1, 2],), {}), ("fill", ("a",), {}),
    ("fill", (1j,), {}), ("fill", (np.nan,), {}), ("fill", (True,), {}), ("byteswap", (True,), {}),
    ("setfield", (3, "i4", 4), {}), ("setfield", (3, "i4", 6), {}), ("resize", ((3, 2),), {}),
    ("resize", (2, 4), {}), ("resize", (), {}), ("resize", (None,), {}), ("resize", (-1,), {}),
    ("resize", (2.5,), {}), ("resize", (0,), {}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "args", "options"), IN_PLACE, ids=lambda v: str(v) if type(v) is str else None
)
@pytest.mark.parametrize("array", ARRAYS)
def test_methods_in_place_agree(array, name, args, options):
    if not NUMPY_LIBRARY and (name, array, args) == ("put", "scalar", ([0, 2], [8, 9])):
        pytest.skip("NumPy writes until it comes to what is out of bounds, we write nothing then")
    if name == "resize":  # NumPy counts the names of an array, which the test has many of
        options = {"refcheck": False}
    agree(changed(name, *args, **options), ARRAYS[array], once=True)


WRITES = {
    "sort": lambda x: x.sort(axis=0),
    "partition": lambda x: x.partition(1, axis=0),
    "put": lambda x: x.put([0, 1], 7.0),
    "byteswap": lambda x: x.byteswap(inplace=True),
    "fill": lambda x: x.fill(4.0),
    "flat": lambda x: operator.setitem(x.flat, slice(1, None), 4.0),
    "flat all": lambda x: setattr(x, "flat", [1.0, 2.0]),
    "setfield": lambda x: x.setfield(3, "u2", 6),
    "view": lambda x: operator.setitem(x.view("i8"), 0, 1),
    "getfield": lambda x: operator.setitem(x.getfield("i4", 4), ..., 1),
    "real": lambda x: setattr(x, "real", 2.5),
    "matmul": lambda x: operator.imatmul(x, x * 0.5),
}


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize("part", [..., (slice(None, None, -1),), (slice(0, 2), slice(0, 2))])
def test_pending_readers_have_the_values_of_before(write, part):
    def body(xp, x):
        pending, reduced, copied = x + 1, x.sum(axis=1), x.copy()
        shown = x[part]
        below = shown * 2
        WRITES[write](shown)
        after = x - 1
        return [x, pending, reduced, copied, below, shown, after]

    agree(body, np.array([[3.0, 1.0, 2.0], [-1.0, 5.0, 0.5], [9.0, 4.0, -7.0]]), once=True,
          rtol=1e-12 if write == "matmul" else 0.0)  # fmt: skip


@pytest.mark.parametrize("write", WRITES)
def test_pending_arrays_are_written(write):
    def body(xp, x):
        y = x * 2.0
        reader = y + 1.0
        WRITES[write](y)
        return [x, y, reader]

    agree(body, np.array([[3.0, 1.0], [-1.0, 5.0]]), once=True)


@pytest.mark.parametrize("write", WRITES)
def test_read_only_arrays_are_not_written(write):
    def body(xp, x):
        x.setflags(write=False)
        WRITES[write](x)

    agree(body, np.array([[3.0, 1.0], [-1.0, 5.0]]), once=True)


def test_assigned_views_keep_their_value():
    def body(xp, x):
        u, v = x + 1.0, x[:3] * -1.0
        u[1:4] = v
        u.sort()
        return [u, v]

    agree(body, np.arange(6.0) + 0.5, once=True)


def test_selections_by_masks_have_the_methods():
    x = da.to_gpu(N)
    chosen = x[x > 0]
    chosen.sort()
    chosen.shape = (2, 2)
    assert_same_bits(chosen.get(), np.array([[3, 3], [5, 9]]))
    assert x[x > 0].flags.owndata and list(x[x > 2].flat) == [5, 3, 9, 3]


# The iterator

FLAT_KEYS = [0, -1, 11, 12, -13, slice(2, 5), slice(None, None, -3), slice(5, 2), ..., (), (1,),
             (slice(1, 3),), [1, 2], [[1], [2]], [1, 20], [], (1, 2), None, "a",
             np.int8(4)]  # fmt: skip


@pytest.mark.parametrize("key", FLAT_KEYS, ids=repr)
@pytest.mark.parametrize("view", [lambda x: x, lambda x: x.T, lambda x: x[::2, ::-1]])
def test_flat_reads(key, view):
    agree(lambda xp, x: view(x).flat[key], A, once=True)


@pytest.mark.parametrize("key", FLAT_KEYS, ids=repr)
@pytest.mark.parametrize("value", [5, [1, 2], [], 2.5, [[8, 9]], "a", 1j], ids=repr)
def test_flat_writes(key, value):
    if isinstance(key, list) and key == [1, 20] and value != [] and not NUMPY_LIBRARY:
        pytest.skip("NumPy writes until it comes to what is out of bounds, we write nothing then")

    def body(xp, x):
        x.T.flat[key] = value
        return x

    agree(body, A, once=True)


def test_flat_with_arrays():
    agree(lambda xp, x, i: x.flat[i], A, np.array([3, 3, -1]), once=True)
    agree(lambda xp, x, m: x.flat[m], A, np.arange(12) % 2 == 0, once=True)
    agree(lambda xp, x, m: x.flat[m], A, np.arange(11) % 2 == 0, once=True)

    def put(xp, x, i, v):
        x.flat[i] = v
        x[1:].flat = v * 2
        return x

    agree(put, A, np.array([3, 3, -1]), np.array([1.0, 2.0, 3.0]), once=True)
    x = da.to_gpu(A)
    with pytest.raises(HostMixError):
        x.flat[np.arange(2)]
    with pytest.raises(HostMixError):
        x.flat = np.arange(2)


@pytest.mark.parametrize("value", [3, [1, 2], [], range(20), "a", 1j, [[1, 2], [3, 4]]], ids=repr)
def test_assignment_to_flat(value):
    code("x.flat = v", A, v=value)
    code("x = x[:, ::2]; x.flat = v", A, v=value)


def test_flat_iterates_with_position():
    for array in (A, A.T, S, E, N[::-1]):
        wanted, got = array.flat, da.to_gpu(array).flat
        assert len(got) == len(wanted)
        while True:
            assert (got.index, got.coords) == (wanted.index, wanted.coords)
            one, other = next(got, None), next(wanted, None)
            if other is None:
                assert one is None
                break
            assert_same_bits(one.get(), np.asarray(other))
        assert_same_bits(got.copy().get(), wanted.copy())


def test_flat_compares_and_meets_functions():
    for name in ("__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__"):
        agree(lambda xp, x, name=name: getattr(x.flat, name)(3.0), A, once=True)
    agree(lambda xp, x: np.add(x.flat, 1), A)
    agree(lambda xp, x: np.sort(x.flat), A)
    x = da.to_gpu(A)
    assert x.flat.base is x
    with pytest.raises(TypeError):
        hash(x.flat)
    with pytest.raises(HostMixError):
        np.asarray(x.flat)


def test_assigning_an_array_to_its_own_flat_reads_it_first():
    x = da.arange(4.0)
    x.flat = x[::-1]
    assert_same_bits(x.get(), np.arange(4.0)[::-1])


# Flags

FLAGS = ["c_contiguous", "f_contiguous", "contiguous", "fortran", "fnc", "forc", "owndata",
         "behaved",
         "writeable", "aligned", "writebackifcopy", "carray", "farray", "num", "foo"]  # fmt: skip
LAYOUTS = {
    "whole": lambda x: x.copy(),
    "transposed": lambda x: x.T,
    "rows": lambda x: x[1:],
    "columns": lambda x: x[:, 1:2],
    "one": lambda x: x[1:2, 1:2],
    "none": lambda x: x[:0],
    "reversed": lambda x: x[::-1],
    "added": lambda x: x[None],
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_flags_agree(layout):
    wanted, got = LAYOUTS[layout](A.copy()).flags, LAYOUTS[layout](da.to_gpu(A)).flags
    for name in FLAGS:
        mine, theirs = (outcome(lambda f=f, n=name: getattr(f, n)) for f in (got, wanted))
        assert_same(mine, theirs, words=False)
    for key in ("C", "F", "O", "W", "A", "X", "C_CONTIGUOUS", "OWNDATA", "WRITEABLE", "FNC", "FORC",
                "CA", "CARRAY", "B", "BEHAVED", "Z", 3, None):  # fmt: skip
        mine, theirs = (outcome(lambda f=f, k=key: f[k]) for f in (got, wanted))
        assert_same(mine, theirs)
    assert repr(got) == str(got) == repr(wanted)
    assert got == LAYOUTS[layout](da.to_gpu(A)).flags and got != 3


@pytest.mark.parametrize("text", [
    "x.flags.writeable = False; x[0] = 1",
    "x.flags['WRITEABLE'] = False; x += 1",
    "x.flags['W'] = False; x.flags['W'] = True; x[0] = 1",
    "x.flags['C'] = True",
    "x.flags.writebackifcopy = True",
    "x.flags.writebackifcopy = False",
    "x.flags.aligned = True",
    "x.setflags(write=False); r = x[1:].flags.writeable",
    "y = x[1:]; x.setflags(write=False); y[...] = 1; r = y.flags.writeable",
    "x.setflags(write=False); y = x[1:]; y.setflags(write=True)",
    "y = x[1:]; y.setflags(write=False); y[0] = 1",
    "y = x[1:]; y.setflags(write=False); y.setflags(write=True); y[0] = 7",
    "x.setflags(uic=True)",
    "x.setflags(uic=False, align=True)",
    "x.setflags(write=0); x.sort()",
    "x.setflags(write=0); x.setflags(write=1); x.sort(); r = x.flags.owndata",
    "x.setflags(write=0); r = x.flags.owndata, x.base is None, x[1:].base.flags.writeable",
    "f = x.flags; x.setflags(write=False); r = f.writeable, x.flags.writeable",
    "f = x.flags; f.writeable = False; r = f.writeable",
    "x.setflags(write=False); np.add(x, 1, out=x)",
    "x.setflags(write=False); x.flat = 3",
    "x.setflags(write=False); x.real = 3",
    "x.setflags(write=False); r = (x + 1).flags.writeable, x.copy().flags.writeable",
    "x = x.diagonal(); r = x.flags.writeable, x.flags.owndata",
])  # fmt: skip
def test_setflags(text):
    owner = A.copy()
    code(text.replace("np.add", "xp.add"), owner)


def test_repeated_elements_cannot_be_made_writeable():
    x = np.broadcast_to(da.arange(3.0), (2, 3))
    with pytest.raises(ValueError, match="cannot set WRITEABLE flag to True of this array"):
        x.setflags(write=True)


@host_memory
def test_foreign_read_only_memory_stays_so():
    memory = np.arange(3.0)
    memory.flags.writeable = False
    x = da.asarray(memory, copy=False)
    for one in (x, x[1:], x.base):
        assert not one.flags.writeable
        with pytest.raises(ValueError, match="cannot set WRITEABLE flag to True of this array"):
            one.setflags(write=True)


def test_base_shows_what_a_view_shows():
    x = da.arange(6.0)
    assert x.base is None and (x + 1).base is None and x.copy().base is None
    base = x[2:].base
    assert base.shape == (6,)
    base[2] = 50.0
    assert float(x[2]) == 50.0 and x.T.base is not None and np.shares_memory(x, base)
    assert x.reshape(2, 3).base.shape == (6,)


# Views of bytes, shapes and dtypes that are set


@pytest.mark.parametrize("dtype", ["f8", "i8", "u4", "f4", "i2", "f2", "u1", "?", "c8", "c16"])
@pytest.mark.parametrize("layout", [*LAYOUTS, "vector", "scalar", "every second"])
def test_view_with_a_dtype(dtype, layout):
    more = {"vector": N, "scalar": S, "every second": N[::2]}
    make = LAYOUTS.get(layout, lambda x: x if layout != "every second" else x[::2])
    array = N if layout == "every second" else more.get(layout, A)

    def body(xp, x):
        shown = make(x).view(dtype)
        return [shown, shown.strides]

    agree(body, array, once=True)


@pytest.mark.parametrize(
    "args", [(np.ndarray,), (np.float64, np.ndarray), (None, int), ("i8", "f8")]
)
def test_view_with_a_type(args):
    wanted = outcome(lambda: A.view(*args))
    got = outcome(lambda: da.to_gpu(A).view(*args))
    if isinstance(wanted, np.ndarray):
        assert isinstance(got, HostMixError)
    else:
        assert_same(got, wanted)
    x = da.to_gpu(A)
    assert type(x.view(da.DeviceArray)) is da.DeviceArray


def test_view_refuses_dtypes_that_are_not_here():
    for dtype in ("S8", ">f8", "M8[s]", "g", object):
        with pytest.raises(UnsupportedError):
            da.ones(4).view(dtype)
    with pytest.raises(UnsupportedError, match="copy the array first"):
        da.zeros(9, dtype="u1")[1:].view("i8")


def test_writes_through_views_of_another_dtype():
    def body(xp, x):
        before = x * 2
        bits = x.view("u8")
        bits ^= np.uint64(1) << np.uint64(63)
        x.view("u4")[:, ::2] = 0
        return [x, before, bits]

    agree(body, A, once=True)


@pytest.mark.parametrize("text", [
    "x.shape = (4, 3)", "x.shape = 12", "x.shape = -1", "x.shape = (2, -1, 3)", "x.shape = 7",
    "x.shape = ()", "x.shape = (-1, -1)", "x = x.T; x.shape = 12",
    "x = x[:, ::2]; x.shape = (3, 2, 1)",
    "x = x[:, 1:]; x.shape = 9", "x.shape = 'a'", "x.shape = 2.5", "x = x[:0]; x.shape = (5, 0)",
    "y = x[1:]; x.shape = (2, 6); x += 1; r = y, y.shape", "x.shape = 12; x[3:5] = 8; r = x * 2",
    "y = x * 2; y.shape = (6, 2); r = y.flags.owndata, y + 1", "x.shape = 12; r = x.base is None",
    "x.shape = 12; x[...] = 3; r = x.sum()", "x.shape = (4, 3); x = x.T; r = x.base.shape[0] > 0",
])  # fmt: skip
def test_assignment_to_shape(text):
    code(text, A.copy())


@pytest.mark.parametrize("text", [
    "x.dtype = 'i8'; x[0] += 1", "x.dtype = 'f4'", "x.dtype = 'c16'; r = x.real", "x.dtype = 'u1'",
    "x = x[:, ::2]; x.dtype = 'f4'", "x = x[:, :3]; x.dtype = 'c16'", "x.dtype = 'i8'; r = x.sum()",
    "y = x + 1; x.dtype = 'i4'; x[0] = 5; r = y", "x.dtype = 'nonsense'", "del x.shape; r = 1",
])  # fmt: skip
def test_assignment_to_dtype(text):
    if "del" in text:
        with pytest.raises(AttributeError):
            del da.ones(2).shape
        return
    code(text, A.copy())


@pytest.mark.parametrize(
    "name", ["T", "mT", "size", "ndim", "nbytes", "itemsize", "base", "device"]
)
def test_other_attributes_cannot_be_set(name):
    with pytest.raises(AttributeError):
        setattr(da.ones((2, 2)), name, 3)


@pytest.mark.parametrize("args", [("i4",), ("i4", 4), ("i4", 6), ("i4", -1), ("c16",), ("f8", 0),
                                  ("u1", 7), ("u2", 2), ("nope",)])  # fmt: skip
@pytest.mark.parametrize("array", [A, A.T, A[:, ::2], E, S])
def test_getfield(args, array):
    agree(method("getfield", *args), array, once=True)


def test_resize_leaves_views_and_exported_memory_alone():
    x = da.arange(6.0)
    part = x[1:]
    with pytest.raises(ValueError, match="references or is referenced"):
        x.resize(3)
    with pytest.raises(ValueError, match="does not own its data"):
        part.resize(3)
    x.resize(3, refcheck=False)
    assert_same_bits(part.get(), np.arange(1.0, 6.0))
    assert_same_bits(x.get(), np.arange(3.0))
    reader = x + 1
    x.resize((2, 2))
    assert_same_bits(x.get(), np.array([[0.0, 1.0], [2.0, 0.0]]))
    assert_same_bits(reader.get(), np.arange(1.0, 4.0))
    shared = x.__dlpack__()
    with pytest.raises(ValueError, match="references or is referenced"):
        x.resize(9, refcheck=False)
    del shared


@pytest.mark.parametrize("text", [
    "x.real = 5", "x.real = [1, 2, 3, 4]", "x.real = 1j", "x.imag = 3", "x.real[0] = 2",
    "x.real = x.imag", "x.imag = 2j", "x.real = [1j, 2, 3, 4]", "x.real += 1", "x.imag[...] = 1",
])  # fmt: skip
@pytest.mark.parametrize("array", [np.nan_to_num(A), np.nan_to_num(A) * 1j])
def test_real_and_imag(text, array):
    with np.errstate(all="ignore"):
        code(text, array)


# Copies and casts


@pytest.mark.parametrize("order", ["C", "F", "A", "K", "f", None, "Z", 3])
@pytest.mark.parametrize("layout", [lambda x: x, lambda x: x.T, lambda x: x[::2, ::2]])
def test_orders(order, layout):
    def body(xp, x):
        copied = layout(x).copy(order)
        cast = layout(x).astype("f4", order)
        wanted = order in ("F", "f", "A")
        return [copied, cast, *([copied.flags.fnc, cast.flags.fnc] if wanted else [])]

    agree(body, A, once=True)


@pytest.mark.parametrize("options", [
    {"dtype": "i4"}, {"dtype": "i4", "casting": "safe"}, {"dtype": "f4", "casting": "same_kind"},
    {"dtype": "f4", "casting": "nope"}, {"dtype": "f8", "casting": "no", "copy": False},
    {"dtype": "c8"}, {"dtype": "?"}, {"dtype": "f8", "subok": False}, {"dtype": int, "foo": 1}, {},
    {"dtype": "i4", "casting": "same_value"}, {"dtype": "i4", "copy": False}, {"dtype": "f2"},
    {"dtype": "u1", "casting": "unsafe", "order": "F"}, {"dtype": "nonsense"},
])  # fmt: skip
@pytest.mark.parametrize("array", [N, N * 1.5, S])
def test_astype(options, array):
    words = "foo" not in options and bool(options)
    if array.dtype.kind == "f" and options.get("dtype") == "u1":
        pytest.skip("what negative floats are as unsigned integers is not defined")
    agree(method("astype", **options), array, once=True, words=words)


def test_astype_without_a_copy_is_the_array():
    x = da.ones((2, 3))
    assert x.astype("f8", copy=False) is x
    assert x.astype("f8", order="F", copy=False) is not x
    assert x.astype("f4", copy=False) is not x


# Operators


@pytest.mark.parametrize("text", [
    "r = divmod(x, 3)", "r = divmod(7, x + 20)", "r = divmod(x, 0)", "r = divmod(x, 2.5)",
    "r = 3 in x", "r = 99 in x", "r = [1, 2] in x", "r = None in x",
    "r = round(x.sum())", "r = format(x.sum(), '.3f')", "r = format(x, '.3f')", "r = f'{x}'",
    "del x[0]", "r = x @ x", "r = x @ 2", "r = 2 @ x", "r = x @ None", "x @= x", "x @= 3",
])  # fmt: skip
def test_operators(text):
    code(text, N)


@pytest.mark.parametrize(("left", "right"), [
    (np.ones((3, 4)), np.eye(4) * 2), (np.ones((3, 4)), np.eye(4, dtype=int)),
    (np.ones((3, 3), int), np.eye(3)), (np.ones((3, 4)), np.ones((4, 2))),
    (np.ones(3), np.eye(3) * 2),
    (np.ones((2, 2)), np.ones((3, 2, 2))), (np.ones((3, 4)), np.ones(4)),
    (np.array(3.0), np.eye(2)),
    (np.ones((2, 3, 3), "f4"), np.ones((3, 3), "f4")), (np.ones((0, 3)), np.eye(3)),
])  # fmt: skip
def test_matmul_in_place(left, right):
    def body(xp, x, y):
        before = x * 2
        same = x
        x @= y
        return [x, same is x, before]

    agree(body, left, right, once=True)


def test_operators_give_way_to_types_that_ask_for_it():
    class Other:
        __array_ufunc__ = None

        def __rmatmul__(self, other):
            return "mine"

        def __rdivmod__(self, other):
            return "mine"

    assert da.ones(2) @ Other() == "mine"
    assert divmod(da.ones(2), Other()) == "mine"


# Protocols


def test_pickles_and_copies():
    x = da.to_gpu(A)
    for one in (pickle.loads(pickle.dumps(x.T)), pickle.loads(x.T.dumps()), copy.copy(x.T),
                copy.deepcopy([x.T])[0]):  # fmt: skip
        assert isinstance(one, da.DeviceArray)
        assert_same_bits(one.get(), A.T)
        one[0] = 1.0
    assert_same_bits(x.get(), A)


def test_files(tmp_path):
    x = da.to_gpu(A)
    for name, args in (("binary", ()), ("text", (",", "%.3f"))):
        x.T.tofile(tmp_path / f"mine {name}", *args)
        A.T.tofile(tmp_path / f"theirs {name}", *args)
        mine, theirs = (tmp_path / f"{w} {name}" for w in ("mine", "theirs"))
        assert mine.read_bytes() == theirs.read_bytes()
    x.dump(tmp_path / "dump")
    assert_same_bits(pickle.loads((tmp_path / "dump").read_bytes()).get(), A)
    with open(tmp_path / "dump", "wb") as file:
        x.dump(file)
    assert_same_bits(np.load(tmp_path / "dump", allow_pickle=True).get(), A)


@host_memory
@pytest.mark.parametrize("name", ["data", "ctypes", "__array_interface__"])
def test_memory_is_exported_where_the_host_may_read_it(name):
    x = da.arange(4.0)
    with da.config(host_access="never"):
        assert not hasattr(x, name)
        with pytest.raises(AttributeError, match=r"use \.get\(\)"):
            getattr(x, name)
        with pytest.raises(HostMixError):
            np.asarray(x)
        with pytest.raises(HostMixError):
            np.array([x[0], x[1]])
    y = x + 1
    with da.config(host_access="read"):
        if name == "data":
            shared = np.asarray(x.data)
        elif name == "ctypes":
            shared = np.ctypeslib.as_array(
                (np.ctypeslib.ctypes.c_double * 4).from_address(x.ctypes.data)
            )
        else:
            shared = np.asarray(x)
            assert x.__array_interface__["data"][0] == shared.ctypes.data
        shared[0] = 70.0
        assert float(x[0]) == 70.0 and float(y[0]) == 1.0
        x[1] = 80.0
        assert shared[1] == 80.0
        if name != "ctypes":  # an address keeps nothing alive
            del x
        assert shared[1] == 80.0
    with da.config(host_access="always"):
        z = da.arange(4.0)
        np.asarray(z)[0] = 5.0
        assert float(z[0]) == 0.0


@host_memory
def test_a_read_only_array_is_exported_read_only():
    x = da.arange(4.0)
    x.setflags(write=False)
    with da.config(host_access="read"):
        assert x.data.readonly and x.__array_interface__["data"][1]
        assert not np.asarray(x).flags.writeable


def test_another_device_exports_nothing(monkeypatch):
    x = da.arange(4.0)
    monkeypatch.setattr(type(x.device), "shares_host_memory", False)
    with da.config(host_access="read"):
        assert not hasattr(x, "data") and not hasattr(x, "__array_interface__")
        with pytest.raises(HostMixError):
            np.asarray(x)
        assert x.get().tolist() == [0.0, 1.0, 2.0, 3.0] and float(x[1] * 2) == 2.0


@pytest.mark.skipif(sys.version_info < (3, 12), reason="__buffer__ exists from Python 3.12")
def test_buffer_protocol():
    x = da.arange(4.0)
    with da.config(host_access="read"):
        view = memoryview(x)
        view[0] = 9.0
        assert float(x[0]) == 9.0
    with da.config(host_access="never"), pytest.raises(BufferError, match=r"use \.get\(\)"):
        memoryview(x)
    with da.config(host_access="never"), pytest.raises(HostMixError):
        np.asarray(x)


def test_generic_alias():
    assert da.DeviceArray[int].__origin__ is da.DeviceArray
    assert da.DeviceArray[tuple[int], np.dtype[np.float64]].__args__[0] == tuple[int]
    for given in ((), (1, 2, 3)):
        with pytest.raises(TypeError, match="arguments for"):
            da.DeviceArray[given]


def test_tokens_of_dask_tell_contents():
    tokens = [
        da.to_gpu(x).__dask_tokenize__() for x in (A, A.copy(), A.T, A + 1, A.astype("f4"), N)
    ]
    assert tokens[0] == tokens[1] and len(set(tokens)) == 5


def test_to_device():
    x = da.arange(3.0)
    assert x.to_device(x.device) is x and x.to_device(x.device.name) is x
    assert x.to_device("cpu").device is da.Device("openmp")
    with pytest.raises((TypeError, ValueError), match="stream"):
        x.to_device("cpu", stream=3)
    with pytest.raises(da.DeviceError):
        x.to_device("nowhere")


def test_priority_lets_device_arrays_decide():
    assert da.ones(2).__array_priority__ > np.ones(2).__array_priority__


def test_lists():
    for x in (A, A.T, S, E, N, A.astype("f2"), N > 2, A + 0j):
        assert repr(da.to_gpu(x).tolist()) == repr(x.tolist())


def test_text_is_no_operand():
    for operation in (divmod, operator.add, operator.matmul):
        with pytest.raises(TypeError):
            operation(da.ones(2), "a")
