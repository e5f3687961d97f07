"""Views with strides of one's own; see `numpy.lib.stride_tricks`."""

from __future__ import annotations

import numpy as np
from numpy import broadcast_shapes

from devarray.chapters import library_functions
from devarray.manipulation import broadcast_arrays, broadcast_to

__all__ = ["broadcast_arrays", "broadcast_shapes", "broadcast_to"]

library_functions(globals(), "as_strided sliding_window_view", np.lib.stride_tricks)
