"""einops (through `devarray.interop.einops`, and its Array API functions) and opt_einsum."""

import numpy as np
import pytest
from compare import on_device, same

import devarray as da

einops = pytest.importorskip("einops")
array_api = pytest.importorskip("einops.array_api")
opt_einsum = pytest.importorskip("opt_einsum")

import devarray.interop.einops  # noqa: E402

rng = np.random.default_rng(0)
IMAGES = rng.random((2, 4, 6, 3))
INTEGERS = rng.integers(0, 9, (2, 4, 6, 3))

REARRANGE = [
    ("b h w c -> b c h w", {}),
    ("b h w c -> (b h) w c", {}),
    ("b (h h2) (w w2) c -> (b h2 w2) h w c", {"h2": 2, "w2": 3}),
    ("... c -> c ...", {}),
    ("b h w c -> b h w c 1", {}),
    ("b h w c -> (b h w c)", {}),
]
REDUCE = [
    ("b h w c -> b c", "mean", {}),
    ("b h w c -> b 1 1 c", "sum", {}),
    ("b (h h2) (w w2) c -> b h w c", "max", {"h2": 2, "w2": 2}),
    ("b h w c -> c h", "min", {}),
    ("b h w c ->", "prod", {}),
    ("b h w c -> b", lambda x, axes: np.std(x, axis=axes), {}),
]
REPEAT = [
    ("b h w c -> b (h k) w c", {"k": 2}),
    ("b h w c -> b h (w k) c", {"k": 3}),
    ("b h w c -> k b h w c", {"k": 4}),
]


@pytest.mark.parametrize(("pattern", "lengths"), REARRANGE)
@pytest.mark.parametrize("functions", [einops, array_api])
def test_rearrange(functions, pattern, lengths, access):
    wanted = einops.rearrange(IMAGES, pattern, **lengths)
    same(functions.rearrange(da.to_gpu(IMAGES), pattern, **lengths), wanted, rtol=0)


@pytest.mark.parametrize(("pattern", "reduction", "lengths"), REDUCE)
def test_reduce(pattern, reduction, lengths, access):
    wanted = einops.reduce(IMAGES, pattern, reduction, **lengths)
    same(einops.reduce(da.to_gpu(IMAGES), pattern, reduction, **lengths), wanted)
    if isinstance(reduction, str):
        same(array_api.reduce(da.to_gpu(IMAGES), pattern, reduction, **lengths), wanted)


@pytest.mark.parametrize(("pattern", "lengths"), REPEAT)
@pytest.mark.parametrize("functions", [einops, array_api])
def test_repeat(functions, pattern, lengths, access):
    wanted = einops.repeat(IMAGES, pattern, **lengths)
    same(functions.repeat(da.to_gpu(IMAGES), pattern, **lengths), wanted, rtol=0)


def test_a_list_of_arrays_is_stacked(access):
    arrays = list(IMAGES)
    wanted = einops.rearrange(arrays, "b h w c -> h (b w) c")
    same(einops.rearrange(on_device(arrays), "b h w c -> h (b w) c"), wanted, rtol=0)


@pytest.mark.parametrize("functions", [einops, array_api])
def test_pack_and_unpack(functions, access):
    arrays = [IMAGES[0], IMAGES[0, :, :, 0]]
    wanted, shapes = einops.pack(arrays, "h w *")
    got, found = functions.pack(on_device(arrays), "h w *")
    same(got, wanted, rtol=0)
    assert found == shapes
    same(functions.unpack(got, shapes, "h w *"), einops.unpack(wanted, shapes, "h w *"), rtol=0)


@pytest.mark.parametrize(
    "pattern", ["b h w c, b h w d -> b c d", "b h w c, b h w c ->", "b h w c, k c -> b h w k"]
)
def test_einsum(pattern, access):
    other = rng.random((5, 3)) if "k c" in pattern else rng.random((2, 4, 6, 3))
    wanted = einops.einsum(IMAGES, other, pattern)
    same(einops.einsum(da.to_gpu(IMAGES), da.to_gpu(other), pattern), wanted)


def test_means_of_integers_are_refused_in_einops_own_words(access):
    with pytest.raises(NotImplementedError, match="reduce_mean is not available"):
        einops.reduce(da.to_gpu(INTEGERS), "b h w c -> b", "mean")


def test_wrong_pattern_is_einops_error(access):
    with pytest.raises(einops.EinopsError):
        einops.rearrange(da.to_gpu(IMAGES), "b h w -> b")


def test_parse_shape_and_asnumpy(access):
    x = da.to_gpu(IMAGES)
    assert einops.parse_shape(x, "b h _ c") == {"b": 2, "h": 4, "c": 3}
    host = einops.asnumpy(x)
    assert type(host) is np.ndarray
    np.testing.assert_array_equal(host, IMAGES)


def test_rearranging_writes_nothing_where_numpy_gives_a_view():
    x = da.to_gpu(IMAGES)
    y = einops.rearrange(x, "b h w c -> b c h w")
    x[0, 0, 0, 0] = 7
    assert float(y[0, 0, 0, 0]) == 7


CONTRACTIONS = [
    ("ij,jk->ik", [(3, 4), (4, 5)]),
    ("ij,jk,kl->il", [(3, 4), (4, 5), (5, 2)]),
    ("i,j->ij", [(3,), (4,)]),
    ("ijk,ijk->", [(2, 3, 4), (2, 3, 4)]),
    ("ii->i", [(4, 4)]),
    ("ij->j", [(3, 4)]),
    ("bij,bjk->bik", [(2, 3, 4), (2, 4, 5)]),
    ("ab,cd,bc,de->ae", [(2, 3), (4, 5), (3, 4), (5, 2)]),
]


@pytest.mark.parametrize(("subscripts", "shapes"), CONTRACTIONS)
@pytest.mark.parametrize("optimize", [True, "greedy", False])
def test_contract(subscripts, shapes, optimize, access):
    arrays = [rng.random(shape) for shape in shapes]
    wanted = opt_einsum.contract(subscripts, *arrays, optimize=optimize)
    same(opt_einsum.contract(subscripts, *on_device(arrays), optimize=optimize), wanted)


def test_contraction_that_is_kept(access):
    arrays = [rng.random((3, 4)), rng.random((4, 5)), rng.random((5, 3))]
    expression = opt_einsum.contract_expression("ij,jk,ki->", *(x.shape for x in arrays))
    same(expression(*on_device(arrays)), expression(*arrays))
