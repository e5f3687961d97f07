"""Distributions that need rejection: NumPy draws them on the host, and the result is copied."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from devarray.random.parameters import host_values, out_size, store
from devarray.random.source import Source

__all__ = ["HostDraws"]


def _on_host(name: str, what: str) -> Callable[..., Any]:
    """Return a method that draws with NumPy's method of the same name."""
    theirs = getattr(np.random.default_rng(0), name)

    def method(self: Source, *args: Any, **options: Any) -> Any:
        values = [host_values(value) for value in args]
        named = {key: host_values(value) for key, value in options.items()}
        return self._to_device(getattr(self._host_source(), name)(*values, **named))

    method.__name__ = name
    method.__qualname__ = f"HostDraws.{name}"
    method.__doc__ = (
        f"Draw from {what}; see `numpy.random.Generator.{name}`.\n\n"
        "NumPy draws on the host, from bits of this generator, and the result is copied to the\n"
        "device. Parameters that are device arrays are evaluated and copied to the host."
    )
    own = inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    signature = inspect.signature(theirs)
    method.__signature__ = signature.replace(  # type: ignore[attr-defined]
        parameters=[own, *signature.parameters.values()]
    )
    return method


class HostDraws(Source):
    """What has no formula of a fixed number of uniform numbers an element."""

    beta = _on_host("beta", "a beta distribution")
    binomial = _on_host("binomial", "a binomial distribution")
    chisquare = _on_host("chisquare", "a chi-square distribution")
    dirichlet = _on_host("dirichlet", "a Dirichlet distribution")
    f = _on_host("f", "an F distribution")
    gamma = _on_host("gamma", "a gamma distribution")
    hypergeometric = _on_host("hypergeometric", "a hypergeometric distribution")
    logseries = _on_host("logseries", "a logarithmic series distribution")
    multinomial = _on_host("multinomial", "a multinomial distribution")
    multivariate_hypergeometric = _on_host(
        "multivariate_hypergeometric", "a multivariate hypergeometric distribution"
    )
    negative_binomial = _on_host("negative_binomial", "a negative binomial distribution")
    noncentral_chisquare = _on_host("noncentral_chisquare", "a noncentral chi-square distribution")
    noncentral_f = _on_host("noncentral_f", "a noncentral F distribution")
    poisson = _on_host("poisson", "a Poisson distribution")
    standard_t = _on_host("standard_t", "Student's t distribution")
    vonmises = _on_host("vonmises", "a von Mises distribution")
    zipf = _on_host("zipf", "a Zipf distribution")

    def standard_gamma(
        self, shape: Any, size: Any = None, dtype: Any = np.float64, out: Any = None
    ) -> Any:
        """Draw from a gamma distribution of scale 1; see `numpy.random.Generator.standard_gamma`.

        NumPy draws on the host, from bits of this generator, and the result is copied.
        """
        shape = host_values(shape)
        size = out_size(size, np.dtype(dtype), out)
        result = self._to_device(self._host_source().standard_gamma(shape, size, dtype))
        return result if out is None else store(out, result)
