"""What the kernels of kernels/tutorials.cu are given, and what NumPy says of their results."""

import numpy as np

f4, f8, i4, u4 = np.float32, np.float64, np.int32, np.uint32
CASES = {}


def case(function):
    """Note a function that returns kernel, grid, block, arguments, shared bytes, and results."""
    CASES[function.__name__] = function
    return function


@case
def grey(rng):
    w, h = 37, 21
    rgb = rng.integers(0, 256, (h, w, 3), dtype=np.uint8)
    out = np.zeros((h, w), np.uint8)
    e = (f4(0.21) * rgb[..., 0] + f4(0.72) * rgb[..., 1] + f4(0.07) * rgb[..., 2]).astype(np.uint8)
    return "grey", (3, 2), (16, 16), (rgb, out, w, h), 0, [(out, e, 0)]


@case
def blur(rng):
    w, h = 33, 18
    x = rng.integers(0, 256, (h, w), dtype=np.uint8)
    out = np.zeros_like(x)
    e = np.zeros_like(x)
    for r in range(h):
        for c in range(w):
            t = x[max(r - 2, 0) : r + 3, max(c - 2, 0) : c + 3].astype(int)
            e[r, c] = t.sum() // t.size
    return "blur", (3, 2), (16, 16), (x, out, w, h), 0, [(out, e, 0)]


@case
def sobel(rng):
    w, h = 35, 20
    x = rng.random((h, w)).astype(f4)
    out = np.zeros_like(x)
    p = np.pad(x, 1, mode="edge")

    def s(dy, dx):
        return p[dy : dy + h, dx : dx + w]

    gx = -s(0, 0) - 2 * s(1, 0) - s(2, 0) + s(0, 2) + 2 * s(1, 2) + s(2, 2)
    gy = -s(0, 0) - 2 * s(0, 1) - s(0, 2) + s(2, 0) + 2 * s(2, 1) + s(2, 2)
    return "sobel", (3, 2), (16, 16), (x, out, w, h), 0, [(out, abs(gx) + abs(gy), 1e-5)]


@case
def histogram(rng):
    x = rng.integers(0, 1000, 10007, dtype=u4)
    b = np.zeros(64, u4)
    return "histogram", 7, 48, (x, b, x.size), 0, [(b, np.bincount(x % 64, minlength=64), 0)]


@case
def nbody(rng):
    n = 200
    p = rng.random((n, 4)).astype(f4)
    a = np.zeros((n, 3), f4)
    r = p[None, :, :3].astype(f8) - p[:, None, :3]
    d = (r**2).sum(-1) + 0.01
    e = (p[None, :, 3:4] * r / d[..., None] ** 1.5).sum(1)
    return "nbody", 4, 64, (p, a, n), 64 * 16, [(a, e, 1e-3)]


@case
def mandelbrot(rng):
    w, h, k = 40, 30, 50
    out = np.zeros((h, w), i4)
    e = np.zeros((h, w), i4)
    X = f4(-2) + np.arange(w).astype(f4) * f4(0.07)
    Y = f4(-1) + np.arange(h).astype(f4) * f4(0.06)
    cr, ci = np.meshgrid(X, Y)
    zr = np.zeros_like(cr)
    zi = np.zeros_like(cr)
    with np.errstate(all="ignore"):
        for done in range(k):
            live = (zr * zr + zi * zi < 4) & (e == done)
            t = zr * zr - zi * zi + cr
            zi = np.where(live, 2 * zr * zi + ci, zi)
            zr = np.where(live, t, zr)
            e += live
    return (
        "mandelbrot",
        (2, 2),
        (8, 8),
        (out, w, h, f4(-2), f4(-1), f4(0.07), f4(0.06), k),
        0,
        [(out, e, 0)],
    )


@case
def bitonic_shared(rng):
    x = rng.integers(-1000, 1000, (5, 128), dtype=i4)
    return "bitonic_shared", 5, 128, (x, 128), 512, [(x, np.sort(x, 1), 0)]


@case
def odd_even(rng):
    x = rng.integers(-1000, 1000, 101, dtype=i4)
    return "odd_even", 1, 51, (x, 101), 0, [(x, np.sort(x), 0)]


@case
def blelloch(rng):
    n = 256
    x = rng.integers(0, 9, n).astype(f4)
    out = np.zeros(n, f4)
    return "blelloch", 1, n // 2, (out, x, n), 4 * 300, [(out, np.cumsum(x) - x, 0)]


@case
def hillis(rng):
    n = 200
    x = rng.integers(0, 9, n).astype(i4)
    out = np.zeros(n, i4)
    return "hillis", 1, 256, (out, x, n), 0, [(out, np.cumsum(x), 0)]


@case
def transpose(rng):
    h, w = 37, 50
    x = rng.random((h, w)).astype(f4)
    out = np.zeros((w, h), f4)
    return "transpose", (4, 3), (16, 4), (out, x, w, h), 0, [(out, x.T.copy(), 0)]


@case
def matmul(rng):
    A = rng.random((32, 48)).astype(f4)
    B = rng.random((48, 64)).astype(f4)
    C = np.zeros((32, 64), f4)
    return "matmul<16, float>", (4, 2), (16, 16), (C, A, B, 48, 64), 0, [(C, A @ B, 1e-4)]


def csr(rng, kernel, block, per):
    rows, cols = 61, 40
    d = np.where(rng.random((rows, cols)) < 0.3, rng.random((rows, cols)), 0).astype(f4)
    ptr = np.r_[0, np.cumsum((d != 0).sum(1))].astype(i4)
    r, c = np.nonzero(d)
    x = rng.random(cols).astype(f4)
    y = np.zeros(rows, f4)
    return (
        kernel,
        -(-rows * per // block),
        block,
        (rows, ptr, c.astype(i4), d[r, c], x, y),
        0,
        [(y, d @ x, 1e-4)],
    )


@case
def csr_scalar(rng):
    return csr(rng, "csr_scalar", 32, 1)


@case
def csr_vector(rng):
    return csr(rng, "csr_vector", 128, 32)


@case
def csr_shuffle(rng):
    return csr(rng, "csr_shuffle", 96, 32)


@case
def reduce6(rng):
    x = rng.integers(-100, 100, 10001).astype(i4)
    out = np.zeros(5, i4)
    e = np.zeros(5, i4)
    idx = np.arange(10001) // 256 % 5
    np.add.at(e, idx, x)
    return "reduce6<128>", 5, 128, (x, out, x.size), 64 + 128 * 4, [(out, e, 0)]


@case
def sum_plain(rng):
    x = rng.integers(-100, 100, 10001).astype(f4)
    out = np.zeros(5, f4)
    e = np.zeros(5, f4)
    np.add.at(e, np.arange(10001) // 256 % 5, x)
    return "sum_plain", 5, 256, (x, out, x.size), 0, [(out, e, 0)]


@case
def compact(rng):
    x = rng.integers(-100, 100, 1000).astype(i4)
    out = np.zeros(1000, i4)
    n = np.zeros(1, i4)
    results = [(lambda: np.sort(out[: n[0]]), np.sort(x[x > 0]), 0)]
    return "compact", 8, 128, (x, out, n, 1000), 0, results


@case
def cas_add(rng):
    x = rng.integers(0, 100, 1000).astype(f8)
    s = np.zeros(1)
    return "cas_add", 8, 128, (x, s, 1000), 0, [(s, x.sum(), 0)]


@case
def locked(rng):
    m = np.zeros(1, i4)
    c = np.zeros(1, i4)
    return (
        "locked",
        16,
        64,
        (np.array([m.ctypes.data], np.uint64).tobytes(), c),
        0,
        [(c, 1024, 0), (m, 0, 0)],
    )


@case
def dot_locked(rng):
    m = np.zeros(1, i4)
    c = np.zeros(1, f4)
    a = rng.integers(0, 9, 5000).astype(f4)
    b = rng.integers(0, 9, 5000).astype(f4)
    return (
        "dot_locked",
        16,
        128,
        (np.array([m.ctypes.data], np.uint64).tobytes(), a, b, c, 5000),
        0,
        [(c, a @ b, 0), (m, 0, 0)],
    )


@case
def float_min(rng):
    x = (rng.random(1000) - 0.5).astype(f4)
    s = np.array([np.inf], f4)
    return "float_min", 8, 128, (x, s, 1000), 0, [(s, x.min(), 0)]


@case
def stencil_1d(rng):
    x = rng.integers(0, 100, 512 + 6).astype(i4)
    o = np.zeros(512, i4)
    e = np.correlate(x, [1, 2, 3, 4, 3, 2, 1], "valid")
    return "stencil_1d", 4, 128, (x, o, 512), 0, [(o, e, 0)]


@case
def heat(rng):
    u = rng.random((30, 40))
    v = u.copy()
    e = u.copy()
    e[1:-1, 1:-1] = u[1:-1, 1:-1] + 0.1 * (
        u[1:-1, :-2] + u[1:-1, 2:] + u[:-2, 1:-1] + u[2:, 1:-1] - 4 * u[1:-1, 1:-1]
    )
    return "heat", (3, 4), (16, 8), (u, v, 40, 30, 0.1), 0, [(v, e, 1e-12)]


@case
def fft(rng):
    x = (rng.random(256) + 1j * rng.random(256)).astype(np.complex64)
    e = np.fft.fft(x)
    return "fft", 1, 128, (x, 256, 8), 2048, [(x, e, 1e-3)]


@case
def monte_carlo(rng):
    found = np.zeros(1, np.uint64)
    i = np.arange(256, dtype=u4)
    hits = 0

    def xorshift(state):
        state = state ^ (state << u4(13))
        state = state ^ (state >> u4(17))
        return state ^ (state << u4(5))

    with np.errstate(over="ignore"):
        state = u4(7) * u4(2654435761) + i * u4(747796405) + u4(1)
        lcg = i.copy()
        for _ in range(20):
            lcg = u4(1664525) * lcg + u4(1013904223)
            a = state = xorshift(state)
            b = state = xorshift(state)
            x = (a >> u4(8)).astype(f4) * f4(1 / 16777216)
            y = ((b ^ lcg) >> u4(8)).astype(f4) / f4(16777216)
            hits += int((x * x + y * y <= 1).sum())
    return "monte_carlo", 4, 64, (found, 7, 20), 0, [(found, hits, 0)]
