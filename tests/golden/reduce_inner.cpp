#define DA_NO_COMPLEX
#define DA_NO_INTEGER
#define DA_NO_RANDOM
#include <devarray.h>
// reduce inner: square sum() multiply
FN f64 op0(f64 a, f64 b) { return a + b; }  // add
DA_LEAF(leaf0, f64, op0, 8, da_below)
typedef struct { f64 a0; } Acc;
FN void merge(Acc* x, const Acc* y) {
  x->a0 = op0(x->a0, y->a0);
}
FN void finish(const i64* A, i64 o, Acc acc) {
  const f64 k0 = da_to_f64(DA_F64(A, 15));
  const f64 r0 = da_plus_zero(acc.a0);  // sum
  const f64 v1 = r0 * k0;  // multiply
  ((f64*)(A[11]))[o] = v1;
}
typedef struct { char* q0; i64 at; } Row;
PART void leaf(const i64* A, const Row* row, i64 j0, i64 n, Acc* acc) {
  f64* p0 = (f64*)(row->q0);
  const f64 k0 = da_to_f64(DA_F64(A, 15));
  f64 e0[128];
  FOR_SIMD(j, 0, n) {
    const f64 x0 = p0[j0 + j];
    const f64 v0 = x0 * x0;  // square
    e0[j] = v0;
  }
  acc->a0 = leaf0(e0, n);
}
PART void span(const i64* A, const Row* row, i64 j0, i64 n, Acc* acc) {
  if (n <= 128) { leaf(A, row, j0, n, acc); return; }
  const i64 half = DA_SPLIT(n);
  Acc right;
  span(A, row, j0, half, acc);
  span(A, row, j0 + half, n - half, &right);
  merge(acc, &right);
}
PART void work(const i64* A, i64 lo, i64 hi) {
  const i64 D = A[5];
  for (i64 item = lo; item < hi; ++item) {
    const i64 o = item >> D;
    Row row; Acc acc;
    const i64 d0 = o;
    row.q0 = (char*)A[10] + d0 * A[12];
    row.at = 0;
    i64 first = 0, count = A[3];
    for (i64 bit = D - 1; bit >= 0; --bit) {
      const i64 half = DA_SPLIT(count);
      if (item >> bit & 1) { first += half; count -= half; } else { count = half; }
    }
    span(A, &row, first, count, &acc);
    if (D) ((Acc*)A[6])[item] = acc; else finish(A, o, acc);
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
