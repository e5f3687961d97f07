// Kernels that use what C++ and CUDA C have. What they compute: cuda_features.py
#include <cuda_runtime.h>
#include <stdint.h>
#include <assert.h>
namespace geometry {
struct Vec { float x, y, z; __host__ __device__ float dot(const Vec &o) const { return x * o.x + y * o.y + z * o.z; } };
namespace inner { __device__ int twice(int a) { return a + a; } }
}
__device__ __host__ inline float3 operator+(const float3 &a, const float3 &b) { return make_float3(a.x + b.x, a.y + b.y, a.z + b.z); }
__device__ __host__ inline float3 operator*(float s, float3 a) { return make_float3(s * a.x, s * a.y, s * a.z); }
__device__ inline void operator+=(float3 &a, float3 b) { a = a + b; }
__global__ void vectors(const float3 *a, const float3 *b, float3 *c, geometry::Vec v, float *d) {
    int i = threadIdx.x;
    float3 r = a[i] + 2.0f * b[i];
    r += a[i];
    c[i] = r;
    geometry::Vec w = {a[i].x, a[i].y, a[i].z};
    d[i] = v.dot(w) + geometry::inner::twice(3);
}
__global__ void upper(char *text, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) {
        char c = text[i];
        text[i] = (c >= 'a' && c <= 'z') ? c - 'a' + 'A' : c == '\n' ? ' ' : c;
    }
}
__global__ void count_words(const char *text, int n, int *count) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    if (text[i] != ' ' && (i == 0 || text[i - 1] == ' ')) atomicAdd(count, 1);
}
struct Particle { float3 pos, vel; int id; double mass; };
struct Soa { float *x, *y; int n; };
__global__ void move(Particle *p, int n, float dt) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) { p[i].pos.x += dt * p[i].vel.x; p[i].pos.y += dt * p[i].vel.y; p[i].pos.z += dt * p[i].vel.z; p[i].id *= 2; p[i].mass += .5; }
}
__global__ void soa(Soa s, float k) {
    for (int i = threadIdx.x; i < s.n; i += blockDim.x) s.y[i] = k * s.x[i];
}
struct Table { int v[5]; };
__global__ void by_value(Table t, int *out) { out[threadIdx.x] = t.v[threadIdx.x % 5]; }
__device__ int fib(int n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }
__device__ bool is_even(int);
__device__ bool is_odd(int n) { return n == 0 ? false : is_even(n - 1); }
__device__ bool is_even(int n) { return n == 0 ? true : is_odd(n - 1); }
__device__ void quicksort(int *a, int lo, int hi) {
    if (lo >= hi) return;
    int p = a[(lo + hi) / 2], i = lo, j = hi;
    while (i <= j) {
        while (a[i] < p) i++;
        while (a[j] > p) j--;
        if (i <= j) { int t = a[i]; a[i] = a[j]; a[j] = t; i++; j--; }
    }
    quicksort(a, lo, j);
    quicksort(a, i, hi);
}
__global__ void recursion(int *out, int *rows, int m) {
    int i = threadIdx.x;
    out[i] = fib(i % 15) * (is_even(i) ? 1 : -1);
    quicksort(rows + i * m, 0, m - 1);
}
typedef float (*op_t)(float, float);
__device__ float add_op(float a, float b) { return a + b; }
__device__ float mul_op(float a, float b) { return a * b; }
__device__ op_t ops[2] = {add_op, mul_op};
__global__ void pointers(const float *a, const float *b, float *c, int which) {
    op_t f = ops[which];
    c[threadIdx.x] = (*f)(a[threadIdx.x], b[threadIdx.x]) + f(1.f, 2.f);
}
enum Mode { A, B = 5, C };
enum class Colour : int { red = 1, green };
__global__ void flow(int *out, int n, Mode m) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    int r = 0;
    switch (i % 6) {
    case 0: r = 1; break;
    case 1:
    case 2: r = 10; // falls
    case 3: r += 100; break;
    case 4: { int t = 7; r = t * t; } break;
    default: r = -1;
    }
    int k = i;
again:
    if (k > 3) { k -= 2; r++; goto again; }
    do { r += 3; } while (r % 5 != 0);
    Colour c = i & 1 ? Colour::red : Colour::green;
    out[i] = m == B ? r + (int)c : -r;
}
#define SQUARE(x) ((x) * (x))
#define CUBE(x) (SQUARE(x) * (x))
#define CAT(a, b) a##b
#define NAME(x) CAT(var_, x)
#define UNROLL _Pragma("unroll")
__global__ void macros(int *out) {
    int NAME(1) = CUBE(threadIdx.x) + 1;
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 600
    NAME(1) += 1000;
#else
    NAME(1) += 2000;
#endif
#ifdef __CUDACC__
    NAME(1) += 1;
#endif
    UNROLL
    for (int k = 0; k < 2; ++k) NAME(1) += k;
    out[threadIdx.x] = NAME(1);
}
constexpr int POW2(int n) { return n == 0 ? 1 : 2 * POW2(n - 1); }
static_assert(POW2(5) == 32, "powers");
constexpr __device__ float kTable[] = {0.5f, 1.5f, 2.5f, 3.5f};
__global__ void constants(float *out, int n = 3) {
    constexpr int W = POW2(3);
    static_assert(W == 8, "width");
    __shared__ float s[W * 4];
    s[threadIdx.x] = kTable[threadIdx.x % 4];
    __syncthreads();
    out[threadIdx.x] = s[(threadIdx.x + 1) % 32] * n;
}
__device__ float scaled(float x, float by = 2.0f, int add = 1) { return x * by + add; }
__device__ int shared_counter;
__device__ int table2d[3][4];
__managed__ int managed_value = 5;
extern "C" __global__ void first(int *out) { if (threadIdx.x == 0) shared_counter = 41; table2d[threadIdx.x / 4][threadIdx.x % 4] = threadIdx.x; out[threadIdx.x] = (int)scaled(threadIdx.x); }
extern "C" __global__ void second(int *out) { out[threadIdx.x] = shared_counter + 1 + table2d[2][1] + managed_value; }
__global__ void carve(float *fout, int *iout, double *dout, int n) {
    extern __shared__ __align__(16) unsigned char smem[];
    double *d = (double *)smem;
    float *f = (float *)&d[n];
    int *k = reinterpret_cast<int *>(f + n);
    int t = threadIdx.x;
    d[t] = t * 0.5; f[t] = t * 2.0f; k[t] = t * 3;
    __syncthreads();
    int u = n - 1 - t;
    dout[t] = d[u]; fout[t] = f[u]; iout[t] = k[u];
}
__global__ void volume(float *v, dim3 n) {
    int x = blockIdx.x * blockDim.x + threadIdx.x, y = blockIdx.y * blockDim.y + threadIdx.y, z = blockIdx.z * blockDim.z + threadIdx.z;
    if (x < n.x && y < n.y && z < n.z) v[(z * n.y + y) * n.x + x] = x + 10.f * y + 100.f * z;
}
__global__ void million(unsigned *out) { if (blockIdx.x % 65536 == 0) out[blockIdx.x / 65536] = blockIdx.x; }
__global__ void million2(unsigned *out) { __shared__ int x; if (threadIdx.x == 0) x = blockIdx.x; __syncthreads(); if (blockIdx.x % 65536 == 0 && threadIdx.x == 1) out[blockIdx.x / 65536] = x; }
__global__ void many(int *out, char a, unsigned char b, short c, unsigned short d, int e, unsigned f, long g, unsigned long h, long long i, unsigned long long j,
    float k, double l, bool m, size_t n, int8_t o, uint8_t p, int16_t q, uint16_t r, int32_t s, uint32_t t, int64_t u, uint64_t v, float2 w, int4 x, const int *y, int z,
    int aa, int bb, int cc, float *dd) {
    *out = a + b + c + d + e + f + g + h + i + j + (int)k + (int)l + m + n + o + p + q + r + s + t + u + v + (int)(w.x + w.y) + x.x + x.y + x.z + x.w + y[0] + z + aa + bb + cc + (int)dd[0];
}
template <typename F> __device__ void for_each(int n, F f) { for (int i = threadIdx.x; i < n; i += blockDim.x) f(i); }
template <typename T, typename Op> __device__ T block_reduce(T v, Op op) {
    __shared__ T s[64];
    s[threadIdx.x] = v;
    __syncthreads();
    for (int k = blockDim.x / 2; k; k >>= 1) { if (threadIdx.x < k) s[threadIdx.x] = op(s[threadIdx.x], s[threadIdx.x + k]); __syncthreads(); }
    T r = s[0];
    __syncthreads();
    return r;
}
__global__ void lambdas(const int *in, int *out, int n) {
    const int base = blockIdx.x * n;
    auto index = [=](int k) { return base + k; };
    auto lane = [&] { return threadIdx.x % 32; };
    auto plus = [] __device__ (int a, int b) { return a + b; };
    int total = block_reduce(in[index(threadIdx.x)], plus);
    int most = block_reduce(in[index(threadIdx.x)], [](int a, int b) { return a > b ? a : b; });
    for_each(n, [&](int i) { out[index(i)] = in[index(i)] * 2 + total + most; });
    __syncthreads();
    out[index(threadIdx.x)] += lane();
}
__global__ void barrier_lambda(int *out) {
    __shared__ int s[64];
    auto rotate = [&](int v) { s[threadIdx.x] = v; __syncthreads(); int r = s[(threadIdx.x + 1) % blockDim.x]; __syncthreads(); return r; };
    int v = threadIdx.x;
    for (int k = 0; k < 3; ++k) v = rotate(v);
    out[threadIdx.x] = v;
}
template <typename T> struct Sum { __device__ T operator()(T a, T b) const { return a + b; } };
template <typename T> struct Max { __device__ T operator()(T a, T b) const { return a > b ? a : b; } };
template <typename T, template <typename> class Op> __global__ void apply(const T *a, const T *b, T *c) { c[threadIdx.x] = Op<T>()(a[threadIdx.x], b[threadIdx.x]); }
template <typename T> struct Traits { static const int id = 0; };
template <> struct Traits<float> { static const int id = 4; };
template <> struct Traits<double> { static constexpr int id = 8; };
template <class T> __global__ void traits(int *out) { *out = Traits<T>::id; if constexpr (sizeof(T) == 8) *out += 100; }
template <class... A> __device__ int total(A... a) { return (0 + ... + a); }
__global__ void variadic(int *out) { out[threadIdx.x] = total(1, 2, 3, (int)threadIdx.x); }
class Stack { int d[16]; int n; public: __device__ Stack() : n(0) {} __device__ void push(int x) { assert(n < 16); d[n++] = x; } __device__ int pop() { return d[--n]; } __device__ ~Stack() {} };
__global__ void classes(int *out) { Stack s; for (int i = 0; i < 5; ++i) s.push(i * threadIdx.x); int t = 0; for (int i = 0; i < 5; ++i) t = 3 * t + s.pop(); out[threadIdx.x] = t; }
union Bits { float f; unsigned u; };
__global__ void unions(const float *x, unsigned *out) { Bits b; b.f = x[threadIdx.x]; out[threadIdx.x] = b.u >> 23 & 0xff; }
struct __align__(16) Quad { float a, b, c, d; };
__global__ void vector_loads(const float *in, float *out, int n4) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n4) { float4 v = reinterpret_cast<const float4 *>(in)[i]; v.x *= 2; v.w = -v.w; reinterpret_cast<float4 *>(out)[i] = v; Quad q = ((Quad *)out)[i]; q.b = 0; ((Quad *)out)[i] = q; }
}
__global__ void two_arrays(int *out) {
    __shared__ int a[32], b[32]; __shared__ int n;
    int t = threadIdx.x;
    a[t] = t; b[31 - t] = t * t; if (t == 5) n = 7;
    __syncthreads();
    out[t] = a[31 - t] + b[t] + n;
}
__global__ void votes(int *out) {
    int t = threadIdx.x;
    int c = __syncthreads_count(t % 3 == 0), a = __syncthreads_and(t < 64), o = __syncthreads_or(t == 63);
    out[t] = c * 100 + a * 10 + o;
}
__global__ void single(int *out) { out[0] = threadIdx.x + blockDim.x + gridDim.x + warpSize; }
__global__ void local_array(const int *in, int *out, int n) {
    int window[5], i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    for (int k = 0; k < 5; ++k) { int j = i + k - 2; window[k] = in[j < 0 ? 0 : j >= n ? n - 1 : j]; }
    for (int a = 0; a < 5; ++a) for (int b = a + 1; b < 5; ++b) if (window[b] < window[a]) { int t = window[a]; window[a] = window[b]; window[b] = t; }
    out[i] = window[2];
}
__launch_bounds__(64, 4) __global__ void bounds_first(int *p) { p[threadIdx.x] = 1; }
__global__ __launch_bounds__(64) void bounds_mid(int *p) { p[threadIdx.x] = 2; }
static __global__ void __launch_bounds__(64) static_kernel(int *p) { p[threadIdx.x] = 3; }
namespace ns { __global__ void in_namespace(int *p) { p[threadIdx.x] = 4; } }
void __global__ odd_order(int *p) { p[threadIdx.x] = 5; }
__global__ void proto(int *p, int n);
__device__ int late(int);
__global__ void proto(int *p, int n) { p[threadIdx.x] = late(n); }
__device__ int late(int n) { return n + 6; }
__global__ void relay(int *out) {
    __shared__ volatile int turn;
    const int t = threadIdx.x;
    if (t == 0) turn = blockDim.x - 1;
    __syncthreads();
    while (turn != t) __nanosleep(20);
    out[blockDim.x - 1 - t] = t;
    turn = t - 1;
}
__global__ void held(int *mutex, int *count) {
    unsigned ns = 8;
    while (atomicCAS(mutex, 0, 1) == 1) { __nanosleep(ns); if (ns < 256) ns *= 2; }
    const int old = *(volatile int *)count;
    __nanosleep(5);  // others run, and find it locked
    *(volatile int *)count = old + 1;
    atomicExch(mutex, 0);
}
