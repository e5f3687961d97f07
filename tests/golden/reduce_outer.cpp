#define DA_NO_COMPLEX
#define DA_NO_INTEGER
#define DA_NO_RANDOM
#include <devarray.h>
// reduce outer: max()
FN f64 op0(f64 a, f64 b) { return da_maximum(a, b); }  // maximum
DA_LEAF(leaf0, f64, op0, 8, da_above)
typedef struct { f64 a0; } Acc;
FN void merge(Acc* x, const Acc* y) {
  x->a0 = op0(x->a0, y->a0);
}
FN void finish(const i64* A, i64 o, Acc acc) {
  const f64 r0 = acc.a0;  // max
  ((f64*)(A[11]))[o] = r0;
}
PART void work(const i64* A, i64 lo, i64 hi) {
  const i64 D = A[5], n = A[8], size = 512, parts = A[4];
  for (i64 item = lo; item < hi; ++item) {
    const i64 t = item >> D;
    const i64 group = parts == 1 ? t : t / parts, j0 = (t - group * parts) * size;
    const i64 nc = j0 + size < n ? size : n - j0;
    char* const q0 = (char*)A[10] + j0 * A[12];
    i64 first = 0, count = A[3];
    for (i64 bit = D - 1; bit >= 0; --bit) {
      if (item >> bit & 1) { first += count / 2; count -= count / 2; } else { count /= 2; }
    }
    f64 a0[512];
    for (i64 j = 0; j < nc; ++j) { a0[j] = (f64)(-DA_INF); }
    for (i64 line = first; line < first + count; ++line) {
      const i64 r1 = line;
      f64* p0 = (f64*)(q0 + r1 * A[13]);
      FOR_SIMD(j, 0, nc) {
        const f64 x0 = p0[j];
        a0[j] = op0(a0[j], x0);
      }
    }
    for (i64 j = 0; j < nc; ++j) {
      Acc acc;
      acc.a0 = a0[j];
      const i64 o = group * n + j0 + j;
      if (D) ((Acc*)A[6])[(o << D) + (item & (((i64)1 << D) - 1))] = acc; else finish(A, o, acc);
    }
  }
}
PART void join(const i64* A, i64 lo, i64 hi) {
  const i64 chunks = (i64)1 << A[5];
  for (i64 o = lo; o < hi; ++o) {
    Acc* const acc = (Acc*)A[6] + o * chunks;
    for (i64 step = 1; step < chunks; step *= 2) {
      for (i64 c = 0; c < chunks; c += 2 * step) merge(acc + c, acc + c + step);
    }
    finish(A, o, *acc);
  }
}
KERNEL void da_kernel(const i64* A) {
  DA_PARALLEL(work, A, A[0], A[1], A[2])
  if (A[5]) DA_PARALLEL(join, A, A[0], A[7], DA_GRAIN)
}
