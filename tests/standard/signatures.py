"""Names and parameters of the standard's functions, a line each, in Python's own notation."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

__all__ = ["BINARY", "FFT", "LINALG", "MAIN", "METHODS", "OPERATORS", "UNARY", "forms", "parse"]

_UNARY = """
abs acos acosh asin asinh atan atanh bitwise_invert ceil conj cos cosh exp expm1 floor imag isfinite
isinf isnan log log10 log1p log2 logical_not negative positive real reciprocal round sign signbit
sin sinh sqrt square tan tanh trunc
"""

_BINARY = """
add atan2 bitwise_and bitwise_left_shift bitwise_or bitwise_right_shift bitwise_xor copysign divide
equal floor_divide greater greater_equal hypot less less_equal logaddexp logical_and logical_or
logical_xor maximum minimum multiply nextafter not_equal pow remainder subtract
"""

UNARY, BINARY = _UNARY.split(), _BINARY.split()

MAIN = """
arange(start, /, stop=None, step=1, *, dtype=None, device=None)
asarray(obj, /, *, dtype=None, device=None, copy=None)
empty(shape, *, dtype=None, device=None)
empty_like(x, /, *, dtype=None, device=None)
eye(n_rows, n_cols=None, /, *, k=0, dtype=None, device=None)
from_dlpack(x, /, *, device=None, copy=None)
full(shape, fill_value, *, dtype=None, device=None)
full_like(x, /, fill_value, *, dtype=None, device=None)
linspace(start, stop, /, num, *, dtype=None, device=None, endpoint=True)
meshgrid(*arrays, indexing='xy')
ones(shape, *, dtype=None, device=None)
ones_like(x, /, *, dtype=None, device=None)
tril(x, /, *, k=0)
triu(x, /, *, k=0)
zeros(shape, *, dtype=None, device=None)
zeros_like(x, /, *, dtype=None, device=None)
astype(x, dtype, /, *, copy=True, device=None)
can_cast(from_, to, /)
finfo(type, /)
iinfo(type, /)
isdtype(dtype, kind)
result_type(*arrays_and_dtypes)
clip(x, /, min=None, max=None)
take(x, indices, /, *, axis=None)
take_along_axis(x, indices, /, *, axis=-1)
__array_namespace_info__()
matmul(x1, x2, /)
matrix_transpose(x, /)
tensordot(x1, x2, /, *, axes=2)
vecdot(x1, x2, /, *, axis=-1)
broadcast_arrays(*arrays)
broadcast_shapes(*shapes)
broadcast_to(x, /, shape)
concat(arrays, /, *, axis=0)
expand_dims(x, /, axis)
flip(x, /, *, axis=None)
moveaxis(x, source, destination, /)
permute_dims(x, /, axes)
repeat(x, repeats, /, *, axis=None)
reshape(x, /, shape, *, copy=None)
roll(x, /, shift, *, axis=None)
squeeze(x, /, axis)
stack(arrays, /, *, axis=0)
tile(x, repetitions, /)
unstack(x, /, *, axis=0)
argmax(x, /, *, axis=None, keepdims=False)
argmin(x, /, *, axis=None, keepdims=False)
count_nonzero(x, /, *, axis=None, keepdims=False)
nonzero(x, /)
searchsorted(x1, x2, /, *, side='left', sorter=None)
where(condition, x1, x2, /)
isin(x1, x2, /, *, invert=False)
unique_all(x, /)
unique_counts(x, /)
unique_inverse(x, /)
unique_values(x, /)
argsort(x, /, *, axis=-1, descending=False, stable=True)
sort(x, /, *, axis=-1, descending=False, stable=True)
cumulative_prod(x, /, *, axis=None, dtype=None, include_initial=False)
cumulative_sum(x, /, *, axis=None, dtype=None, include_initial=False)
max(x, /, *, axis=None, keepdims=False)
mean(x, /, *, axis=None, keepdims=False)
min(x, /, *, axis=None, keepdims=False)
prod(x, /, *, axis=None, dtype=None, keepdims=False)
std(x, /, *, axis=None, correction=0.0, keepdims=False)
sum(x, /, *, axis=None, dtype=None, keepdims=False)
var(x, /, *, axis=None, correction=0.0, keepdims=False)
all(x, /, *, axis=None, keepdims=False)
any(x, /, *, axis=None, keepdims=False)
diff(x, /, *, axis=-1, n=1, prepend=None, append=None)
"""

LINALG = """
cholesky(x, /, *, upper=False)
cross(x1, x2, /, *, axis=-1)
det(x, /)
diagonal(x, /, *, offset=0)
eig(x, /)
eigh(x, /)
eigvals(x, /)
eigvalsh(x, /)
inv(x, /)
matmul(x1, x2, /)
matrix_norm(x, /, *, keepdims=False, ord='fro')
matrix_power(x, n, /)
matrix_rank(x, /, *, rtol=None)
matrix_transpose(x, /)
outer(x1, x2, /)
pinv(x, /, *, rtol=None)
qr(x, /, *, mode='reduced')
slogdet(x, /)
solve(x1, x2, /)
svd(x, /, *, full_matrices=True)
svdvals(x, /)
tensordot(x1, x2, /, *, axes=2)
trace(x, /, *, offset=0, dtype=None)
vecdot(x1, x2, /, *, axis=-1)
vector_norm(x, /, *, axis=None, keepdims=False, ord=2)
"""

FFT = "\n".join(
    [f"{f}(x, /, *, n=None, axis=-1, norm='backward')" for f in ("fft", "ifft", "rfft", "irfft")]
    + [f"{f}(x, /, *, n=None, axis=-1, norm='backward')" for f in ("hfft", "ihfft")]
    + [f"{f}n(x, /, *, s=None, axes=None, norm='backward')" for f in ("fft", "ifft", "rfft")]
    + ["irfftn(x, /, *, s=None, axes=None, norm='backward')"]
    + [f"{f}(n, /, *, d=1.0, dtype=None, device=None)" for f in ("fftfreq", "rfftfreq")]
    + [f"{f}(x, /, *, axes=None)" for f in ("fftshift", "ifftshift")]
)

# Of the array object. Operators besides have reflected and in-place forms.
_OPERATORS = "add and floordiv lshift matmul mod mul or pow rshift sub truediv xor"
OPERATORS = _OPERATORS.split()

METHODS = """
__array_namespace__(*, api_version=None)
__bool__()
__complex__()
__dlpack__(*, stream=None, max_version=None, dl_device=None, copy=None)
__dlpack_device__()
__float__()
__getitem__(key, /)
__index__()
__int__()
__setitem__(key, value, /)
to_device(device, /, *, stream=None)
"""


def parse(text: str) -> dict[str, inspect.Signature]:
    """Return the signatures of a table by name."""
    table = {}
    for line in text.split("\n"):
        if line:
            name, _, rest = line.partition("(")
            function: Callable[..., Any] = eval(f"lambda {rest[:-1]}: None")
            table[name] = inspect.signature(function)
    return table


def forms(signature: inspect.Signature) -> list[tuple[list[str], dict[str, Any]]]:
    """Return the ways in which arguments may be given: names by position, values by keyword."""
    parameters = list(signature.parameters.values())
    fixed = [p.name for p in parameters if p.kind is p.POSITIONAL_ONLY and p.default is p.empty]
    fixed += [p.name for p in parameters if p.kind is p.VAR_POSITIONAL] * 2
    either = [p for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
    options = {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}
    needed = {p.name: None for p in either if p.default is p.empty}
    optional = {p.name: p.default for p in either if p.default is not p.empty}
    every = [p.name for p in parameters if p.kind is p.POSITIONAL_ONLY]
    return [
        (fixed, dict(needed)),
        (fixed, needed | optional | options),
        ([*fixed, *needed], {}),
        ([*(every or fixed), *needed, *optional], options),
        *[(fixed, needed | {name: value}) for name, value in (optional | options).items()],
    ]
