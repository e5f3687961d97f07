#define DA_NO_INTEGER
#define DA_NO_RANDOM
#include <devarray.h>
// map flat: multiply
PART void work(const i64* A, i64 lo, i64 hi) {
  c128* p0 = (c128*)(A[8 + 0]);
  c128* p1 = (c128*)(A[8 + 1]);
  const c128 k0 = da_c128((f64)DA_F64(A, 10), (f64)DA_F64(A, 11));
  FOR_SIMD(i, lo, hi) {
    const c128 x0 = p0[i];
    const c128 v0 = da_cmultiply(x0, k0);  // multiply
    p1[i] = v0;
  }
}
KERNEL void da_kernel(const i64* A) {
  DA_PARALLEL(work, A, A[0], A[1], A[2])
}
