"""Fourier transforms: dtypes, lengths, axes, norms, frequencies."""

from __future__ import annotations

import math

import numpy as np
import pytest

import devarray as da
from standard.common import array, close, same

rng = np.random.default_rng(2)
NORMS = ("backward", "ortho", "forward")
PRECISIONS = (("float32", "complex64"), ("float64", "complex128"))


def numbers(shape, dtype):
    values = rng.standard_normal(shape)
    return (
        (values + 1j * rng.standard_normal(shape)).astype(dtype)
        if dtype[0] == "c"
        else values.astype(dtype)
    )


def matrix(n, sign):
    """Return the transform of length n as a matrix."""
    k = np.arange(n)
    return np.exp(sign * 2j * math.pi * np.outer(k, k) / n)


@pytest.mark.parametrize(("real", "compound"), PRECISIONS)
@pytest.mark.parametrize("norm", NORMS)
def test_definition(norm, real, compound):
    scale = {"backward": (1, 1 / 6), "ortho": (6**-0.5, 6**-0.5), "forward": (1 / 6, 1)}[norm]
    z, x = numbers((2, 6), compound), numbers((2, 6), real)
    wanted = (z @ matrix(6, -1) * scale[0], z @ matrix(6, 1) * scale[1])
    for name, values in zip(("fft", "ifft"), wanted, strict=True):
        close(getattr(da.fft, name)(array(z), norm=norm), values.astype(compound))
    half = da.fft.rfft(array(x), norm=norm)
    close(half, (x @ matrix(6, -1)[:, :4] * scale[0]).astype(compound))
    close(da.fft.irfft(half, norm=norm), x)
    other = da.fft.ihfft(array(x), norm=norm)
    close(other, (x @ matrix(6, 1)[:, :4] * scale[1]).astype(compound))
    close(da.fft.hfft(other, norm=norm), x)
    close(da.fft.ifft(da.fft.fft(array(z), norm=norm), norm=norm), z)


@pytest.mark.parametrize(("real", "compound"), PRECISIONS)
def test_lengths_and_axes(real, compound):
    z, x = numbers((3, 4, 5), compound), numbers((3, 4, 5), real)
    for axis in (0, 1, -1):
        m = z.shape[axis]
        for n in (None, m - 1, m, m + 2):
            for name, given in (
                ("fft", z),
                ("ifft", z),
                ("rfft", x),
                ("ihfft", x),
                ("irfft", z),
                ("hfft", z),
            ):
                got = getattr(da.fft, name)(array(given), n=n, axis=axis)
                wanted = getattr(np.fft, name)(given, n=n, axis=axis)
                close(got, wanted, real if name in ("irfft", "hfft") else compound)
    for name in ("fft", "rfft"):
        with pytest.raises((IndexError, ValueError)):
            getattr(da.fft, name)(array(x), axis=3)
        with pytest.raises(ValueError, match="Invalid number"):
            getattr(da.fft, name)(array(x), n=0)
    with pytest.raises(ValueError, match="norm"):
        da.fft.fft(array(z), norm="no such norm")


@pytest.mark.parametrize(("real", "compound"), PRECISIONS)
@pytest.mark.parametrize("norm", NORMS)
def test_several_axes(norm, real, compound):
    z, x = numbers((3, 4, 5), compound), numbers((3, 4, 5), real)
    for s, axes in (
        (None, None),
        (None, (0, 2)),
        ((2, 6), (-2, -1)),
        ((4,), (1,)),
        ((-1, 3), (0, 1)),
    ):
        for name, given in (("fftn", z), ("ifftn", z), ("rfftn", x), ("irfftn", z)):
            if name == "irfftn" and s and -1 in s:
                continue
            got = getattr(da.fft, name)(array(given), s=s, axes=axes, norm=norm)
            wanted = getattr(np.fft, name)(given, s=s, axes=axes, norm=norm)
            close(got, wanted, real if name == "irfftn" else compound)
    close(da.fft.ifftn(da.fft.fftn(array(z), norm=norm), norm=norm), z)
    back = da.fft.irfftn(da.fft.rfftn(array(x), norm=norm), s=x.shape, axes=(0, 1, 2), norm=norm)
    close(back, x)


@pytest.mark.parametrize("n", [1, 4, 5])
def test_frequencies(n):
    positive = list(range((n - 1) // 2 + 1))
    every = positive + list(range(-(n // 2), 0))
    close(da.fft.fftfreq(n), np.asarray(every) / n)
    close(da.fft.fftfreq(n, d=0.25), np.asarray(every) / (n * 0.25))
    close(da.fft.rfftfreq(n), np.arange(n // 2 + 1) / n)
    close(da.fft.rfftfreq(n, d=2.0), np.arange(n // 2 + 1) / (2.0 * n))
    for function in (da.fft.fftfreq, da.fft.rfftfreq):
        assert function(n).dtype == da.float64
        assert function(n, dtype=da.float32, device="cpu").dtype == da.float32


def test_shifts():
    host = np.arange(20).reshape(4, 5)
    for axes in (None, 0, -1, (0, 1), (1,)):
        for name in ("fftshift", "ifftshift"):
            same(
                getattr(da.fft, name)(array(host), axes=axes),
                getattr(np.fft, name)(host, axes=axes),
            )
    close(da.fft.ifftshift(da.fft.fftshift(array(host * 1j))), host * 1j)
