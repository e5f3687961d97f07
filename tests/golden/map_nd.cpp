#define DA_NO_COMPLEX
#define DA_NO_INTEGER
#define DA_NO_RANDOM
#include <devarray.h>
// map nd: multiply add
PART void work(const i64* A, i64 lo, i64 hi) {
  const i64 n = A[9], size = A[3], parts = A[4];
  const i64 t0 = A[15];
  for (i64 item = lo; item < hi; ++item) {
    const i64 row = parts == 1 ? item : item / parts;
    const i64 j0 = (item - row * parts) * size, j1 = j0 + size < n ? j0 + size : n;
    const i64 d0 = row;
    f64* p0 = (f64*)(A[10] + d0 * A[14]);
    f64* p1 = (f64*)(A[11] + d0 * A[16]);
    f32* p2 = (f32*)(A[12] + d0 * A[18]);
    f64* p3 = (f64*)(A[13] + d0 * A[20]);
    const f32 x2 = *p2;
    FOR_SIMD(j, j0, j1) {
      const f64 x0 = *(f64*)((char*)p0 + (j) * t0);
      const f64 x1 = p1[j];
      const f64 v0 = x0 * x1;  // multiply
      const f64 v1 = v0 + da_to_f64(x2);  // add
      p3[j] = v1;
    }
  }
}
KERNEL void da_kernel(const i64* A) {
  DA_PARALLEL(work, A, A[0], A[1], A[2])
}
