"""Cooperative groups in kernels on the host: which of them wait, and which are plain loops."""

import re

import numpy as np
import pytest

import devarray as da
from devarray.kernels.host_groups import with_barriers
from devarray.kernels.host_text import host_text

HEAD = "#include <cooperative_groups.h>\nnamespace cg = cooperative_groups;\n"
TREE = """
__global__ void k(const int *x, int *y) {
    DECLARED
    __shared__ int s[64];
    const int t = threadIdx.x;
    s[t] = x[blockIdx.x * 64 + t];
    WAIT;
    for (int by = 32; by > 0; by /= 2) {
        if (t < by) s[t] += s[t + by];
        WAIT;
    }
    if (t == 0) y[blockIdx.x] = s[0] + REST;
}
"""


def modes(source):
    """Return how each kernel of a source runs."""
    text = host_text(source, whole_blocks=True)
    return dict(re.findall(r'DH_LAUNCHER\(\w+, "([^"]+)", (DH_\w+)', text))


def tree(declared, wait, rest="0"):
    return HEAD + TREE.replace("DECLARED", declared).replace("WAIT", wait).replace("REST", rest)


@pytest.mark.parametrize(
    "source",
    [
        tree("cg::thread_block block = cg::this_thread_block();", "cg::sync(block)"),
        tree("cg::thread_block block = cg::this_thread_block();", "block.sync()"),
        tree("const auto block = cg::this_thread_block();", "block . sync ( )"),
        tree("auto block = cooperative_groups::this_thread_block();", "cg::sync( block )"),
        tree("", "cg::this_thread_block().sync()"),
        tree("", "cg::sync(cg::this_thread_block())"),
        tree(
            "using namespace cooperative_groups; thread_block b = this_thread_block();", "sync(b)"
        ),
        tree("cg::thread_block b = cg::this_thread_block();", "b.sync()", "b.size() - b.size()"),
    ],
)
def test_barriers_of_the_block(source):
    assert modes(source)["k"] != "DH_FIBERS"
    x = np.arange(192, dtype="int32") ** 2
    for checks in (False, True):
        with da.config(raw_checks=checks):
            y = da.zeros(3, "int32")
            da.RawModule(source).get_function("k")(3, 64, (da.to_gpu(x), y))
            np.testing.assert_array_equal(y.get(), x.reshape(3, 64).sum(1))


def test_lines_stay():
    source = tree("cg::thread_block b =\n cg::this_thread_block();", "cg::sync(\n b\n)")
    text = with_barriers(source)
    assert text.count("\n") == source.count("\n") and text.count("__syncthreads()") == 2
    assert "this_thread_block" not in text
    bad = source.replace("y[blockIdx.x] =", "y[blockIdx.x + 9] =")
    line = bad[: bad.index("y[blockIdx")].count("\n") + 1
    with da.config(raw_checks=True), pytest.raises(da.errors.DeviceError, match=f"line {line}:"):
        da.RawModule(bad).get_function("k")(1, 64, (da.zeros(64, "int32"), da.zeros(1, "int32")))


@pytest.mark.parametrize(
    "other",
    [
        "__device__ void f(cg::thread_group g) { g.sync(); }",
        "__device__ void f(const cg::thread_block_tile<32> &g) { cg::sync(g); }",
        "template <class G> __device__ void f(G g) { g.sync(); }",
        "__global__ void f() { auto g = cg::tiled_partition<8>(cg::this_thread_block());\n"
        "g.sync(); }",
        "__global__ void f() { cg::grid_group g = cg::this_grid(); g.sync(); }",
    ],
)
def test_names_of_other_groups_are_left_alone(other):
    own = "__global__ void k() { cg::thread_block g = cg::this_thread_block(); cg::sync(g); }"
    source = f"{HEAD}{other}\n{own}\n"
    assert with_barriers(source) == source


def test_kernels_beside_those_with_groups():
    source = (
        HEAD
        + """
        __device__ int total(cg::thread_block_tile<32> tile, int x) {
            for (int by = 16; by > 0; by /= 2) x += tile.shfl_down(x, by);
            return x;
        }
        __global__ void waits(int *y) {
            y[threadIdx.x] = total(cg::tiled_partition<32>(cg::this_thread_block()), 1);
        }
        __global__ void alone(int *y) { y[threadIdx.x] = threadIdx.x; }
        __global__ void ranks(int *y) {
            auto block = cg::this_thread_block();
            auto tile = cg::tiled_partition<4>(block);
            y[block.thread_rank()] = tile.thread_rank() * 10 + block.thread_index().x;
        }
    """
    )
    found = modes(source)
    assert found == {"waits": "DH_FIBERS", "alone": "DH_LOOP", "ranks": "DH_LOOP"}
    module, y = da.RawModule(source), da.zeros(32, "int32")
    lanes = np.arange(32)
    for name, expected in (("alone", lanes), ("ranks", lanes % 4 * 10 + lanes)):
        module.get_function(name)(1, 32, (y,))
        np.testing.assert_array_equal(y.get(), expected)
    module.get_function("waits")(1, 32, (y,))
    assert y.get()[0] == 32


def test_long_comments_take_no_time():
    source = (
        HEAD
        + "/*"
        + " words\n" * 3000
        + "*/"
        + tree("cg::thread_block b = cg::this_thread_block();", "cg::sync(b)")
    )
    assert "__syncthreads()" in with_barriers(source)
