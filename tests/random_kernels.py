"""Random kernels in CUDA C, with which ways to run kernels are compared."""

import random

import numpy as np

from host_modules import at

# in which threads of a warp wait for each other
FUNCTIONS = """__device__ unsigned same(unsigned v) { return v; }
__device__ unsigned given(unsigned v, int by = 8) {
    unsigned t = v * 3u + threadIdx.x; // of its own
    if (by > 3) t ^= v >> 3;
    t ^= __shfl_xor_sync(~0u, t, by);
    return t + v;
}
template <unsigned N, class T> __device__ __forceinline__ void mix(T &a, const T *own) {
    T t = *own, left = given(t);
    for (unsigned k = 0; k < N; k += 2)
        a += __shfl_sync(~0u, left + k, k + N) * (t | 1u);
}
"""


class Program:
    """A random kernel without races: who writes a shared array writes its own element of it.

    It takes (const unsigned *x, unsigned *y, unsigned n) and runs with blocks of 64 threads. With
    `warps`, threads of a warp tell each other values, and warps may part.
    """

    def __init__(self, seed, warps=False):
        self.random = random.Random(seed)
        self.warps = warps
        self.parted = False  # only one warp may be here
        self.private = ["a", "b"]
        self.common = ["u"]
        self.fixed = []
        self.read, self.written = "r", "w"

    def value(self, depth=2):
        pick = self.random.choice
        if depth == 0:
            fixed = [*self.fixed, "t", "threadIdx.x", "blockIdx.x", "7u", "n"]
            return pick([*self.private, *self.common, *fixed])
        left, right = self.value(depth - 1), self.value(depth - 1)
        forms = ["{0} + {1}", "{0} * {1}", "{0} ^ {1}", "({0} > {1} ? {0} : {1})", "{0} - {1} % 5u"]
        form = pick([*forms, f"{self.read}[({{0}}) % 64u]", "x[({0}) % 256u]"])
        return "(" + form.format(left, right) + ")"

    def uniform(self):
        added = self.random.choice(["blockIdx.x", "n", "1u"])
        return f"({self.random.choice(self.common)} * 3u + {added})"

    def statement(self, depth):
        pick = self.random.choice
        if self.warps and self.random.random() < 0.4:
            return self.of_a_warp(depth)
        kind = self.random.randrange(10 if depth and not self.parted else 6)
        if kind == 4 and self.parted:  # it would no longer be common
            kind = 0
        if kind <= 1:
            return f"{pick(self.private)} {pick(['=', '+=', '^='])} {self.value()};"
        if kind == 2:
            return f"if ({self.value(1)} % 3u == 1u) {pick(self.private)} = {self.value()};"
        if kind == 3:
            return f"{self.written}[t] = {self.value()};"
        if kind == 4:
            return f"u = {self.uniform()};"
        if kind == 5:
            name = f"v{self.random.randrange(10**6)}"
            kind, value = pick(["unsigned", "const unsigned"]), self.value(pick([0, 1, 2]))
            (self.fixed if kind.startswith("const") else self.private).append(name)
            return f"{kind} {name} = {value};"
        if kind == 6:
            self.read, self.written = self.written, self.read
            return "__syncthreads();"
        if kind == 7:
            return (
                "for (unsigned i = blockIdx.x * blockDim.x + t; i < n; i += blockDim.x * gridDim.x)"
                f" {pick(self.private)} += x[i] ^ {self.value(1)};"
            )
        saved = list(self.private), list(self.fixed)
        inner = " ".join(self.statement(depth - 1) for _ in range(3))
        self.private, self.fixed = saved
        k = f"k{self.random.randrange(10**6)}"
        # an even number of exchanges of the arrays, so that each round finds them alike
        end = "__syncthreads(); " + ("" if self.balanced(inner) else "__syncthreads(); ")
        if not self.balanced(inner):
            self.read, self.written = self.written, self.read
        # the same for all threads, which is not to be seen if a function says it
        same = "same" if self.warps and self.random.random() < 0.5 else ""
        if kind == 8:
            return f"for (int {k} = 0; {k} < {same}(3); ++{k}) {{ {inner} {end}}}"
        condition = f"{same}(u) % 2u == blockIdx.x % 2u"
        return f"if ({condition}) {{ {inner} {end}}} else {{ __syncthreads(); }}"

    def of_a_warp(self, depth):
        pick = self.random.choice
        kind = self.random.randrange(8 if depth else 6)
        target, value = pick(self.private), self.value(1)
        if kind <= 1:
            way, by = pick(["", "_up", "_down", "_xor"]), pick(["1", "5u", "t % 7u", "16"])
            width = pick(["", ", 8", ", 16"])
            return f"{target} ^= __shfl{way}_sync(~0u, {value}, {by}{width}) + {self.value(0)};"
        if kind == 2:
            name = pick(["ballot", "any", "all"])
            return f"{target} += __{name}_sync(~0u, {value} % 3u);"
        if kind == 3:
            name = pick(["reduce_add", "reduce_max", "reduce_xor", "match_any"])
            return f"{target} -= __{name}_sync(~0u, {value} % 5u);"
        if kind == 4:
            return f"{target} ^= given({value}, {pick(['1', '2', '16'])}) + given(given(t), 4);"
        if kind == 5:
            return f"if (n > 3u) mix<{pick(['3u', '7u'])}>({target}, w + t); else a += 0u;"
        saved = list(self.private), list(self.fixed), self.parted
        self.parted = True
        inner = [self.statement(depth - 1) for _ in range(3)]
        self.private, self.fixed, self.parted = saved
        if kind == 6:
            # the same for all threads of a warp
            condition = pick(["t / 32u == 1u", f"__shfl_sync(~0u, {value}, 3) % 2u"])
            other = f"else {{ {self.simple()} }}" if self.random.random() < 0.5 else ""
            return f"if ({condition}) {{ {' '.join(inner)} }} {other}"
        k = f"k{self.random.randrange(10**6)}"
        jump = f"if ({k} == {pick(['1u', '2u'])}) {pick(['break', 'continue'])};"
        inner.insert(self.random.randrange(4), pick(["", jump, jump]))
        return f"for (unsigned {k} = t / 32u; {k} < 4u; ++{k}) {{ {' '.join(inner)} }}"

    def simple(self):
        return f"{self.random.choice(self.private)} += {self.value(1)};"

    @staticmethod
    def balanced(text):
        return text.count("__syncthreads") % 2 == 0

    def text(self, name):
        body = "\n    ".join(self.statement(2) for _ in range(9))
        functions = ""
        if self.warps:
            functions = FUNCTIONS
            for word in ("same", "given", "mix"):
                functions, body = (t.replace(word, f"{word}_{name}") for t in (functions, body))
        return f"""{functions}__global__ void {name}(const unsigned *x, unsigned *y, unsigned n) {{
    __shared__ unsigned r[64], w[64];
    unsigned t = threadIdx.x, a = x[t], b = t * 5u, u = blockIdx.x;
    r[t] = a; w[t] = b;
    __syncthreads();
    {body}
    __syncthreads();
    y[blockIdx.x * blockDim.x + t] = a ^ b ^ u ^ r[t] ^ w[t];
}}"""


def assert_same(modules, names, texts):
    """Assert that both modules give the same results for kernels of random programs."""
    x = np.random.default_rng(5).integers(0, 2**32, 1000, "u4")
    for name, text in zip(names, texts, strict=True):
        results = []
        for module in modules:
            y = np.zeros(256, "u4")
            module.launch(name, 4, 64, [at(x), at(y), 1000])
            results.append(y)
        np.testing.assert_array_equal(*results, err_msg=text)
