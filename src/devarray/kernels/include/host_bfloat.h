// <cuda_bf16.h>: the upper halves of floats. See `host_half.h`.

DH_IN unsigned short dh_bfloat_bits(float x) {
    const unsigned u = dh_word(x), a = u & 0x7fffffffu;
    return (unsigned short)(a > 0x7f800000u ? 0x7fffu : (u + 0x7fffu + (u >> 16 & 1u)) >> 16);
}
DH_IN float dh_bfloat_float(unsigned short h) { return dh_unword((unsigned)h << 16); }
DH_SIXTEEN(__nv_bfloat16, __nv_bfloat162, dh_bfloat_bits, dh_bfloat_float)
DH_SIXTEEN_FUNCTIONS(__nv_bfloat16, __nv_bfloat162, bfloat16)
typedef __nv_bfloat16 nv_bfloat16;
typedef __nv_bfloat162 nv_bfloat162;
typedef __nv_bfloat16 hip_bfloat16;
typedef __nv_bfloat16 __hip_bfloat16;
#define make_bfloat162 make___nv_bfloat162
DH_IN nv_bfloat162 __bfloat162bfloat162(nv_bfloat16 a) { return nv_bfloat162(a, a); }
DH_IN nv_bfloat162 __halves2bfloat162(nv_bfloat16 a, nv_bfloat16 b) { return nv_bfloat162(a, b); }
