// <thrust/complex.h> on the host: thrust::complex<float> and its functions are those of pycuda-complex.hpp.
#ifndef DH_THRUST
#define DH_THRUST
namespace thrust {
using namespace pycuda;
using pycuda::complex;
}  // namespace thrust
#endif
