#define DA_NO_COMPLEX
#define DA_NO_INTEGER
#define DA_NO_RANDOM
#include <devarray.h>
// scan outer: prod()
FN f64 op0(f64 a, f64 b) { return a * b; }  // multiply
PART void work(const i64* A, i64 lo, i64 hi) {
  const i64 n = A[8], size = 512, parts = A[4];
  const i64 step = A[14];
  for (i64 item = lo; item < hi; ++item) {
    const i64 t = item;
    const i64 group = parts == 1 ? t : t / parts, j0 = (t - group * parts) * size;
    const i64 nc = j0 + size < n ? size : n - j0;
    char* const q0 = (char*)A[10] + j0 * A[12];
    char* const out = (char*)A[11] + j0 * step;
    f64 a[512];
    for (i64 line = 0; line < A[3]; ++line) {
      const i64 r1 = line;
      f64* p0 = (f64*)(q0 + r1 * A[13]);
      FOR_SIMD(j, 0, nc) {
        const f64 x0 = p0[j];
        const f64 u = x0;
        a[j] = line ? op0(a[j], u) : u;
        *(f64*)(out + line * A[15] + j * step) = a[j];
      }
    }
  }
}
KERNEL void da_kernel(const i64* A) {
  DA_PARALLEL(work, A, A[0], A[1], A[2])
}
