"""Sobol numbers: quasi-random points that fill an interval evenly, as expressions that fuse."""

from __future__ import annotations

from typing import Any

import numpy as np

from devarray.grids import arange

__all__ = ["direction_vectors", "most_dimensions", "normal_quantile", "sobol"]

U8 = np.dtype(np.uint64)

# Joe and Kuo (2008): for each dimension after the first the coefficients of a primitive polynomial,
# the inner ones as bits, and the first direction numbers, as many as its degree.
_POLYNOMIALS = (
    (0, (1,)),
    (1, (1, 3)),
    (1, (1, 3, 1)),
    (2, (1, 1, 1)),
    (1, (1, 1, 3, 3)),
    (4, (1, 3, 5, 13)),
    (2, (1, 1, 5, 5, 17)),
    (4, (1, 1, 5, 5, 5)),
    (7, (1, 1, 7, 11, 19)),
)
most_dimensions = 1 + len(_POLYNOMIALS)


def direction_vectors(dimension: int, bits: int) -> np.ndarray[Any, Any]:
    """Return the direction vectors of a dimension, from 0, as `bits` integers of that many bits."""
    dtype = np.uint32 if bits == 32 else np.uint64
    if dimension == 0:
        return np.array([1 << (bits - 1 - k) for k in range(bits)], dtype)
    inner, first = _POLYNOMIALS[dimension - 1]
    degree = len(first)
    vectors = [m << (bits - 1 - k) for k, m in enumerate(first)]
    for k in range(degree, bits):
        value = vectors[k - degree] ^ (vectors[k - degree] >> degree)
        for j in range(1, degree):
            if inner >> (degree - 1 - j) & 1:
                value ^= vectors[k - j]
        vectors.append(value)
    return np.array(vectors, dtype)


def sobol(vectors: np.ndarray[Any, Any], scramble: int, start: int, count: int) -> Any:
    """Return the numbers `start` to ``start + count`` of a dimension, as uint64."""
    numbers = arange(start, start + count, dtype=U8)
    gray = numbers ^ (numbers >> 1)
    result = numbers & 0
    for k in range(max(start + count - 1, 0).bit_length()):
        result = result ^ (gray >> k & 1) * np.uint64(vectors[k])
    return result ^ np.uint64(scramble)


# Wichura (1988), algorithm AS 241: numerators and denominators of three rational functions, the
# highest power first.
_CENTRE = (
    (2.5090809287301226727e3, 3.3430575583588128105e4, 6.7265770927008700853e4,
     4.5921953931549871457e4, 1.3731693765509461125e4, 1.9715909503065514427e3,
     1.3314166789178437745e2, 3.3871328727963666080e0),
    (5.2264952788528545610e3, 2.8729085735721942674e4, 3.9307895800092710610e4,
     2.1213794301586595867e4, 5.3941960214247511077e3, 6.8718700749205790830e2,
     4.2313330701600911252e1, 1.0),
)  # fmt: skip
_MIDDLE = (
    (7.74545014278341407640e-4, 2.27238449892691845833e-2, 2.41780725177450611770e-1,
     1.27045825245236838258e0, 3.64784832476320460504e0, 5.76949722146069140550e0,
     4.63033784615654529590e0, 1.42343711074968357734e0),
    (1.05075007164441684324e-9, 5.47593808499534494600e-4, 1.51986665636164571966e-2,
     1.48103976427480074590e-1, 6.89767334985100004550e-1, 1.67638483018380384940e0,
     2.05319162663775882187e0, 1.0),
)  # fmt: skip
_TAIL = (
    (2.01033439929228813265e-7, 2.71155556874348757815e-5, 1.24266094738807843860e-3,
     2.65321895265761230930e-2, 2.96560571828504891230e-1, 1.78482653991729133580e0,
     5.46378491116411436990e0, 6.65790464350110377720e0),
    (2.04426310338993978564e-15, 1.42151175831644588870e-7, 1.84631831751005468180e-5,
     7.86869131145613259100e-4, 1.48753612908506148525e-2, 1.36929880922735805310e-1,
     5.99832206555887937690e-1, 1.0),
)  # fmt: skip


def _ratio(coefficients: tuple[tuple[float, ...], tuple[float, ...]], x: Any) -> Any:
    above, below = (_polynomial(c, x) for c in coefficients)
    return above / below


def _polynomial(coefficients: tuple[float, ...], x: Any) -> Any:
    result: Any = coefficients[0]
    for coefficient in coefficients[1:]:
        result = result * x + coefficient
    return result


def normal_quantile(p: Any) -> Any:
    """Return the standard normal numbers below which a part `p` of them lies, for 0 < p < 1."""
    q = p - 0.5
    centre = q * _ratio(_CENTRE, 0.180625 - q * q)
    r = np.sqrt(-np.log(np.minimum(p, 1.0 - p)))
    outer = np.where(r <= 5.0, _ratio(_MIDDLE, r - 1.6), _ratio(_TAIL, r - 5.0))
    return np.where(np.abs(q) <= 0.425, centre, np.where(q < 0.0, -outer, outer))
