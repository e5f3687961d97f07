#define DA_NO_COMPLEX
#define DA_NO_INTEGER
#define DA_NO_RANDOM
#include <devarray.h>
// scan inner: add sum()
FN f64 op0(f64 a, f64 b) { return a + b; }  // add
PART void work(const i64* A, i64 lo, i64 hi) {
  const i64 n = A[9];
  const f64 k0 = da_to_f64(DA_F64(A, 16));
  const i64 step = A[15];
  for (i64 item = lo; item < hi; ++item) {
    const i64 d0 = item;
    f64* p0 = (f64*)((char*)A[10] + d0 * A[12]);
    char* out = (char*)A[11] + d0 * A[14];
    f64 b[128], a;
    for (i64 j0 = 0; j0 < n; j0 += 128) {
      const i64 m = n - j0 < 128 ? n - j0 : 128;
      FOR_SIMD(j, 0, m) {
        const f64 x0 = p0[j0 + j];
        const f64 v0 = x0 + k0;  // add
        b[j] = v0;
      }
      for (i64 j = 0; j < m; ++j) {
        a = j0 + j ? op0(a, b[j]) : b[j];
        *(f64*)out = a;
        out += step;
      }
    }
  }
}
KERNEL void da_kernel(const i64* A) {
  DA_PARALLEL(work, A, A[0], A[1], A[2])
}
