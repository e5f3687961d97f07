"""Cooperative groups in kernels on the host: which of them wait, and which are plain loops."""

import re
from functools import cache

import numpy as np
import pytest

import devarray as da
from devarray.kernels.host_grid import HostModule
from devarray.kernels.host_groups import with_barriers, with_tiles
from devarray.kernels.host_text import host_text
from host_modules import at

HEAD = "#include <cooperative_groups.h>\nnamespace cg = cooperative_groups;\n"
REDUCE = "#include <cooperative_groups/reduce.h>\n"
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
    assert found == {"waits": "DH_GUARDED", "alone": "DH_LOOP", "ranks": "DH_LOOP"}
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


# ---- tiles of a warp ---------------------------------------------------------------------------

TILED = """
__device__ float tile_sum(const cg::thread_block_tile<16> &tile, float v) {
    for (int by = tile.size() / 2; by > 0; by /= 2) v += tile.shfl_down(v, by);
    return tile.shfl(v, 0);
}
template <typename T> __device__ void block_sum(T *s, T v, cg::thread_block cta) {
    cg::thread_block_tile<32> tile32 = cg::tiled_partition<32>(cta);
    for (int by = tile32.size() / 2; by > 0; by /= 2) v += tile32.shfl_xor(v, by);
    if (tile32.thread_rank() == 0) s[tile32.meta_group_rank()] = v;
    cg::sync(cta);
    for (unsigned k = 1; cta.thread_rank() == 0 && k < tile32.meta_group_size(); ++k) s[0] += s[k];
    cg::sync(cta);
}
__global__ void shuffles(const float *x, float *y, int n) {
    cg::thread_block cta = cg::this_thread_block();
    auto tile = cg::tiled_partition<8>(cta);
    const unsigned t = cta.thread_rank(), i = cta.group_index().x * cta.size() + t;
    float v = x[i];
    for (int by = 1; by < tile.size(); by *= 2) {
        float u = tile.shfl_up(v, by);
        if (tile.thread_rank() >= by) v += u;
    }
    float w = tile.shfl(v, tile.thread_rank() + 3);
    tile.sync();
    y[i] = w - tile.shfl_xor(tile.shfl_down(v, 2), 1) + cta.thread_index().x;
}
__global__ void votes(const float *x, float *y, int n) {
    cg::thread_block_tile<4> tile = cg::tiled_partition<4>(cg::this_thread_block());
    const unsigned i = WHERE;
    const int big = x[i] > 0.5f;
    unsigned bits = tile.ballot(big);
    int some = tile.any(big), each = tile.all(big);
    y[i] = bits + 100 * some + 1000 * each + 10000 * tile.meta_group_rank();
}
__global__ void parted(const float *x, float *y, int n) {
    auto block = cg::this_thread_block();
    const auto tile = cg::tiled_partition<8>(block);
    const unsigned i = WHERE;
    float v = x[i];
    if (tile.meta_group_rank() % 2) {
        v += tile.shfl_xor(v, 1);
        int some = tile.any(v > 1.2f);
        v += some;
    }
    y[i] = v;
}
__global__ void passed(const float *x, float *y, int n) {
    cg::thread_block_tile<16> t16 = cg::tiled_partition<16>(cg::this_thread_block());
    const unsigned i = WHERE;
    y[i] = tile_sum(t16, x[i]);
}
__global__ void kept(const float *x, float *y, int n) {
    cg::thread_block block = cg::this_thread_block();
    auto warp = cg::tiled_partition<32>(block);
    auto quarter = cg::tiled_partition<8>(warp);
    cg::thread_block_tile<16> t16 = cg::tiled_partition<16>(block);
    float v = tile_sum(t16, x[WHERE]);
    block.sync();
    v += tile_sum(t16, v) * quarter.shfl(x[WHERE], 1);
    y[WHERE] = v + quarter.meta_group_rank();
}
__global__ void whole(const float *x, float *y, int n) {
    __shared__ float s[32];
    cg::thread_block block = cg::this_thread_block();
    block_sum(s, x[WHERE], block);
    y[WHERE] = s[0];
}
template <int N> __device__ float of_size(float v, cg::thread_block cta) {
    auto tile = cg::tiled_partition<N>(cta);
    v += tile.shfl_down(v, 1);
    return v + tile.thread_rank();
}
__global__ void sizes(const float *x, float *y, int n) {
    cg::thread_block cta = cg::this_thread_block();
    const unsigned i = WHERE;
    float v = of_size<2>(x[i], cta);
    float w = of_size<32>(x[i], cta);
    y[i] = v + 2 * w;
}
struct Range { float low, high; };
__device__ Range wider(Range a, Range b) {
    Range both = {fminf(a.low, b.low), fmaxf(a.high, b.high)};
    return both;
}
__global__ void ranges(const float *x, float *y, int n) {
    auto tile = cg::tiled_partition<16>(cg::this_thread_block());
    Range own = {x[WHERE], x[WHERE]};
    own = cg::reduce(tile, own, wider);
    y[WHERE] = own.high - own.low;
}
__global__ void reductions(const float *x, float *y, int n) {
    auto tile = cg::tiled_partition<32>(cg::this_thread_block());
    auto part = cg::tiled_partition<8>(cg::this_thread_block());
    const unsigned i = WHERE;
    float v = x[i];
    int k = (int)(1000 * v);
    float sum = cg::reduce(tile, v, cg::plus<float>());
    float low = cg::reduce(part, x[i], cg::less<float>{});
    float high = cg::reduce(part, v, cg::greater<float>());
    int bits = cg::reduce(tile, k, cg::bit_xor<int>()) + cg::reduce(part, k, cg::bit_or<int>());
    bits += cg::reduce(part, k, cg::bit_and<int>());
    y[i] = sum + 10 * low + 100 * high + bits;
}
"""
TILED = TILED.replace(
    "WHERE",
    "threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * "
    "(threadIdx.z + blockDim.z * blockIdx.x))",
)
TILED_KERNELS = re.findall(r"__global__ void (\w+)", TILED)


@cache
def tiled_modules():
    return [HostModule(REDUCE + HEAD + TILED, whole_blocks=loops) for loops in (True, False)]


@pytest.mark.parametrize("block", [(64, 1, 1), (8, 4, 3)])
@pytest.mark.parametrize("name", TILED_KERNELS)
def test_tiles_in_loops_and_in_fibers(name, block):
    assert modes(REDUCE + HEAD + TILED)[name] in ("DH_LOOP", "DH_GUARDED")
    modules = tiled_modules()
    assert modules[0].whole_blocks  # the loops do compile
    n = 3 * block[0] * block[1] * block[2]
    x = np.random.default_rng(7).random(n, dtype="float32")
    found = [np.full(n, -1, "float32") for _ in modules]
    for one, y in zip(modules, found, strict=True):
        one.launch(name, 3, block, [at(x), at(y), n])
    np.testing.assert_array_equal(*found)
    assert not (found[0] == -1).all()


def test_tiles_against_numpy():
    x = np.random.default_rng(8).random(128, dtype="float32")
    y = np.zeros_like(x)
    loops = tiled_modules()[0]
    loops.launch("passed", 2, 64, [at(x), at(y), 128])
    np.testing.assert_allclose(y, x.reshape(-1, 16).sum(1).repeat(16), rtol=1e-6)
    loops.launch("whole", 2, 64, [at(x), at(y), 128])
    np.testing.assert_allclose(y, x.reshape(-1, 64).sum(1).repeat(64), rtol=1e-6)
    loops.launch("ranges", 2, 64, [at(x), at(y), 128])
    np.testing.assert_array_equal(y, np.ptp(x.reshape(-1, 16), 1).repeat(16))
    loops.launch("votes", 2, 64, [at(x), at(y), 128])
    big = (x > 0.5).reshape(-1, 4)
    expected = big @ [1, 2, 4, 8] + 100 * big.any(1) + 1000 * big.all(1)
    expected = expected + 10000 * np.tile(np.arange(16), 2)
    np.testing.assert_array_equal(y, expected.repeat(4))


LEFT_ALONE = [
    "auto g = cg::coalesced_threads(); v = g.shfl(v, 0);",
    "auto g = cg::tiled_partition(cg::this_thread_block(), 8); v = g.thread_rank();",
    "auto g = cg::tiled_partition<64>(cg::this_thread_block()); v = g.shfl(v, 0);",
    "auto t = cg::tiled_partition<8>(b); auto g = cg::labeled_partition(t, v); v = g.shfl(v, 0);",
    "auto g = cg::binary_partition(cg::tiled_partition<8>(b), v > 0); v = g.shfl(v, 0);",
    "auto g = cg::this_grid(); v = g.thread_rank();",
    "if (v) { auto g = cg::tiled_partition<8>(b); v = g.shfl(v, 0); }\n"
    "else { auto g = cg::coalesced_threads(); v = g.shfl(v, 0); }",
    "if (v) { auto g = cg::tiled_partition<8>(b); v = g.shfl(v, 0); }\n"
    "else { auto g = cg::tiled_partition<4>(b); v = g.shfl(v, 0); }",
    "auto g = cg::tiled_partition<8>(b); v = cg::reduce(g, v + 1.5, cg::plus<int>());",
    "auto g = cg::tiled_partition<8>(b); v = cg::reduce(g, v, cg::plus<long long>());",
    "auto g = cg::tiled_partition<8>(b); v = cg::reduce(g, v, [](int a, int c) { return a; });",
    "auto g = cg::tiled_partition<8>(b); v = g.match_all(v, v);",
    "if (v) { auto g = cg::this_thread_block(); } else { auto g = cg::coalesced_threads();\n"
    "auto t = cg::tiled_partition<2>(g); v = t.shfl(v, 0); }",
    "Own g; v = g.shfl(v, 0);",
]


@pytest.mark.parametrize("body", LEFT_ALONE)
def test_what_is_not_known_is_left_alone(body):
    source = f"{HEAD}__device__ int f(int v) {{\n{body}\nreturn v; }}\n"
    source += "__device__ void b() {}\n" if "(b)" not in body else ""
    if "(b)" in body:
        source = source.replace("int f(int v)", "int f(int v, cg::thread_block b)")
    assert with_tiles(source) == source


def test_lines_stay_with_tiles():
    source = (
        HEAD
        + """
    __global__ void k(int *y) {
        cg::thread_block b =
            cg::this_thread_block();
        auto t = cg::tiled_partition<32>(
            b); // (a comment
        y[b.thread_rank(
        )] = t.shfl_down( // of several
            y[0], /* lines, ( and */
            1) + t.shfl(y[1], 2);
        "t.sync()"; // t.sync()
    }
    """
    )
    text = with_tiles(source)
    assert [len(source.split("\n")), 1] == [len(text.split("\n")), text.count("__shfl_down_sync")]
    assert source.split("\n")[12:] == text.split("\n")[12:] and "tiled_partition" not in text


def test_values_that_loops_cannot_shuffle_are_left_to_fibers():
    source = (
        HEAD
        + """
    struct Four { double a, b, c, d; };
    __global__ void k(const double *x, double *y) {
        auto tile = cg::tiled_partition<8>(cg::this_thread_block());
        Four f = {x[threadIdx.x], 1, 2, 3};
        Four g = tile.shfl(f, 2);
        y[threadIdx.x] = g.a + g.d;
    }
    """
    )
    x, y = np.arange(32.0), np.zeros(32)
    HostModule(source, whole_blocks=True).launch("k", 1, 32, [at(x), at(y)])
    np.testing.assert_array_equal(y, x // 8 * 8 + 5)


def test_checks_see_groups_as_they_are():
    source = REDUCE + HEAD + TILED
    text = host_text(source, whole_blocks=True, checks=False)
    assert "__dh_taken" in text
    with da.config(raw_checks=True):
        x, y = np.random.default_rng(9).random(64, dtype="float32"), da.zeros(64, "float32")
        da.RawModule(source).get_function("passed")(1, 64, (da.to_gpu(x), y, np.int32(64)))
    np.testing.assert_allclose(y.get(), x.reshape(-1, 16).sum(1).repeat(16), rtol=1e-6)
