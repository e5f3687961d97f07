"""matplotlib, pandas, Pillow and PyTorch: libraries that want host arrays, or DLPack."""

import sys

import numpy as np
import pytest

import devarray as da
from agreement import host_memory

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")

from matplotlib import pyplot as plt  # noqa: E402

X = np.linspace(0, 1, 20)
Z = np.random.default_rng(0).random((5, 7))


@pytest.fixture
def axes():
    figure, axes = plt.subplots()
    yield axes
    plt.close(figure)


def test_get_is_the_way_that_always_works(axes, access):
    x = da.to_gpu(X)
    (line,) = axes.plot(x.get(), (x * x).get())
    np.testing.assert_array_equal(line.get_ydata(), X * X)
    assert axes.imshow(da.to_gpu(Z).get()).get_array().shape == (5, 7)
    axes.figure.canvas.draw()


def test_plot_and_hist_ask_for_to_numpy_themselves(axes, access):
    x = da.to_gpu(X)
    (line,) = axes.plot(x, x**2)
    np.testing.assert_array_equal(line.get_xdata(), X)
    np.testing.assert_array_equal(line.get_ydata(), X**2)
    counts, _, _ = axes.hist(x, bins=4)
    np.testing.assert_array_equal(counts, np.histogram(X, 4)[0])


PICTURES = {
    "imshow": lambda ax, z, x: ax.imshow(z),
    "contour": lambda ax, z, x: ax.contour(z),
    "pcolormesh": lambda ax, z, x: ax.pcolormesh(z),
    "scatter": lambda ax, z, x: ax.scatter(x, x),
    "fill_between": lambda ax, z, x: ax.fill_between(x, x),
}


@pytest.mark.parametrize("name", PICTURES)
@host_memory
def test_other_pictures_read_shared_memory_or_say_get(name, axes):
    draw = PICTURES[name]
    with da.config(host_access="read"):
        draw(axes, da.to_gpu(Z), da.to_gpu(X))
        axes.figure.canvas.draw()
    with da.config(host_access="never"), pytest.raises(da.HostMixError, match=r"\.get\(\)"):
        draw(axes, da.to_gpu(Z), da.to_gpu(X))


def test_bars_meet_host_arrays_inside_matplotlib(axes, access):
    x = da.to_gpu(X)
    with pytest.raises(da.HostMixError):
        axes.bar(x, x)
    assert len(axes.bar(x.get(), x.get())) == 20


def test_pandas(access):
    pd = pytest.importorskip("pandas")
    x = da.to_gpu(Z)
    pd.testing.assert_frame_equal(pd.DataFrame(x.get()), pd.DataFrame(Z))
    if access == "read":
        pd.testing.assert_frame_equal(pd.DataFrame(x), pd.DataFrame(Z))
        pd.testing.assert_series_equal(pd.Series(x[0]), pd.Series(Z[0]))
        assert list(pd.Index(x[0])) == list(Z[0])
    else:
        for make in (lambda: pd.DataFrame(x), lambda: pd.DataFrame({"a": x[0]})):
            with pytest.raises(da.HostMixError, match=r"\.get\(\)"):
                make()


def test_pandas_columns_come_to_the_device(never):
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({"a": X, "b": X**2})
    x = da.to_gpu(frame["a"].to_numpy())
    frame["c"] = (2 * x).get()
    np.testing.assert_array_equal(frame["c"], 2 * X)


def test_pillow(access):
    images = pytest.importorskip("PIL.Image")
    values = (Z * 255).astype(np.uint8)
    x = da.to_gpu(values)
    np.testing.assert_array_equal(np.asarray(images.fromarray(x.get())), values)
    if access == "read":
        np.testing.assert_array_equal(np.asarray(images.fromarray(np.asarray(x))), values)
        if sys.version_info >= (3, 12):  # Pillow asks for a buffer, which Python lets us have then
            np.testing.assert_array_equal(np.asarray(images.fromarray(x)), values)
    picture = images.fromarray(values)
    np.testing.assert_array_equal(da.to_gpu(np.asarray(picture)).get(), values)


def test_torch_shares_memory_by_dlpack(access):
    torch = pytest.importorskip("torch")
    x = da.to_gpu(Z)
    tensor = torch.from_dlpack(x)
    tensor[0, 0] = 7
    assert float(x[0, 0]) == 7
    back = da.from_dlpack(tensor * 2)
    assert float(back[0, 0]) == 14


@host_memory
def test_numpy_shares_memory_by_dlpack(access):
    x = da.to_gpu(Z)
    host = np.from_dlpack(x)
    x[0, 0] = 7
    assert host[0, 0] == 7
