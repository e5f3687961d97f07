// Kernels as in introductions to CUDA C. What they compute: cuda_tutorials.py
#include <cuda_runtime.h>
#include <cuda.h>
#include <stdio.h>
#include <math.h>
#define BLUR 2
#define CLAMP(x, a, b) ((x) < (a) ? (a) : (x) > (b) ? (b) : (x))
#define IDX(r, c, w) ((r) * (w) + (c))
#define NUM_BANKS 32
#define LOG_NUM_BANKS 5
#ifdef ZERO_BANK_CONFLICTS
#define CONFLICT_FREE_OFFSET(n) ((n) >> NUM_BANKS + (n) >> (2 * LOG_NUM_BANKS))
#else
#define CONFLICT_FREE_OFFSET(n) ((n) >> LOG_NUM_BANKS)
#endif
#define TILE 16
#define BLOCK_ROWS 4
#define BINS 64
#define RADIUS 3
__constant__ float filter_taps[2 * RADIUS + 1] = {1, 2, 3, 4, 3, 2, 1};

__global__ void grey(const uchar3 *rgb, unsigned char *out, int w, int h) {
    int x = blockIdx.x * blockDim.x + threadIdx.x;
    int y = blockIdx.y * blockDim.y + threadIdx.y;
    if (x < w && y < h) {
        uchar3 p = rgb[y * w + x];
        out[y * w + x] = (unsigned char)(0.21f * p.x + 0.72f * p.y + 0.07f * p.z);
    }
}
__global__ void blur(const unsigned char *in, unsigned char *out, int w, int h) {
    int col = blockIdx.x * blockDim.x + threadIdx.x, row = blockIdx.y * blockDim.y + threadIdx.y;
    if (col >= w || row >= h) return;
    int sum = 0, count = 0;
    for (int dr = -BLUR; dr <= BLUR; ++dr)
        for (int dc = -BLUR; dc < BLUR + 1; ++dc) {
            int r = row + dr, c = col + dc;
            if (r < 0 || r >= h || c < 0 || c >= w) continue;
            sum += in[IDX(r, c, w)];
            count++;
        }
    out[IDX(row, col, w)] = (unsigned char)(sum / count);
}
__global__ void sobel(const float *in, float *out, int w, int h) {
    __shared__ float tile[TILE + 2][TILE + 2];
    const int tx = threadIdx.x, ty = threadIdx.y;
    const int x = blockIdx.x * TILE + tx, y = blockIdx.y * TILE + ty;
    for (int j = ty; j < TILE + 2; j += blockDim.y)
        for (int i = tx; i < TILE + 2; i += blockDim.x) {
            int gx = CLAMP((int)(blockIdx.x * TILE) + i - 1, 0, w - 1);
            int gy = CLAMP((int)(blockIdx.y * TILE) + j - 1, 0, h - 1);
            tile[j][i] = in[gy * w + gx];
        }
    __syncthreads();
    if (x < w && y < h) {
        float gx = -tile[ty][tx] - 2 * tile[ty + 1][tx] - tile[ty + 2][tx] + tile[ty][tx + 2] + 2 * tile[ty + 1][tx + 2] + tile[ty + 2][tx + 2];
        float gy = -tile[ty][tx] - 2 * tile[ty][tx + 1] - tile[ty][tx + 2] + tile[ty + 2][tx] + 2 * tile[ty + 2][tx + 1] + tile[ty + 2][tx + 2];
        out[y * w + x] = fabsf(gx) + fabsf(gy);
    }
}
__global__ void histogram(const unsigned *data, unsigned *bins, int n) {
    __shared__ unsigned local[BINS];
    for (int b = threadIdx.x; b < BINS; b += blockDim.x) local[b] = 0u;
    __syncthreads();
    const int stride = blockDim.x * gridDim.x;
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += stride)
        atomicAdd(&local[data[i] % BINS], 1u);
    __syncthreads();
    for (int b = threadIdx.x; b < BINS; b += blockDim.x)
        if (local[b]) atomicAdd(bins + b, local[b]);
}
__device__ float3 body_force(float4 bi, float4 bj, float3 a) {
    float3 r = make_float3(bj.x - bi.x, bj.y - bi.y, bj.z - bi.z);
    float d2 = r.x * r.x + r.y * r.y + r.z * r.z + 0.01f;
    float inv = rsqrtf(d2);
    float s = bj.w * inv * inv * inv;
    a.x += r.x * s; a.y += r.y * s; a.z += r.z * s;
    return a;
}
__global__ void nbody(const float4 *pos, float3 *acc, int n) {
    extern __shared__ float4 shared_pos[];
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    float4 mine = i < n ? pos[i] : make_float4(0.f, 0.f, 0.f, 0.f);
    float3 a = {0.0f, 0.0f, 0.0f};
    for (int start = 0, tile = 0; start < n; start += blockDim.x, tile++) {
        int idx = tile * blockDim.x + threadIdx.x;
        shared_pos[threadIdx.x] = idx < n ? pos[idx] : make_float4(0, 0, 0, 0);
        __syncthreads();
#pragma unroll 4
        for (int j = 0; j < blockDim.x; ++j) a = body_force(mine, shared_pos[j], a);
        __syncthreads();
    }
    if (i < n) acc[i] = a;
}
__global__ void mandelbrot(int *out, int w, int h, float x0, float y0, float dx, float dy, int limit) {
    for (int y = blockIdx.y * blockDim.y + threadIdx.y; y < h; y += gridDim.y * blockDim.y)
        for (int x = blockIdx.x * blockDim.x + threadIdx.x; x < w; x += gridDim.x * blockDim.x) {
            float cr = x0 + x * dx, ci = y0 + y * dy, zr = 0.f, zi = 0.f;
            int k = 0;
            while (k < limit && zr * zr + zi * zi < 4.0f) {
                float t = zr * zr - zi * zi + cr;
                zi = 2 * zr * zi + ci;
                zr = t;
                ++k;
            }
            out[y * w + x] = k;
        }
}
__global__ void bitonic_step(float *v, int j, int k) {
    unsigned i = threadIdx.x + blockDim.x * blockIdx.x;
    unsigned ixj = i ^ j;
    if (ixj > i) {
        if ((i & k) == 0) {
            if (v[i] > v[ixj]) { float t = v[i]; v[i] = v[ixj]; v[ixj] = t; }
        } else {
            if (v[i] < v[ixj]) { float t = v[i]; v[i] = v[ixj]; v[ixj] = t; }
        }
    }
}
__global__ void bitonic_shared(int *keys, int n) {
    extern __shared__ int s[];
    unsigned tid = threadIdx.x;
    s[tid] = keys[blockIdx.x * n + tid];
    __syncthreads();
    for (unsigned k = 2; k <= n; k <<= 1) {
        for (unsigned j = k >> 1; j > 0; j >>= 1) {
            unsigned p = tid ^ j;
            if (p > tid) {
                bool up = (tid & k) == 0;
                if ((s[tid] > s[p]) == up) { int t = s[tid]; s[tid] = s[p]; s[p] = t; }
            }
            __syncthreads();
        }
    }
    keys[blockIdx.x * n + tid] = s[tid];
}
__global__ void odd_even(int *a, int n) {
    int t = threadIdx.x;
    __shared__ bool changed;
    do {
        if (t == 0) changed = false;
        __syncthreads();
        for (int phase = 0; phase < 2; phase++) {
            int k = 2 * t + phase;
            if (k + 1 < n && a[k] > a[k + 1]) {
                int x = a[k]; a[k] = a[k + 1]; a[k + 1] = x;
                changed = true;
            }
            __syncthreads();
        }
        bool stop = !changed;
        __syncthreads();
        if (stop) break;
    } while (true);
}
__global__ void blelloch(float *out, const float *in, int n) {
    extern __shared__ float temp[];
    int tid = threadIdx.x, offset = 1;
    int ai = tid, bi = tid + n / 2;
    int oa = CONFLICT_FREE_OFFSET(ai), ob = CONFLICT_FREE_OFFSET(bi);
    temp[ai + oa] = in[ai];
    temp[bi + ob] = in[bi];
    for (int d = n >> 1; d > 0; d >>= 1) {
        __syncthreads();
        if (tid < d) {
            int ai = offset * (2 * tid + 1) - 1;
            int bi = offset * (2 * tid + 2) - 1;
            ai += CONFLICT_FREE_OFFSET(ai);
            bi += CONFLICT_FREE_OFFSET(bi);
            temp[bi] += temp[ai];
        }
        offset *= 2;
    }
    if (tid == 0) temp[n - 1 + CONFLICT_FREE_OFFSET(n - 1)] = 0;
    for (int d = 1; d < n; d *= 2) {
        offset >>= 1;
        __syncthreads();
        if (tid < d) {
            int ai = offset * (2 * tid + 1) - 1;
            int bi = offset * (2 * tid + 2) - 1;
            ai += CONFLICT_FREE_OFFSET(ai);
            bi += CONFLICT_FREE_OFFSET(bi);
            float t = temp[ai];
            temp[ai] = temp[bi];
            temp[bi] += t;
        }
    }
    __syncthreads();
    out[ai] = temp[ai + oa];
    out[bi] = temp[bi + ob];
}
__global__ void hillis(int *out, const int *in, int n) {
    __shared__ int buf[2][256];
    int pout = 0, pin = 1, t = threadIdx.x;
    buf[pout][t] = t < n ? in[t] : 0;
    __syncthreads();
    for (int offset = 1; offset < n; offset *= 2) {
        pout = 1 - pout;
        pin = 1 - pout;
        if (t >= offset) buf[pout][t] = buf[pin][t] + buf[pin][t - offset];
        else buf[pout][t] = buf[pin][t];
        __syncthreads();
    }
    if (t < n) out[t] = buf[pout][t];
}
__global__ void transpose(float *odata, const float *idata, int width, int height) {
    __shared__ float tile[TILE][TILE + 1];
    int x = blockIdx.x * TILE + threadIdx.x, y = blockIdx.y * TILE + threadIdx.y;
    for (int j = 0; j < TILE; j += BLOCK_ROWS)
        if (x < width && y + j < height) tile[threadIdx.y + j][threadIdx.x] = idata[(y + j) * width + x];
    __syncthreads();
    x = blockIdx.y * TILE + threadIdx.x;
    y = blockIdx.x * TILE + threadIdx.y;
    for (int j = 0; j < TILE; j += BLOCK_ROWS)
        if (x < height && y + j < width) odata[(y + j) * height + x] = tile[threadIdx.x][threadIdx.y + j];
}
template <int BLOCK, typename T> __global__ void matmul(T *C, const T *A, const T *B, int wA, int wB) {
    int bx = blockIdx.x, by = blockIdx.y, tx = threadIdx.x, ty = threadIdx.y;
    int aBegin = wA * BLOCK * by, aEnd = aBegin + wA - 1, aStep = BLOCK;
    int bBegin = BLOCK * bx, bStep = BLOCK * wB;
    T sub = 0;
    for (int a = aBegin, b = bBegin; a <= aEnd; a += aStep, b += bStep) {
        __shared__ T As[BLOCK][BLOCK];
        __shared__ T Bs[BLOCK][BLOCK];
        As[ty][tx] = A[a + wA * ty + tx];
        Bs[ty][tx] = B[b + wB * ty + tx];
        __syncthreads();
#pragma unroll
        for (int k = 0; k < BLOCK; ++k) sub += As[ty][k] * Bs[k][tx];
        __syncthreads();
    }
    int c = wB * BLOCK * by + BLOCK * bx;
    C[c + wB * ty + tx] = sub;
}
__global__ void csr_scalar(int rows, const int *ptr, const int *col, const float *val, const float *x, float *y) {
    int row = blockDim.x * blockIdx.x + threadIdx.x;
    if (row < rows) {
        float dot = 0;
        for (int jj = ptr[row]; jj < ptr[row + 1]; jj++) dot += val[jj] * x[col[jj]];
        y[row] = dot;
    }
}
__global__ void csr_vector(int rows, const int *ptr, const int *col, const float *val, const float *x, float *y) {
    __shared__ volatile float vals[128];
    int thread_id = blockDim.x * blockIdx.x + threadIdx.x;
    int warp_id = thread_id / 32, lane = thread_id & 31, row = warp_id;
    if (row < rows) {
        vals[threadIdx.x] = 0;
        for (int jj = ptr[row] + lane; jj < ptr[row + 1]; jj += 32) vals[threadIdx.x] += val[jj] * x[col[jj]];
        __syncwarp();
        if (lane < 16) vals[threadIdx.x] += vals[threadIdx.x + 16]; __syncwarp();
        if (lane < 8) vals[threadIdx.x] += vals[threadIdx.x + 8]; __syncwarp();
        if (lane < 4) vals[threadIdx.x] += vals[threadIdx.x + 4]; __syncwarp();
        if (lane < 2) vals[threadIdx.x] += vals[threadIdx.x + 2]; __syncwarp();
        if (lane < 1) vals[threadIdx.x] += vals[threadIdx.x + 1]; __syncwarp();
        if (lane == 0) y[row] = vals[threadIdx.x];
    }
}
__global__ void csr_shuffle(int rows, const int *__restrict__ ptr, const int *__restrict__ col, const float *__restrict__ val, const float *__restrict__ x, float *y) {
    int row = (blockIdx.x * blockDim.x + threadIdx.x) / warpSize, lane = threadIdx.x % warpSize;
    if (row >= rows) return;
    float sum = 0.f;
    for (int k = ptr[row] + lane; k < ptr[row + 1]; k += warpSize) sum += __ldg(&val[k]) * __ldg(x + col[k]);
    for (int offset = warpSize / 2; offset; offset /= 2) sum += __shfl_down_sync(0xffffffff, sum, offset);
    if (!lane) y[row] = sum;
}
template <unsigned BS> __device__ void warp_reduce(volatile int *s, unsigned t) {
    int v = s[t];
    if (BS >= 64) { v += s[t + 32]; __syncwarp(); s[t] = v; __syncwarp(); }
    if (BS >= 32) { v += s[t + 16]; __syncwarp(); s[t] = v; __syncwarp(); }
    if (BS >= 16) { v += s[t + 8]; __syncwarp(); s[t] = v; __syncwarp(); }
    if (BS >= 8) { v += s[t + 4]; __syncwarp(); s[t] = v; __syncwarp(); }
    if (BS >= 4) { v += s[t + 2]; __syncwarp(); s[t] = v; __syncwarp(); }
    if (BS >= 2) { v += s[t + 1]; __syncwarp(); s[t] = v; }
}
template <unsigned BS> __global__ void reduce6(const int *in, int *out, unsigned n) {
    extern __shared__ int sdata[];
    unsigned tid = threadIdx.x, i = blockIdx.x * (BS * 2) + tid, gridSize = BS * 2 * gridDim.x;
    sdata[tid] = 0;
    while (i < n) {
        sdata[tid] += in[i] + (i + BS < n ? in[i + BS] : 0);
        i += gridSize;
    }
    __syncthreads();
    if (BS >= 512) { if (tid < 256) { sdata[tid] += sdata[tid + 256]; } __syncthreads(); }
    if (BS >= 256) { if (tid < 128) { sdata[tid] += sdata[tid + 128]; } __syncthreads(); }
    if (BS >= 128) { if (tid < 64) { sdata[tid] += sdata[tid + 64]; } __syncthreads(); }
    if (tid < 32) warp_reduce<BS>(sdata, tid);
    if (tid == 0) out[blockIdx.x] = sdata[0];
}
__global__ void sum_plain(const float *in, float *out, int n) {
    __shared__ float cache[256];
    int tid = threadIdx.x + blockIdx.x * blockDim.x, cacheIndex = threadIdx.x;
    float temp = 0;
    while (tid < n) { temp += in[tid]; tid += blockDim.x * gridDim.x; }
    cache[cacheIndex] = temp;
    __syncthreads();
    int i = blockDim.x / 2;
    while (i != 0) {
        if (cacheIndex < i) cache[cacheIndex] += cache[cacheIndex + i];
        __syncthreads();
        i /= 2;
    }
    if (cacheIndex == 0) out[blockIdx.x] = cache[0];
}
__global__ void compact(const int *in, int *out, int *count, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x, lane = threadIdx.x & 31;
    bool keep = i < n && in[i] > 0;
    unsigned ballot = __ballot_sync(0xffffffffu, keep);
    int base = 0;
    if (lane == 0) base = atomicAdd(count, __popc(ballot));
    base = __shfl_sync(0xffffffffu, base, 0);
    if (keep) out[base + __popc(ballot & ((1u << lane) - 1))] = in[i];
}
__device__ double my_atomic_add(double *address, double val) {
    unsigned long long int *p = (unsigned long long int *)address;
    unsigned long long int old = *p, assumed;
    do {
        assumed = old;
        old = atomicCAS(p, assumed, __double_as_longlong(val + __longlong_as_double(assumed)));
    } while (assumed != old);
    return __longlong_as_double(old);
}
__global__ void cas_add(const double *x, double *sum, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) my_atomic_add(sum, x[i]);
}
struct Lock {
    int *mutex;
    __device__ void lock() { while (atomicCAS(mutex, 0, 1) != 0); }
    __device__ void unlock() { __threadfence(); atomicExch(mutex, 0); }
};
__global__ void locked(Lock l, int *counter) {
    bool done = false;
    while (!done) {
        if (atomicCAS(l.mutex, 0, 1) == 0) {
            *(volatile int *)counter += 1;
            __threadfence();
            atomicExch(l.mutex, 0);
            done = true;
        }
    }
}
__global__ void dot_locked(Lock l, const float *a, const float *b, float *c, int n) {
    __shared__ float cache[128];
    int tid = threadIdx.x + blockIdx.x * blockDim.x;
    int k = threadIdx.x;
    float t = 0;
    while (tid < n) { t += a[tid] * b[tid]; tid += blockDim.x * gridDim.x; }
    cache[k] = t;
    __syncthreads();
    for (int i = blockDim.x / 2; i > 0; i /= 2) {
        if (k < i) cache[k] += cache[k + i];
        __syncthreads();
    }
    if (k == 0) { l.lock(); *c += cache[0]; l.unlock(); }
}
__device__ static float atomicMinFloat(float *addr, float value) {
    float old;
    old = (value >= 0) ? __int_as_float(atomicMin((int *)addr, __float_as_int(value)))
                       : __uint_as_float(atomicMax((unsigned int *)addr, __float_as_uint(value)));
    return old;
}
__global__ void float_min(const float *x, float *out, int n) {
    int i = threadIdx.x + blockDim.x * blockIdx.x;
    if (i < n) atomicMinFloat(out, x[i]);
}
__global__ void stencil_1d(const int *in, int *out, int n) {
    __shared__ int temp[128 + 2 * RADIUS];
    int gindex = threadIdx.x + blockIdx.x * blockDim.x;
    int lindex = threadIdx.x + RADIUS;
    temp[lindex] = in[gindex + RADIUS];
    if (threadIdx.x < RADIUS) {
        temp[lindex - RADIUS] = in[gindex];
        temp[lindex + 128] = in[gindex + RADIUS + 128];
    }
    __syncthreads();
    int result = 0;
    for (int offset = -RADIUS; offset <= RADIUS; offset++) result += temp[lindex + offset] * (int)filter_taps[offset + RADIUS];
    out[gindex] = result;
}
__global__ void heat(const double *__restrict__ u, double *__restrict__ v, int nx, int ny, double k) {
    int ix = blockIdx.x * blockDim.x + threadIdx.x, iy = blockIdx.y * blockDim.y + threadIdx.y;
    if (ix > 0 && ix < nx - 1 && iy > 0 && iy < ny - 1) {
        int c = iy * nx + ix;
        v[c] = u[c] + k * (u[c - 1] + u[c + 1] + u[c - nx] + u[c + nx] - 4.0 * u[c]);
    }
}
__global__ void fft(float2 *data, int n, int bits) {
    extern __shared__ float2 buf[];
    int t = threadIdx.x;
    for (int i = t; i < n; i += blockDim.x) buf[__brev((unsigned)i) >> (32 - bits)] = data[i];
    __syncthreads();
    for (int len = 2; len <= n; len <<= 1) {
        int half = len / 2, group = t / half, pos = t % half;
        int i = group * len + pos, j = i + half;
        float s, c;
        sincospif(-2.0f * pos / len, &s, &c);
        float2 u = buf[i], v = make_float2(buf[j].x * c - buf[j].y * s, buf[j].x * s + buf[j].y * c);
        buf[i] = make_float2(u.x + v.x, u.y + v.y);
        buf[j] = make_float2(u.x - v.x, u.y - v.y);
        __syncthreads();
    }
    for (int i = t; i < n; i += blockDim.x) data[i] = buf[i];
}
__device__ unsigned xorshift(unsigned &s) { s ^= s << 13; s ^= s >> 17; s ^= s << 5; return s; }
__global__ void monte_carlo(unsigned long long *hits, unsigned seed, int rounds) {
    __shared__ unsigned long long total;
    unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
    unsigned s = seed * 2654435761u + i * 747796405u + 1u;
    unsigned lcg = i;
    if (threadIdx.x == 0) total = 0;
    __syncthreads();
    unsigned long long mine = 0;
    for (int r = 0; r < rounds; ++r) {
        lcg = 1664525u * lcg + 1013904223u;
        unsigned a = xorshift(s) >> 8, b = (xorshift(s) ^ lcg) >> 8;
        float x = a * (1.0f / 16777216.0f), y = b / 16777216.0f;
        if (x * x + y * y <= 1.0f) mine++;
    }
    atomicAdd(&total, mine);
    __syncthreads();
    if (!threadIdx.x) atomicAdd(hits, total);
}
