// <cupy/complex.cuh> on the host: complex<float> without a namespace.
#ifndef DH_CUPY
#define DH_CUPY
using pycuda::complex;
using pycuda::conj;
using pycuda::real;
using pycuda::imag;
using pycuda::arg;
#endif
