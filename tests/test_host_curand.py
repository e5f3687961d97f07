"""Random numbers of `<curand_kernel.h>` in kernels on the host.

Known answers are Random123's for Philox and L'Ecuyer's for MRG32k3a; the rest is compared with what
Python's integers and `devarray.kernels.random_rows` give, and with the distributions' formulas.
"""

import math
from functools import cache

import numpy as np
import pytest

import devarray as da
from devarray.compat.pycuda import driver, gpuarray
from devarray.compat.pycuda.characterize import sizeof
from devarray.compat.pycuda.compiler import SourceModule
from devarray.compat.pycuda.elementwise import ElementwiseKernel
from devarray.errors import CompileError, DeviceError, UnsupportedError
from devarray.kernels.host_grid import HostModule
from devarray.kernels.opencl_text import translate_opencl
from devarray.kernels.random_rows import philox
from host_modules import module

u8, u4 = np.uint64, np.uint32
STATES = {"curandState": 48, "curandStatePhilox4_32_10_t": 64, "curandStateMRG32k3a": 72}
PHILOX, MRG = "curandStatePhilox4_32_10_t", "curandStateMRG32k3a"

DRAWS = """
#include <curand_kernel.h>
#define DRAW(name, T, draw) \\
    __global__ void name(STATE *states, T *out, int each) { \\
        int i = blockIdx.x * blockDim.x + threadIdx.x; \\
        STATE t = states[i], *s = &t; \\
        for (int k = 0; k < each; ++k) out[i * each + k] = draw; \\
        states[i] = t; \\
    }
__global__ void init(STATE *states, unsigned long long seed, unsigned long long first,
                     unsigned long long offset) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    curand_init(seed, first + i, offset, states + i);
}
__global__ void skip(STATE *s, unsigned long long n, int times) {
    for (int k = 0; k < times; ++k) skipahead(n, s + blockIdx.x);
}
__global__ void skip_sequence(STATE *s, unsigned long long n) { skipahead_sequence(n, s); }
__global__ void bytes(int *out) { *out = sizeof(STATE); }
DRAW(bits, unsigned, curand(s))
DRAW(uniform, float, curand_uniform(s))
DRAW(uniform_double, double, curand_uniform_double(s))
DRAW(normal, float, curand_normal(s))
DRAW(normal_double, double, curand_normal_double(s))
DRAW(normal2, float2, curand_normal2(s))
DRAW(normal2_double, double2, curand_normal2_double(s))
DRAW(log_normal, float, curand_log_normal(s, 0.5f, 0.25f))
DRAW(log_normal_double, double, curand_log_normal_double(s, 0.5, 0.25))
DRAW(poisson_3, unsigned, curand_poisson(s, 3.0))
DRAW(poisson_40, unsigned, curand_poisson(s, 40.0))
#ifdef FOUR
DRAW(bits4, uint4, curand4(s))
DRAW(uniform4, float4, curand_uniform4(s))
DRAW(normal4, float4, curand_normal4(s))
DRAW(log_normal4, float4, curand_log_normal4(s, 0.5f, 0.25f))
DRAW(uniform2_double, double2, curand_uniform2_double(s))
#endif
"""


@pytest.fixture(autouse=True)
def on_the_host():
    with da.Device("openmp"):
        yield


@cache
def draws(state):
    options = [f"-DSTATE={state}", *(["-DFOUR"] if state == PHILOX else [])]
    return da.RawModule(DRAWS, options=options)


class Generator:
    """States in an array of bytes, and what draws from them."""

    def __init__(self, state, seed=0, first=0, offset=0, threads=1):
        self.module = draws(state)
        self.threads = threads
        self.states = da.empty(threads * STATES[state], dtype="uint8")
        self.run("init", self.states, u8(seed), u8(first), u8(offset))

    def run(self, name, *args):
        block = min(self.threads, 128)
        self.module.get_function(name)(self.threads // block, block, args)

    def __call__(self, name, each, dtype=u4, width=1):
        out = da.empty(self.threads * each * width, dtype=dtype)
        self.run(name, self.states, out, np.int32(each))
        return out.get()


# ---- the generators' bits ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seed", "sequence", "skip", "words"),
    [
        (0, 0, 0, (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
        (2**64 - 1, 2**64 - 1, 2**64 - 1, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
        (
            *(0x299F31D0A4093822, 0x0370734413198A2E, 0x85A308D3243F6A88),
            (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
        ),
    ],
)
def test_philox_gives_known_answers(seed, sequence, skip, words):
    generator = Generator(PHILOX, seed, sequence)
    generator.run("skip", generator.states, u8(skip), np.int32(4))  # 4 words are one block
    assert tuple(generator("bits", 4)) == words


def philox_words(seed, sequence, count):
    pairs = philox(np.arange((count + 3) // 4), np.uint64(seed), np.uint64(sequence))
    return np.stack(pairs, axis=1).view(u4).ravel()[:count]


def test_philox_gives_the_words_of_blocks_in_order():
    for thread, words in enumerate(Generator(PHILOX, 77, 5, threads=4)("bits", 50).reshape(4, 50)):
        assert np.array_equal(words, philox_words(77, 5 + thread, 50))
    for start in range(4):  # four words at once, from any word
        generator = Generator(PHILOX, 77, 5, start)
        got = [generator("bits4", 3, width=4), generator("bits", 5), generator("bits4", 2, width=4)]
        assert np.array_equal(np.concatenate(got), philox_words(77, 5, 29)[start : start + 25])


def test_philox_counts_beyond_64_bits():
    last = 2**64 - 1
    generator = Generator(PHILOX, 9, 3, last)
    for _ in range(3):
        generator.run("skip", generator.states, u8(last), np.int32(1))
    # 4 * 2**64 - 4 words: the last block of the sequence, then the first of the next
    assert np.array_equal(generator("bits", 12)[4:], philox_words(9, 4, 8))


def mrg(count, first=((12345,) * 3, (12345,) * 3)):
    x, y = (list(part) for part in first)
    m, n = 2**32 - 209, 2**32 - 22853
    for _ in range(count):
        x = [x[1], x[2], (1403580 * x[1] - 810728 * x[0]) % m]
        y = [y[1], y[2], (527612 * y[2] - 1370589 * y[0]) % n]
        yield ((x[2] - y[2]) % m or m) / (m + 1)


def moved(power):
    """Return L'Ecuyer's first state, `power` steps on."""
    m, n = 2**32 - 209, 2**32 - 22853
    result = []
    for rows, k in (
        (((0, 1, 0), (0, 0, 1), (-810728, 1403580, 0)), m),
        (((0, 1, 0), (0, 0, 1), (-1370589, 0, 527612)), n),
    ):
        step, total = np.array(rows, object), np.eye(3, dtype=int).astype(object)
        rest = power
        while rest:
            total = total @ step % k if rest & 1 else total
            step, rest = step @ step % k, rest >> 1
        result.append([int(x) for x in total @ np.array([12345] * 3, object) % k])
    return result


def test_mrg32k3a_gives_known_answers():
    x = Generator(MRG)("uniform_double", 1000, "f8")
    np.testing.assert_allclose(x[:3], [0.127011122047, 0.318527565397, 0.309186015583], rtol=1e-10)
    np.testing.assert_allclose(x, list(mrg(1000)), rtol=1e-15)


@pytest.mark.parametrize(("sequence", "offset"), [(1, 0), (5, 3), (2**40 + 7, 2**63 + 11)])
def test_mrg32k3a_has_sequences_that_are_far_apart(sequence, offset):
    x = Generator(MRG, 0, sequence, offset)("uniform_double", 8, "f8")
    expected = list(mrg(8, moved(sequence * 2**127 + offset)))
    np.testing.assert_allclose(x, expected, rtol=1e-15)


# ---- what all generators have in common ----------------------------------------------------------


@pytest.mark.parametrize("state", STATES)
def test_states_have_cuda_s_sizes(state):
    generator = Generator(state)
    out = da.zeros(1, dtype="int32")
    generator.run("bytes", out)
    assert out.get()[0] == STATES[state]


@pytest.mark.parametrize("state", STATES)
def test_the_same_seed_gives_the_same_numbers(state):
    first, again = (Generator(state, 11, 2, threads=256)("bits", 6) for _ in range(2))
    assert np.array_equal(first, again)
    alone = Generator(state, 11, 2 + 200)("bits", 6)  # whoever draws them
    assert np.array_equal(first.reshape(256, 6)[200], alone)
    for other in (Generator(state, 12, 2, threads=256), Generator(state, 11, 900, threads=256)):
        assert len(np.intersect1d(first, other("bits", 6))) < 5


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("n", [0, 1, 2, 3, 4, 5, 7, 8, 101])
def test_offset_and_skipahead_agree_with_drawing(state, n):
    drawn = Generator(state, 5, 3)("bits", n + 16)
    assert np.array_equal(Generator(state, 5, 3, n)("bits", 9), drawn[n : n + 9])
    generator = Generator(state, 5, 3)
    assert np.array_equal(generator("bits", 6), drawn[:6])
    generator.run("skip", generator.states, u8(n), np.int32(1))
    assert np.array_equal(generator("bits", 9), drawn[n + 6 : n + 15])
    generator.run("skip_sequence", generator.states, u8(4))
    assert np.array_equal(generator("bits", 7), Generator(state, 5, 7, n + 15)("bits", 7))


@pytest.mark.parametrize("state", STATES)
def test_sequences_are_independent(state):
    x = Generator(state, 3, threads=256)("uniform", 256, "f4").reshape(256, 256)
    for rows in (x, x.T):  # numbers of a thread, and the k-th numbers of all threads
        deviations = np.abs(np.corrcoef(rows) - np.eye(256))
        assert deviations.max() < 6 / 16 and deviations.std() < 1.1 / 16
        assert 0.5 < rows.mean(axis=1).var() * 256 * 12 < 1.5


def distance(x, cdf):
    """Return Kolmogorov's and Smirnov's distance, times the root of the number of values."""
    x = np.sort(x)
    steps = np.arange(len(x) + 1) / len(x)
    p = cdf(x.astype(float))
    return max(np.max(steps[1:] - p), np.max(p - steps[:-1])) * math.sqrt(len(x))


def normal_cdf(x):
    return np.array([0.5 * math.erfc(-v / math.sqrt(2)) for v in x])


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize(("name", "dtype"), [("uniform", "f4"), ("uniform_double", "f8")])
def test_uniform_numbers(state, name, dtype):
    x = Generator(state, 21, threads=256)(name, 400, dtype)
    assert x.min() > 0 and x.max() <= 1
    assert abs(x.mean(dtype="f8") - 0.5) < 4 / math.sqrt(12 * x.size)
    assert abs(x.var(dtype="f8") * 12 - 1) < 0.02
    assert distance(x, lambda x: x) < 1.95  # more, once in 1000 seeds
    if dtype == "f8" and state != MRG:  # 53 bits, not 32
        assert len(np.unique(x * 2.0**32 % 1)) > 0.95 * x.size


def test_uniform_numbers_are_of_the_bits():
    words = philox_words(21, 0, 400).astype("f4")
    x = Generator(PHILOX, 21)("uniform", 400, "f4")
    assert np.array_equal(x, words * np.float32(2.0**-32) + np.float32(2.0**-33))
    assert np.array_equal(Generator(PHILOX, 21)("uniform4", 100, "f4", 4), x)
    pairs = Generator(PHILOX, 21)("uniform2_double", 50, "f8", 2)
    assert np.array_equal(pairs, Generator(PHILOX, 21)("uniform_double", 100, "f8"))


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize(("name", "dtype"), [("normal", "f4"), ("normal_double", "f8")])
def test_normal_numbers(state, name, dtype):
    x = Generator(state, 33, threads=128)(name, 201, dtype)
    assert abs(x.mean(dtype="f8")) < 4 / math.sqrt(x.size)
    assert abs(x.var(dtype="f8") - 1) < 0.04
    assert abs((x.astype("f8") ** 3).mean()) < 0.1 and abs((x.astype("f8") ** 4).mean() - 3) < 0.25
    assert distance(x, normal_cdf) < 1.95
    # both numbers of a pair are given
    tolerance = {"f4": 1e-5, "f8": 1e-14}[dtype]
    pairs = Generator(state, 33)(name.replace("normal", "normal2"), 100, dtype, 2)
    single = Generator(state, 33)(name, 200, dtype)
    np.testing.assert_allclose(single, pairs, rtol=tolerance, atol=tolerance)
    logarithms = np.log(Generator(state, 33)(f"log_{name}", 200, dtype))
    np.testing.assert_allclose(logarithms, 0.5 + 0.25 * single, rtol=0, atol=tolerance)


def test_four_normal_numbers_of_philox():
    u = Generator(PHILOX, 8)("uniform", 400, "f4").astype("f8").reshape(-1, 2)
    radius, angle = np.sqrt(-2 * np.log(u[:, 0])), 2 * np.pi * u[:, 1]
    expected = np.stack([radius * np.sin(angle), radius * np.cos(angle)], axis=1).ravel()
    x = Generator(PHILOX, 8)("normal4", 100, "f4", 4)
    np.testing.assert_allclose(x, expected, rtol=1e-5, atol=1e-5)
    y = Generator(PHILOX, 8)("log_normal4", 100, "f4", 4)
    np.testing.assert_allclose(np.log(y), 0.5 + 0.25 * expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("mean", [3, 40])
def test_poisson_numbers(state, mean):
    x = Generator(state, 4, threads=128)(f"poisson_{mean}", 300)
    k = np.arange(int(mean + 4 * math.sqrt(mean)))
    expected = x.size * np.exp([i * math.log(mean) - mean - math.lgamma(i + 1) for i in k])
    counts = np.bincount(x, minlength=k.size)[: k.size]
    often = expected > 20
    chi2, degrees = ((counts - expected)[often] ** 2 / expected[often]).sum(), often.sum()
    assert abs(chi2 - degrees) < 4 * math.sqrt(2 * degrees)
    assert abs(x.mean() - mean) < 4 * math.sqrt(mean / x.size)


# ---- programs ------------------------------------------------------------------------------------


def test_pi_by_monte_carlo():
    kernel = da.RawKernel(
        r"""
        #include <curand_kernel.h>
        extern "C" __global__ void inside(unsigned long long seed, unsigned long long *hits,
                                          int n) {
            __shared__ unsigned counts[128];
            curandState state;
            curand_init(seed, blockIdx.x * blockDim.x + threadIdx.x, 0, &state);
            unsigned count = 0;
            for (int k = 0; k < n; ++k) {
                float x = curand_uniform(&state), y = curand_uniform(&state);
                if (x * x + y * y <= 1.0f) ++count;
            }
            counts[threadIdx.x] = count;
            for (int half = blockDim.x / 2; half > 0; half /= 2) {
                __syncthreads();
                if (threadIdx.x < half) counts[threadIdx.x] += counts[threadIdx.x + half];
            }
            if (threadIdx.x == 0) atomicAdd(hits, (unsigned long long)counts[0]);
        }
        """,
        "inside",
    )
    hits = da.zeros(1, dtype="uint64")
    kernel((64,), (128,), (u8(1234), hits, np.int32(200)))
    n = 64 * 128 * 200
    assert abs(4 * int(hits.get()[0]) / n - math.pi) < 4 * 1.65 / math.sqrt(n)


def test_states_that_live_across_barriers_and_in_shared_memory():
    source = r"""
    #include "curand_kernel.h"
    __device__ curandStatePhilox4_32_10_t kept[64];
    __device__ float drawn(curandStatePhilox4_32_10_t *s) { return curand_uniform(s); }
    __global__ void k(unsigned long long seed, float *out) {
        __shared__ curandStatePhilox4_32_10_t shared[64];
        __shared__ float first[64];
        int i = threadIdx.x;
        curandStatePhilox4_32_10_t own;
        curand_init(seed, i, 0, &own);
        curand_init(seed, i, 0, &shared[i]);
        first[i] = drawn(&own);
        __syncthreads();
        float left = first[(i + 63) % 64], second = curand_uniform(&own);
        __syncthreads();
        out[i] = left; out[64 + i] = second; out[128 + i] = drawn(shared + (i + 1) % 64);
        kept[i] = own;
    }
    __global__ void more(float *out) { out[threadIdx.x] = drawn(kept + threadIdx.x); }
    """
    program = da.RawModule(source)
    x, y = da.zeros((3, 64), dtype="f4"), da.zeros(64, dtype="f4")
    program.get_function("k")(1, 64, (u8(6), x))
    program.get_function("more")(1, 64, (y,))
    expected = Generator(PHILOX, 6, threads=64)("uniform", 3, "f4").reshape(64, 3).T
    got = x.get()
    assert np.array_equal(got[0], np.roll(expected[0], 1)) and np.array_equal(got[1], expected[1])
    assert np.array_equal(got[2], np.roll(expected[0], -1)) and np.array_equal(y.get(), expected[2])


@pytest.mark.parametrize("no_extern_c", [True, False])
def test_a_program_of_pycuda(no_extern_c):
    text = """
    #include <curand.h>
    #include <curand_kernel.h>
    LINKAGE __global__ void setup(curandState_t *states, int seed, int n) {
        int i = threadIdx.x + blockIdx.x * blockDim.x;
        if (i < n) curand_init(seed, i, 0, &states[i]);
    }
    LINKAGE __global__ void walk(curandState_t *states, float *x, int steps, int n) {
        int i = threadIdx.x + blockIdx.x * blockDim.x;
        if (i >= n) return;
        curandState_t local = states[i];
        for (int k = 0; k < steps; ++k) x[i] += curand_normal(&local);
        states[i] = local;
    }
    """.replace("LINKAGE", 'extern "C"' if no_extern_c else "")
    program = SourceModule(text, no_extern_c=no_extern_c)
    n, steps = 1000, np.int32(25)
    nbytes = sizeof("curandState_t", "#include <curand_kernel.h>")
    assert nbytes == 48
    states = driver.mem_alloc(n * nbytes)
    x = gpuarray.zeros(n, np.float32)
    launch = {"block": (128, 1, 1), "grid": (8, 1)}
    program.get_function("setup")(states, np.int32(3), np.int32(n), **launch)
    program.get_function("walk")(states, x, steps, np.int32(n), **launch)
    first = x.get()
    assert abs(first.var() / 25 - 1) < 0.2 and abs(first.mean()) < 4 * 5 / math.sqrt(n)
    expected = Generator("curandState", 3, threads=1024)("normal", 25, "f4").reshape(1024, 25)
    np.testing.assert_allclose(first, expected[:n].sum(axis=1), rtol=0, atol=1e-4)
    program.get_function("walk")(states, x, steps, np.int32(n), **launch)  # states go on
    assert abs(np.corrcoef(first, x.get() - first)[0, 1]) < 4 / math.sqrt(n)


def test_hip_s_names():
    program = da.RawModule(
        """
        #include <hip/hip_runtime.h>
        #include <hiprand/hiprand_kernel.h>
        __global__ void k(unsigned *x, float *y) {
            hiprandStatePhilox4_32_10_t s;
            hiprandState t;
            hiprand_init(77, threadIdx.x, 0, &s);
            hiprand_init(77, threadIdx.x, 0, &t);
            x[threadIdx.x] = hiprand(&s);
            y[2 * threadIdx.x] = hiprand_uniform(&t); y[2 * threadIdx.x + 1] = hiprand_normal(&t);
        }
        """
    )
    x, y = da.zeros(32, dtype="uint32"), da.zeros(64, dtype="f4")
    program.get_function("k")(1, 32, (x, y))
    assert np.array_equal(x.get(), [philox_words(77, k, 1)[0] for k in range(32)])
    same = Generator("curandState", 77, threads=32)
    assert np.array_equal(y.get()[::2], same("uniform", 1, "f4"))
    np.testing.assert_allclose(y.get()[1::2], same("normal", 1, "f4"), rtol=1e-5, atol=1e-6)


def test_preambles_of_expressions():
    draw = ElementwiseKernel(
        "float *x, unsigned long long seed",
        "curandState s; curand_init(seed, i, 0, &s); x[i] = curand_uniform(&s)",
        "draw",
        preamble="#include <curand_kernel.h>",
    )
    x = gpuarray.zeros(64, np.float32)
    draw(x, u8(17))
    assert np.array_equal(x.get(), Generator("curandState", 17, threads=64)("uniform", 1, "f4"))


def test_loops_of_different_lengths():
    kernel = da.RawKernel(
        """
        #include <curand_kernel.h>
        __global__ void wait(curandState *states, int *rounds, int *sums) {
            int i = threadIdx.y * blockDim.x + threadIdx.x, count = 0;
            curandState *s = states + i;
            while (curand_uniform(s) > 0.1f) ++count;
            rounds[i] = count;
            sums[i] = __reduce_add_sync(~0u, count);
        }
        """,
        "wait",
    )
    generator = Generator("curandState", 6, threads=64)
    rounds, sums = da.zeros(64, dtype="int32"), da.zeros((2, 32), dtype="int32")
    kernel(1, (8, 8), (generator.states, rounds, sums))
    x = Generator("curandState", 6, threads=64)("uniform", 400, "f4").reshape(64, 400)
    assert np.array_equal(rounds.get(), np.argmax(x <= np.float32(0.1), axis=1))
    assert np.array_equal(sums.get()[:, 0], rounds.get().reshape(2, 32).sum(axis=1))


def test_checks_see_states_outside_of_their_array():
    source = """#include <curand_kernel.h>
    __global__ void init(curandState *states) {
        curand_init(1, threadIdx.x, 0, states + threadIdx.x);
    }
    __global__ void draw(curandState *states, float *x) {
        x[threadIdx.x] = curand_normal(
            states + threadIdx.x);
    }
    """
    with da.config(raw_checks=True):
        program = da.RawModule(source)
        states, x = da.zeros(32 * 48, dtype="uint8"), da.zeros(64, dtype="f4")
        program.get_function("init")(1, 32, (states,))
        program.get_function("draw")(1, 32, (states, x))
        drawn = x.get()[:32]
        with pytest.raises(DeviceError, match=r"thread \(32, 0, 0\), line [67]: .*'states'"):
            program.get_function("draw")(1, 33, (states, x))
    expected = Generator("curandState", 1, threads=32)("normal", 1, "f4")
    np.testing.assert_allclose(drawn, expected, rtol=1e-5, atol=1e-6)


# ---- what is refused -----------------------------------------------------------------------------

REFUSED = {
    "discrete": ("unsigned n = curand_discrete(s, 0);", "curand_discrete is not for kernels"),
    "sobol": ("curandStateSobol32_t t;", "curandStateSobol32_t is not for kernels"),
    "mtgp32": ("curandStateMtgp32 *t;", "curandStateMtgp32 is not for kernels"),
    "host": ("curandCreateGenerator(0, 0);", "curandCreateGenerator is host code"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_refused(what):
    line, words = REFUSED[what]
    source = f"#include <curand_kernel.h>\n__global__ void k(curandState *s) {{\n  {line}\n}}\n"
    with pytest.raises(CompileError) as caught:
        HostModule(source)
    first = next(text for text in caught.value.log.splitlines() if "error" in text)
    assert "kernel:3:" in first and words in first


OWN = module(
    "struct curand_discrete { int x; };\n__global__ void k(curand_discrete *s) { s->x = 1; }"
)


def test_names_of_the_user_s_own_are_not_refused():
    assert OWN()


@pytest.mark.parametrize("header", ["curand_kernel.h", "curand.h", "hiprand/hiprand_kernel.h"])
def test_opencl_refuses_the_header(header):
    source = f"// random\n#include <{header}>\n__global__ void k(float *x) {{ x[0] = 1; }}\n"
    with pytest.raises(UnsupportedError, match=rf"line 2: .*{header}.*without backend='opencl'"):
        translate_opencl(source)
    assert translate_opencl(
        f"/*\n#include <{header}>\n*/ __global__ void k(float *x) {{ *x = 1; }}"
    )
