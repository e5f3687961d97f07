"""``pycuda._cluda``: macros that let one text be CUDA C and OpenCL C."""

from __future__ import annotations

__all__ = ["CLUDA_PREAMBLE"]

CLUDA_PREAMBLE = """
#define CUDA
#define WITHIN_KERNEL __device__
#define KERNEL extern "C" __global__
#define GLOBAL_MEM
#define LOCAL_MEM __shared__
#define LOCAL_MEM_DYNAMIC extern __shared__
#define LOCAL_MEM_ARG
#define CONSTANT __constant__
#define INLINE __forceinline__
#define SIZE_T unsigned int
#define VSIZE_T unsigned int
#define REQD_WG_SIZE(X, Y, Z) __launch_bounds__((X) * (Y) * (Z), 1)
#define LID_0 ((int) threadIdx.x)
#define LID_1 ((int) threadIdx.y)
#define LID_2 ((int) threadIdx.z)
#define GID_0 ((int) blockIdx.x)
#define GID_1 ((int) blockIdx.y)
#define GID_2 ((int) blockIdx.z)
#define LDIM_0 ((int) blockDim.x)
#define LDIM_1 ((int) blockDim.y)
#define LDIM_2 ((int) blockDim.z)
#define GDIM_0 ((int) gridDim.x)
#define GDIM_1 ((int) gridDim.y)
#define GDIM_2 ((int) gridDim.z)
#define local_barrier() __syncthreads()
"""
