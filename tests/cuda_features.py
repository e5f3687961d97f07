"""What the kernels of kernels/features.cu are given, and what NumPy says of their results."""

import numpy as np

f4, f8, i4, u4 = np.float32, np.float64, np.int32, np.uint32
CASES = {}


def case(function):
    """Note a function that returns kernel, grid, block, arguments, shared bytes, and results."""
    CASES[function.__name__] = function
    return function


@case
def vectors(rng):
    a, b = rng.random((2, 32, 3)).astype(f4)
    c = np.zeros((32, 3), f4)
    d = np.zeros(32, f4)
    return (
        "vectors",
        1,
        32,
        (a, b, c, np.array([1, 2, 3], f4).tobytes(), d),
        0,
        [(c, 2 * a + 2 * b, 1e-6), (d, a @ np.array([1, 2, 3], f4) + 6, 1e-5)],
    )


@case
def upper(rng):
    t = np.frombuffer(b"hello World,\nthis is z{ text" * 3, np.uint8).copy()
    e = np.frombuffer(t.tobytes().upper().replace(b"\n", b" "), np.uint8)
    return "upper", 4, 32, (t, t.size), 0, [(t, e, 0)]


@case
def count_words(rng):
    b = b"the quick  brown fox jumps " * 10
    t = np.frombuffer(b, np.uint8).copy()
    c = np.zeros(1, i4)
    return "count_words", 9, 32, (t, t.size, c), 0, [(c, len(b.split()), 0)]


@case
def move(rng):
    dt = np.dtype([("pos", f4, 3), ("vel", f4, 3), ("id", i4), ("mass", f8)], align=True)
    p = np.zeros(40, dt)
    p["pos"] = rng.random((40, 3))
    p["vel"] = rng.random((40, 3))
    p["id"] = np.arange(40)
    p["mass"] = 1
    e = p.copy()
    e["pos"] += f4(0.5) * e["vel"]
    e["id"] *= 2
    e["mass"] += 0.5
    return (
        "move",
        2,
        32,
        (p, 40, 0.5),
        0,
        [(p[k], e[k], 0) for k in dt.names],
    )


@case
def soa(rng):
    x = rng.random(100).astype(f4)
    y = np.zeros(100, f4)
    s = np.zeros(1, np.dtype([("x", np.uintp), ("y", np.uintp), ("n", i4)], align=True))
    s["x"] = x.ctypes.data
    s["y"] = y.ctypes.data
    s["n"] = 100
    return "soa", 1, 32, (s[0], 3), 0, [(y, 3 * x, 0)]


@case
def by_value(rng):
    o = np.zeros(32, i4)
    return (
        "by_value",
        1,
        32,
        (np.arange(5, 10).astype(i4).tobytes(), o),
        0,
        [(o, np.arange(32) % 5 + 5, 0)],
    )


@case
def recursion(rng):
    o = np.zeros(16, i4)
    r = rng.integers(0, 100, (16, 33)).astype(i4)
    fib = [0, 1]
    for _ in range(20):
        fib.append(fib[-1] + fib[-2])
    return (
        "recursion",
        1,
        16,
        (o, r, 33),
        0,
        [
            (o, [fib[i % 15] * (1 if i % 2 == 0 else -1) for i in range(16)], 0),
            (r, np.sort(r, 1), 0),
        ],
    )


@case
def pointers(rng):
    a, b = rng.random((2, 32)).astype(f4)
    c = np.zeros(32, f4)
    return "pointers", 1, 32, (a, b, c, 1), 0, [(c, a * b + 2, 1e-6)]


@case
def flow(rng):
    o = np.zeros(50, i4)
    e = []
    for i in range(50):
        r = [1, 110, 110, 100, 49, -1][i % 6]
        k = i
        while k > 3:
            k -= 2
            r += 1
        while True:
            r += 3
            if r % 5 == 0:
                break  # C: r can be -1+.. positive
        e.append(r + (1 if i & 1 else 2))
    return "flow", 2, 32, (o, 50, 5), 0, [(o, e, 0)]


@case
def macros(rng):
    o = np.zeros(10, i4)
    return "macros", 1, 10, (o,), 0, [(o, np.arange(10) ** 3 + 1003, 0)]


@case
def constants(rng):
    o = np.zeros(32, f4)
    return "constants", 1, 32, (o, 2), 0, [(o, ((np.arange(32) + 1) % 4 + 0.5) * 2, 0)]


@case
def carve(rng):
    n = 48
    f = np.zeros(n, f4)
    i = np.zeros(n, i4)
    d = np.zeros(n)
    r = np.arange(n)[::-1]
    return "carve", 1, n, (f, i, d, n), n * 16, [(f, r * 2, 0), (i, r * 3, 0), (d, r * 0.5, 0)]


@case
def volume(rng):
    v = np.zeros((5, 6, 7), f4)
    z, y, x = np.indices(v.shape)
    return (
        "volume",
        (2, 2, 3),
        (4, 4, 2),
        (v, np.array([7, 6, 5], u4).tobytes()),
        0,
        [(v, x + 10 * y + 100 * z, 0)],
    )


@case
def million(rng):
    o = np.zeros(16, u4)
    return "million", 1 << 20, 1, (o,), 0, [(o, np.arange(16) * 65536, 0)]


@case
def million2(rng):
    o = np.zeros(16, u4)
    return "million2", 1 << 20, 2, (o,), 0, [(o, np.arange(16) * 65536, 0)]


@case
def many(rng):
    o = np.zeros(1, i4)
    y = np.array([3], i4)
    dd = np.array([4.5], f4)
    return (
        "many",
        1,
        1,
        (
            o,
            *range(1, 11),
            11.5,
            12.5,
            True,
            *range(14, 23),
            np.array([1.5, 2.5], f4).tobytes(),
            np.arange(4, dtype=i4).tobytes(),
            y,
            5,
            6,
            7,
            8,
            dd,
        ),
        0,
        [
            (
                o,
                sum(range(1, 11))
                + 11
                + 12
                + 1
                + sum(range(14, 23))
                + 4
                + 6
                + 3
                + 5
                + 6
                + 7
                + 8
                + 4,
                0,
            )
        ],
    )


@case
def lambdas(rng):
    n = 64
    x = rng.integers(-50, 50, (3, n)).astype(i4)
    o = np.zeros((3, n), i4)
    return (
        "lambdas",
        3,
        n,
        (x, o, n),
        0,
        [(o, x * 2 + x.sum(1, keepdims=True) + x.max(1, keepdims=True) + np.arange(n) % 32, 0)],
    )


@case
def barrier_lambda(rng):
    o = np.zeros(64, i4)
    return "barrier_lambda", 1, 64, (o,), 0, [(o, (np.arange(64) + 3) % 64, 0)]


@case
def apply1(rng):
    a, b = rng.random((2, 32)).astype(f4)
    c = np.zeros(32, f4)
    return "apply<float, Sum>", 1, 32, (a, b, c), 0, [(c, a + b, 0)]


@case
def apply2(rng):
    a, b = rng.integers(0, 9, (2, 32)).astype(i4)
    c = np.zeros(32, i4)
    return "apply<int, Max>", 1, 32, (a, b, c), 0, [(c, np.maximum(a, b), 0)]


@case
def traits(rng):
    c = np.zeros(1, i4)
    return "traits<double>", 1, 1, (c,), 0, [(c, 108, 0)]


@case
def variadic(rng):
    c = np.zeros(8, i4)
    return "variadic", 1, 8, (c,), 0, [(c, np.arange(8) + 6, 0)]


@case
def classes(rng):
    c = np.zeros(8, i4)
    t = np.arange(8)
    e = 0
    for k in (4, 3, 2, 1, 0):
        e = 3 * e + k * t
    return "classes", 1, 8, (c,), 0, [(c, e, 0)]


@case
def unions(rng):
    x = rng.random(8).astype(f4)
    o = np.zeros(8, u4)
    return "unions", 1, 8, (x, o), 0, [(o, x.view(u4) >> 23 & 255, 0)]


@case
def vector_loads(rng):
    x = rng.random((20, 4)).astype(f4)
    o = np.zeros_like(x)
    return "vector_loads", 1, 32, (x, o, 20), 0, [(o, x * np.array([2, 0, 1, -1], f4), 0)]


@case
def two_arrays(rng):
    o = np.zeros(32, i4)
    t = np.arange(32)
    return "two_arrays", 1, 32, (o,), 0, [(o, 31 - t + (31 - t) ** 2 + 7, 0)]


@case
def votes(rng):
    o = np.zeros(64, i4)
    return "votes", 1, 64, (o,), 0, [(o, 22 * 100 + 11, 0)]


@case
def single(rng):
    o = np.zeros(1, i4)
    return "single", 1, 1, (o,), 0, [(o, 34, 0)]


@case
def local_array(rng):
    x = rng.integers(0, 100, 100).astype(i4)
    o = np.zeros(100, i4)
    p = np.pad(x, 2, mode="edge")
    return (
        "local_array",
        4,
        32,
        (x, o, 100),
        0,
        [(o, np.median(np.lib.stride_tricks.sliding_window_view(p, 5), 1), 0)],
    )


ATTRIBUTES = ("bounds_first", "bounds_mid", "static_kernel", "in_namespace", "odd_order")


@case
def proto(rng):
    o = np.zeros(6, i4)
    return "proto", 1, 6, (o, 4), 0, [(o, 10, 0)]


@case
def relay(rng):
    o = np.full(96, -1, i4)
    return "relay", 1, 96, (o,), 0, [(o, np.arange(96)[::-1], 0)]


@case
def held(rng):
    mutex, count = np.zeros((2, 1), i4)
    return "held", 10, 100, (mutex, count), 0, [(count, 1000, 0), (mutex, 0, 0)]
