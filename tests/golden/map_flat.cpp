#define DA_NO_COMPLEX
#define DA_NO_INTEGER
#define DA_NO_RANDOM
#include <devarray.h>
// map flat: multiply add sqrt
PART void work(const i64* A, i64 lo, i64 hi) {
  f64* p0 = (f64*)(A[8 + 0]);
  f64* p1 = (f64*)(A[8 + 1]);
  f64* p2 = (f64*)(A[8 + 2]);
  const f64 k0 = da_to_f64(DA_F64(A, 11));
  FOR_SIMD(i, lo, hi) {
    const f64 x0 = p0[i];
    const f64 x1 = p1[i];
    const f64 v0 = x0 * k0;  // multiply
    const f64 v1 = v0 + x1;  // add
    const f64 v2 = da_sqrt(v1);  // sqrt
    p2[i] = v2;
  }
}
KERNEL void da_kernel(const i64* A) {
  DA_PARALLEL(work, A, A[0], A[1], A[2])
}
