#define DA_NO_COMPLEX
#define DA_NO_INTEGER
#define DA_NO_RANDOM
#include <devarray.h>
// map flat: multiply add
PART void work(const i64* A, i64 lo, i64 hi) {
  f16* p0 = (f16*)(A[8 + 0]);
  f16* p1 = (f16*)(A[8 + 1]);
  f16* p2 = (f16*)(A[8 + 2]);
  const f32 k0 = da_to_f16(DA_F64(A, 11));
  FOR_SIMD(i, lo, hi) {
    const f32 x0 = da_load16(p0[i]);
    const f32 x1 = da_load16(p1[i]);
    const f32 v0 = da_to_f16(x0 * x1);  // multiply
    const f32 v1 = da_to_f16(v0 + k0);  // add
    p2[i] = da_store16(v1);
  }
}
KERNEL void da_kernel(const i64* A) {
  DA_PARALLEL(work, A, A[0], A[1], A[2])
}
