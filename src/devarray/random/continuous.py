"""The methods of distributions with a formula: each result is one expression that fuses."""

from __future__ import annotations

from typing import Any

import numpy as np

from devarray.random import distributions
from devarray.random.bits import Draw
from devarray.random.parameters import (
    NON_NEGATIVE,
    POSITIVE,
    PROBABILITY,
    Rule,
    check_triangle,
    check_width,
    float_dtype,
    out_size,
    parameter,
    with_numpys_errors,
)
from devarray.random.source import Source

__all__ = ["Distributions"]


class Distributions(Source):
    """What is computed by a formula of one or two uniform numbers an element."""

    def _given(self, name: str, value: Any, rule: Rule | None = None) -> Any:
        return parameter(name, value, self.device, rule)

    def _location_scale(self, size: Any, loc: Any, scale: Any, standard: Any) -> Any:
        """Return ``loc + scale * standard(draw)``."""
        loc = self._given("loc", loc)
        scale = self._given("scale", scale, NON_NEGATIVE)

        def formula(draw: Draw, loc: Any, scale: Any) -> Any:
            return loc + scale * standard(draw)

        return self._draw(size, formula, loc, scale)

    @with_numpys_errors
    def random(self, size: Any = None, dtype: Any = np.float64, out: Any = None) -> Any:
        """Draw uniform numbers from [0, 1); see `numpy.random.Generator.random`.

        Examples
        --------
        >>> import devarray as da
        >>> x = da.random.default_rng(0).random((2, 3))
        >>> x.shape, bool((x < 1).all())
        ((2, 3), True)
        """
        kind = float_dtype(dtype, "random")
        size = out_size(size, kind, out)
        return self._draw_into(size, out, lambda draw, dtype: draw.units(dtype)[0], kind)

    @with_numpys_errors
    def uniform(self, low: Any = 0.0, high: Any = 1.0, size: Any = None) -> Any:
        """Draw uniform numbers from [low, high); see `numpy.random.Generator.uniform`.

        Examples
        --------
        >>> import devarray as da
        >>> x = da.random.default_rng(0).uniform([0, 10], [1, 20], (3, 2))
        >>> x.shape
        (3, 2)
        """
        low, high = self._given("low", low), self._given("high", high)
        width = high - low
        check_width(width)
        return self._draw(size, distributions.uniform, low, width)

    @with_numpys_errors
    def standard_normal(self, size: Any = None, dtype: Any = np.float64, out: Any = None) -> Any:
        """Draw from the normal distribution; see `numpy.random.Generator.standard_normal`."""
        kind = float_dtype(dtype, "standard_normal")
        size = out_size(size, kind, out)
        return self._draw_into(size, out, distributions.normal, kind)

    @with_numpys_errors
    def normal(self, loc: Any = 0.0, scale: Any = 1.0, size: Any = None) -> Any:
        """Draw from normal distributions; see `numpy.random.Generator.normal`.

        Examples
        --------
        >>> import devarray as da
        >>> da.random.default_rng(0).normal(loc=[0.0, 100.0], scale=2.0, size=(5, 2)).shape
        (5, 2)
        """
        return self._location_scale(size, loc, scale, distributions.normal)

    @with_numpys_errors
    def lognormal(self, mean: Any = 0.0, sigma: Any = 1.0, size: Any = None) -> Any:
        """Draw numbers whose logarithm is normal; see `numpy.random.Generator.lognormal`."""
        mean = self._given("mean", mean)
        sigma = self._given("sigma", sigma, NON_NEGATIVE)

        def formula(draw: Draw, mean: Any, sigma: Any) -> Any:
            return np.exp(mean + sigma * distributions.normal(draw))

        return self._draw(size, formula, mean, sigma)

    @with_numpys_errors
    def standard_exponential(
        self, size: Any = None, dtype: Any = np.float64, method: str = "zig", out: Any = None
    ) -> Any:
        """Draw waiting times of mean 1; see `numpy.random.Generator.standard_exponential`.

        `method` is ignored: it is the inverse of the distribution function always.
        """
        kind = float_dtype(dtype, "standard_exponential")
        size = out_size(size, kind, out)
        return self._draw_into(size, out, distributions.exponential, kind)

    @with_numpys_errors
    def exponential(self, scale: Any = 1.0, size: Any = None) -> Any:
        """Draw waiting times of mean `scale`; see `numpy.random.Generator.exponential`."""
        scale = self._given("scale", scale, NON_NEGATIVE)
        return self._draw(size, lambda draw, s: s * distributions.exponential(draw), scale)

    @with_numpys_errors
    def laplace(self, loc: Any = 0.0, scale: Any = 1.0, size: Any = None) -> Any:
        """Draw double exponential numbers; see `numpy.random.Generator.laplace`."""
        return self._location_scale(size, loc, scale, distributions.laplace)

    @with_numpys_errors
    def logistic(self, loc: Any = 0.0, scale: Any = 1.0, size: Any = None) -> Any:
        """Draw from logistic distributions; see `numpy.random.Generator.logistic`."""
        return self._location_scale(size, loc, scale, distributions.logistic)

    @with_numpys_errors
    def gumbel(self, loc: Any = 0.0, scale: Any = 1.0, size: Any = None) -> Any:
        """Draw from Gumbel distributions (of maxima); see `numpy.random.Generator.gumbel`."""
        return self._location_scale(size, loc, scale, distributions.gumbel)

    @with_numpys_errors
    def standard_cauchy(self, size: Any = None) -> Any:
        """Draw from the Cauchy distribution; see `numpy.random.Generator.standard_cauchy`."""
        return self._draw(size, distributions.cauchy)

    @with_numpys_errors
    def pareto(self, a: Any, size: Any = None) -> Any:
        """Draw from Pareto II (Lomax) distributions; see `numpy.random.Generator.pareto`."""
        return self._draw(size, distributions.pareto, self._given("a", a, POSITIVE))

    @with_numpys_errors
    def power(self, a: Any, size: Any = None) -> Any:
        """Draw from [0, 1] with density ``a * x**(a-1)``; see `numpy.random.Generator.power`."""
        return self._draw(size, distributions.power, self._given("a", a, POSITIVE))

    @with_numpys_errors
    def rayleigh(self, scale: Any = 1.0, size: Any = None) -> Any:
        """Draw from Rayleigh distributions; see `numpy.random.Generator.rayleigh`."""
        scale = self._given("scale", scale, NON_NEGATIVE)
        return self._draw(size, lambda draw, s: s * distributions.rayleigh(draw), scale)

    @with_numpys_errors
    def weibull(self, a: Any, size: Any = None) -> Any:
        """Draw from Weibull distributions of scale 1; see `numpy.random.Generator.weibull`."""
        return self._draw(size, distributions.weibull, self._given("a", a, NON_NEGATIVE))

    @with_numpys_errors
    def triangular(self, left: Any, mode: Any, right: Any, size: Any = None) -> Any:
        """Draw from triangular distributions; see `numpy.random.Generator.triangular`."""
        left, mode = self._given("left", left), self._given("mode", mode)
        right = self._given("right", right)
        check_triangle(left, mode, right)
        return self._draw(size, distributions.triangular, left, mode, right)

    @with_numpys_errors
    def wald(self, mean: Any, scale: Any, size: Any = None) -> Any:
        """Draw from inverse Gaussian distributions; see `numpy.random.Generator.wald`."""
        mean = self._given("mean", mean, POSITIVE)
        scale = self._given("scale", scale, POSITIVE)
        return self._draw(size, distributions.wald, mean, scale)

    @with_numpys_errors
    def geometric(self, p: Any, size: Any = None) -> Any:
        """Draw numbers of trials to the first success; see `numpy.random.Generator.geometric`.

        Examples
        --------
        >>> import devarray as da
        >>> da.random.default_rng(0).geometric(1.0, 3)
        array([1, 1, 1], device='openmp')
        """
        return self._draw(size, distributions.geometric, self._given("p", p, PROBABILITY))
