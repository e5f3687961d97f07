"""NumPy-style arrays that live on a device and run as fused native kernels there.

`DeviceArray` records what is done to it and runs it, fused into few kernels, when a value is
needed. The functions and ufuncs here have NumPy's names and meanings; NumPy's own (``np.sin(x)``)
do the same when they are given device arrays.
"""

from __future__ import annotations

import numpy as _np

from devarray import boundary as _boundary
from devarray import creation as _creation
from devarray import functions as _functions
from devarray import manipulation as _manipulation
from devarray import masks as _masks
from devarray.array import DeviceArray
from devarray.boundary import *  # noqa: F403 - the chapter's own __all__
from devarray.config import config
from devarray.creation import *  # noqa: F403 - the chapter's own __all__
from devarray.device import get_device
from devarray.errors import (
    CompileError,
    DevarrayError,
    DeviceError,
    DeviceMemoryError,
    HostMixError,
    UnsupportedError,
)
from devarray.explain import explain
from devarray.functions import *  # noqa: F403 - the chapter's own __all__
from devarray.kernels.ops import DTYPES as _DTYPES
from devarray.manipulation import *  # noqa: F403 - the chapter's own __all__
from devarray.runtime import clear_cache, evaluate, statistics, synchronize
from devarray.ufunc import UFUNCS as _UFUNCS
from devarray.ufunc import Ufunc

__version__ = "0.1.0"

e, euler_gamma, inf, nan, newaxis, pi = _np.e, _np.euler_gamma, _np.inf, _np.nan, None, _np.pi

globals().update(_UFUNCS)
globals().update({dtype.name: dtype.type for dtype in _DTYPES if dtype.name != "bool"})
bool_ = _np.bool_

__all__ = sorted(  # noqa: PLE0605 - computed from the table; type checkers read the stubs
    {
        "CompileError",
        "DevarrayError",
        "DeviceArray",
        "DeviceError",
        "DeviceMemoryError",
        "HostMixError",
        "Ufunc",
        "UnsupportedError",
        "bool_",
        "clear_cache",
        "config",
        "e",
        "euler_gamma",
        "evaluate",
        "explain",
        "get_device",
        "inf",
        "nan",
        "newaxis",
        "pi",
        "statistics",
        "synchronize",
        *_boundary.__all__,
        *_creation.__all__,
        *_functions.__all__,
        *_manipulation.__all__,
        *_UFUNCS,
        *(dtype.name for dtype in _DTYPES if dtype.name != "bool"),
    }
)
