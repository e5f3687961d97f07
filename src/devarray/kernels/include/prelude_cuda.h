// The dialect of CUDA C++, as NVRTC compiles it, without any header: qualifiers, indices, exchange within a warp, and
// what the language calls its functions. gpu.h follows. NVRTC must not be told to use fast mathematics.
// functions that a kernel does not call, and comparisons of unsigned integers with 0
#pragma nv_diag_suppress 177, 186
#define FN static __device__ __forceinline__
#define KERNEL extern "C" __global__ void __launch_bounds__(256)
#define SHARED __shared__
#define DA_POINTER(T, address) ((T*)(address))  // into the device's memory, as the compiler finds out
#define BARRIER __syncthreads()
#define DA_THREAD ((i64)threadIdx.x)
#define DA_BLOCK ((i64)blockIdx.x)
#define DA_BLOCKS ((i64)gridDim.x)

// 32 bits of another thread of a team of `width` threads, a power of two and 32 at most
#define DA_WORD_XOR(x, mask, width) __shfl_xor_sync(0xffffffffu, x, mask, width)
#define DA_WORD_DOWN(x, distance, width) __shfl_down_sync(0xffffffffu, x, distance, width)

// Bit access by intrinsic functions: CUDA 12.0 does not know __builtin_bit_cast
#define DA_BITS_F32(x) __float_as_uint(x)
#define DA_BITS_F64(x) ((u64)__double_as_longlong(x))
#define DA_FLOAT_F32(x) __uint_as_float(x)
#define DA_FLOAT_F64(x) __longlong_as_double((long long)(x))

// The functions are known to the compiler; their names by type
#define DA_NAME_F32(name) name##f
#define DA_NAME_F64(name) name
#define DA_DECLARE(name, parameters_f32, parameters_f64)
