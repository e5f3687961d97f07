"""The formulas of the distributions: what is made of one or two uniform numbers for each element.

Parameters are floats or device arrays that broadcast to the draw's shape. Every formula is an
expression of fused operations. ``1 - u`` of a uniform `u` in [0, 1) is exact and never zero.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from devarray.array import DeviceArray
from devarray.random.bits import F8, Draw

__all__ = [
    "cauchy", "exponential", "geometric", "gumbel", "laplace", "logistic", "normal", "pareto",
    "power", "rayleigh", "triangular", "uniform", "wald", "weibull",
]  # fmt: skip

TINY = 2.0**-54  # the middle of the lowest cell of a uniform number
MOST = np.iinfo(np.int64).max


def uniform(draw: Draw, low: Any, width: Any) -> Any:
    """Return uniform numbers from `low` to ``low + width``."""
    return low + width * draw.units()[0]


def normal(draw: Draw, dtype: np.dtype[Any] = F8) -> Any:
    """Return standard normal numbers: radius and angle of a point (Box and Muller)."""
    u, v = draw.units(dtype)
    return np.sqrt(-2.0 * np.log(1.0 - u)) * np.cos(2.0 * math.pi * v)


def exponential(draw: Draw, dtype: np.dtype[Any] = F8) -> Any:
    """Return standard exponential numbers; zero is +0."""
    return _waiting(draw.units(dtype)[0])


def _waiting(u: Any) -> Any:
    return 0.0 - np.log(1.0 - u)


def laplace(draw: Draw) -> Any:
    """Return standard double exponential numbers."""
    u, sign = draw.unit_and_sign()
    return sign * _waiting(u)


def logistic(draw: Draw) -> Any:
    """Return standard logistic numbers."""
    u = np.maximum(draw.units()[0], TINY)
    return np.log(u / (1.0 - u))


def gumbel(draw: Draw) -> Any:
    """Return standard Gumbel numbers (of largest values)."""
    u = np.maximum(draw.units()[0], TINY)
    return 0.0 - np.log(0.0 - np.log(u))


def cauchy(draw: Draw) -> Any:
    """Return standard Cauchy numbers; half the angle, and a sign, keep the tails exact."""
    u, sign = draw.unit_and_sign()
    return sign / np.tan((0.5 * math.pi) * (1.0 - u))


def pareto(draw: Draw, a: Any) -> Any:
    """Return Pareto II (Lomax) numbers."""
    return np.expm1(exponential(draw) / a)


def power(draw: Draw, a: Any) -> Any:
    """Return numbers in (0, 1] with density ``a * x**(a - 1)``."""
    return (1.0 - draw.units()[0]) ** (1.0 / a)


def rayleigh(draw: Draw) -> Any:
    """Return standard Rayleigh numbers."""
    return np.sqrt(2.0 * exponential(draw))


def weibull(draw: Draw, a: Any) -> Any:
    """Return Weibull numbers, zero where the shape `a` is zero."""
    waiting = exponential(draw)
    if isinstance(a, DeviceArray):
        return np.where(a == 0.0, 0.0, waiting ** (1.0 / a))
    return waiting ** (1.0 / a) if a else 0.0 * waiting


def triangular(draw: Draw, left: Any, mode: Any, right: Any) -> Any:
    """Return triangular numbers."""
    u, _ = draw.units()
    base = right - left
    rising = left + np.sqrt(u * ((mode - left) * base))
    falling = right - np.sqrt((1.0 - u) * ((right - mode) * base))
    return np.where(u <= (mode - left) / base, rising, falling)


def geometric(draw: Draw, p: Any) -> Any:
    """Return how many trials it takes to the first success, at most the largest int64."""
    with np.errstate(divide="ignore"):
        rate = 0.0 - np.log1p(-p)
    if not isinstance(rate, DeviceArray):
        rate = float(rate)
    trials = np.maximum(np.ceil(exponential(draw) / rate), 1.0)
    return np.where(trials >= 2.0**63, MOST, trials.astype(np.int64))


def wald(draw: Draw, mean: Any, scale: Any) -> Any:
    """Return inverse Gaussian numbers: one of two roots (Michael, Schucany and Haas, 1976)."""
    z = normal(draw)
    w = z * z * (mean / scale) * 0.5
    ratio = 1.0 / (1.0 + w + np.sqrt(w * (2.0 + w)))  # the smaller root over the mean
    choice, _ = draw.units(part=1)
    return np.where(choice * (1.0 + ratio) <= 1.0, mean * ratio, mean / ratio)
