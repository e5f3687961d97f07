"""Statistics: sums, means, extremes, quantiles, histograms, correlations."""

from __future__ import annotations

import numpy as np

from devarray.array import FUNCTIONS
from devarray.chapters import library_functions, method_function

__all__ = ["amin", "amax", "sum", "prod", "min", "max", "mean", "var", "std", "cumsum", "cumprod"]

sum = method_function("sum")
prod = method_function("prod")
min = method_function("min")
max = method_function("max")
mean = method_function("mean")
var = method_function("var")
std = method_function("std")
cumsum = method_function("cumsum")
cumprod = method_function("cumprod")
amin, amax = min, max
FUNCTIONS.update({np.amin: min, np.amax: max})

library_functions(
    globals(),
    "average bincount corrcoef correlate convolve cov cumulative_prod cumulative_sum "
    "histogram histogram2d histogram_bin_edges histogramdd median nancumprod "
    "nancumsum nanmax nanmean nanmedian nanmin nanpercentile nanprod nanquantile "
    "nanstd nansum nanvar percentile ptp quantile",
)
