// PyCUDA's names for texture fetches, as plain loads: there are no texture references any more.
#pragma once

#include "pycuda-complex.hpp"

typedef float fp_tex_float;
typedef double fp_tex_double;
typedef pycuda::complex<float> fp_tex_cfloat;
typedef pycuda::complex<double> fp_tex_cdouble;

extern "C++" {
template <class T> __device__ __forceinline__ T fp_tex1Dfetch(const T *memory, int i) {
  return memory[i];
}
}
