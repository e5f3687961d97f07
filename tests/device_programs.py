"""Twenty programs that every device runs: what they give must not depend on where they run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import devarray as da

__all__ = ["PROGRAMS", "compare", "run"]

PROGRAMS: dict[str, Callable[[np.random.Generator], Any]] = {}
# What is compared to the bit, and with how many units in the last place otherwise: the rows' ulp
# add up, and sums of what differs differ a little more.
ULPS: dict[str, float] = {}


def program(ulps: float = 0) -> Callable[[Any], Any]:
    """Add a program; it makes its data with NumPy, and device arrays on the default device."""

    def decorate(function: Any) -> Any:
        PROGRAMS[function.__name__] = function
        ULPS[function.__name__] = ulps
        return function

    return decorate


def run(name: str, device: Any) -> list[Any]:
    """Return what a program gives on a device, on the host."""
    with device:
        result = PROGRAMS[name](np.random.default_rng(20))
    parts = result if isinstance(result, tuple) else (result,)
    assert all(part.device is device for part in parts)
    return [name, *(part.get() for part in parts)]


def compare(got: list[Any], wanted: list[Any]) -> None:
    """Compare what `run` gave on two devices."""
    ulps = ULPS[got[0]]
    for one, other in zip(got[1:], wanted[1:], strict=True):
        assert (one.shape, one.dtype) == (other.shape, other.dtype)
        if ulps and one.dtype.kind in "fc":
            eps = float(np.finfo(one.dtype).eps)
            largest = float(np.abs(other).max(initial=0))
            np.testing.assert_allclose(one, other, rtol=ulps * eps, atol=ulps * eps * largest)
        else:
            np.testing.assert_array_equal(one, other)


@program()
def polynomial(rng):
    x = da.to_gpu(rng.random(5000))
    return ((x * 2 - 1) * x + 0.5) * x - 3


@program(8)
def black_scholes_like(rng):
    s, k, t = (da.to_gpu(rng.random(3000) + 0.5) for _ in range(3))
    d = (np.log(s / k) + 0.05 * t) / (0.2 * np.sqrt(t))
    return s * np.tanh(d) - k * np.exp(-0.05 * t) * np.tanh(d - 0.2 * np.sqrt(t))


@program()
def heat(rng):
    u = da.to_gpu(rng.random((40, 50)))
    for _ in range(5):
        u[1:-1, 1:-1] += 0.1 * (
            u[:-2, 1:-1] + u[2:, 1:-1] + u[1:-1, :-2] + u[1:-1, 2:] - 4 * u[1:-1, 1:-1]
        )
    return u, u.sum()


@program()
def statistics(rng):
    x = da.to_gpu(rng.random((70, 200)))
    return x.mean(axis=0), x.var(axis=1), x.std(), x.min(axis=1), x.max()


@program()
def normalise_rows(rng):
    x = da.to_gpu(rng.random((60, 130)))
    x -= x.mean(axis=1, keepdims=True)
    x /= np.sqrt((x * x).sum(axis=1, keepdims=True))
    return x


@program()
def masks(rng):
    x = da.to_gpu(rng.random((30, 40)) - 0.5)
    y = x.copy()
    y[x > 0] = x[x > 0] * 2 + 1
    y[:, 3] = -1
    return y, x[x > 0.2].sum(), np.where(x < 0, -x, x)


@program()
def extremes(rng):
    x = da.to_gpu((rng.random((50, 90)) * 9).astype(int))
    return x.argmax(axis=0), x.argmin(axis=1), x.argmax(), (x == 3).any(axis=0), (x < 9).all()


@program()
def integers(rng):
    x = da.to_gpu(rng.integers(-(2**31), 2**31, 4000).astype(np.int32))
    y = da.to_gpu(rng.integers(-9, 9, 4000).astype(np.int32))
    return x * x + y, x // y, x % y, (x << 3) ^ (x >> 2), np.gcd(x, y), abs(x)


@program()
def small_types(rng):
    x = da.to_gpu(rng.integers(0, 255, 2000).astype(np.uint8))
    y = da.to_gpu(rng.random(2000).astype(np.float16))
    return x + x, x.astype(np.float16) * y, (y * 100).astype(np.int8), y.sum(), x.sum()


@program()
def overflowing_comparisons(rng):
    x = da.to_gpu(np.array([2**31 - 1, -(2**31), 7], np.int32))
    y = da.to_gpu(np.array([2**63 - 1, -(2**63), 7]))
    return x + 1 > x, y + 1 > y, x * 2 // 2 == x, abs(x) < 0, -y


@program()
def views(rng):
    x = da.to_gpu(rng.random((4, 30, 50)))
    y = x.transpose(2, 0, 1)[::-2, 1:, ::3]
    z = y.reshape(-1) + 1
    x[1, ::-1, 5:20:2] = x[2, :, 6:21:2]
    return y * 2, z, x


@program()
def broadcasting(rng):
    a, b = da.to_gpu(rng.random((50, 1))), da.to_gpu(rng.random(70))
    c = (a - b) ** 2
    return c.min(axis=1), c.argmin(axis=0), (a * b + a).sum(axis=0)


@program(8)
def complex_numbers(rng):
    z = da.to_gpu(rng.random(2000) - 0.5 + 1j * rng.random(2000))
    return z * z + 1 / z, abs(z), np.exp(z) * np.sqrt(z), z.conj().imag, z.sum()


@program()
def mandelbrot(rng):
    y, x = np.mgrid[-1:1:40j, -2:0.5:60j]
    c = da.to_gpu(x + 1j * y)
    z, steps = da.zeros_like(c), da.zeros(c.shape, dtype=int)
    for _ in range(15):
        z = np.where(abs(z.real) + abs(z.imag) < 4, z * z + c, z)
        steps += abs(z.real) + abs(z.imag) < 4
    return steps


@program(64)  # one after the other, a sum of 3000 numbers is off by so much itself
def running_sums(rng):
    x = da.to_gpu(rng.random((20, 3000)))
    counts = da.to_gpu(rng.integers(0, 9, (30, 700)))
    return x.cumsum(axis=1), x.cumsum(axis=0), counts.cumsum(axis=1), (x > 0.5).cumsum()


@program()
def random_numbers(rng):
    own = da.random.default_rng(11)
    return own.random(3000), own.integers(0, 100, 500), own.random((20, 30), dtype=np.float32)


@program()
def ranges(rng):
    i = da.arange(3000)
    return i * i % 7, da.linspace(0, 1, 501), da.eye(20, k=2), (i % 3 == 0).sum()


@program()
def special_values(rng):
    x = da.to_gpu(np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 1e308, 5e-324, -1.5] * 50))
    y = x[::-1]
    return x + y, x * y, x / y, np.maximum(x, y), np.fmin(x, y), np.floor_divide(x, y), np.sign(x)


@program(16)
def functions(rng):
    x = da.to_gpu(rng.random(2000) * 3 + 0.1)
    return (np.sin(x) * np.cos(x), np.log1p(x) ** 1.5, np.arctan2(x, 2), np.hypot(x, 1), np.cbrt(x),
            np.arcsinh(x), np.expm1(-x))  # fmt: skip


@program()
def several_reductions(rng):
    x = da.to_gpu(rng.random((3, 4, 5000)))
    total, least = x.sum(axis=(0, 2)), x.min(axis=(1, 2))
    mean = x.mean()
    return total, least, ((x - mean) ** 2).mean(), x.sum(axis=1), x.prod(axis=(0, 1))
