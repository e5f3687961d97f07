// Complex numbers for kernels, under PyCUDA's names: pycuda::complex<float> and <double>.
// They lie in memory as numpy.complex64 and numpy.complex128 do.
#ifndef PYCUDA_COMPLEX
#define PYCUDA_COMPLEX

extern "C++" {
namespace pycuda {

namespace parts {  // one name for functions of float and double

#define PYCUDA_UNARY(name)                                                            \
  static __device__ __forceinline__ float name##_(float x) { return name##f(x); }     \
  static __device__ __forceinline__ double name##_(double x) { return name(x); }
#define PYCUDA_BINARY(name)                                                                 \
  static __device__ __forceinline__ float name##_(float x, float y) { return name##f(x, y); } \
  static __device__ __forceinline__ double name##_(double x, double y) { return name(x, y); }

PYCUDA_UNARY(sqrt)
PYCUDA_UNARY(exp)
PYCUDA_UNARY(log)
PYCUDA_UNARY(log1p)
PYCUDA_UNARY(sin)
PYCUDA_UNARY(cos)
PYCUDA_UNARY(tan)
PYCUDA_UNARY(sinh)
PYCUDA_UNARY(cosh)
PYCUDA_UNARY(tanh)
PYCUDA_UNARY(asin)
PYCUDA_UNARY(asinh)
PYCUDA_UNARY(fabs)
PYCUDA_BINARY(hypot)
PYCUDA_BINARY(atan2)
PYCUDA_BINARY(copysign)

#undef PYCUDA_UNARY
#undef PYCUDA_BINARY

// What a template's parameter must not be found from: numbers beside a complex<T>
template <class T> struct same { typedef T type; };

}  // namespace parts

template <class T> struct complex {
  typedef T value_type;
  T _M_re, _M_im;

  __host__ __device__ complex() : _M_re(0), _M_im(0) {}
  __host__ __device__ complex(T re) : _M_re(re), _M_im(0) {}
  __host__ __device__ complex(T re, T im) : _M_re(re), _M_im(im) {}
  template <class U>
  __host__ __device__ complex(const complex<U> &z) : _M_re(T(z._M_re)), _M_im(T(z._M_im)) {}

  __host__ __device__ T real() const { return _M_re; }
  __host__ __device__ T imag() const { return _M_im; }
  __host__ __device__ void real(T re) { _M_re = re; }
  __host__ __device__ void imag(T im) { _M_im = im; }

  __host__ __device__ complex &operator=(T re) {
    _M_re = re;
    _M_im = 0;
    return *this;
  }
  __host__ __device__ complex &operator+=(const complex &z) {
    _M_re += z._M_re;
    _M_im += z._M_im;
    return *this;
  }
  __host__ __device__ complex &operator-=(const complex &z) {
    _M_re -= z._M_re;
    _M_im -= z._M_im;
    return *this;
  }
  __host__ __device__ complex &operator*=(const complex &z) {
    T re = _M_re * z._M_re - _M_im * z._M_im;
    _M_im = _M_re * z._M_im + _M_im * z._M_re;
    _M_re = re;
    return *this;
  }
  __host__ __device__ complex &operator/=(const complex &z) {
    // by the larger part of the divisor, so that nothing overflows on the way
    T a = _M_re, b = _M_im, c = z._M_re, d = z._M_im;
    if ((c < 0 ? -c : c) >= (d < 0 ? -d : d)) {
      if (c == 0 && d == 0) {
        _M_re = a / c;
        _M_im = b / c;
      } else {
        T ratio = d / c, scale = 1 / (c + d * ratio);
        _M_re = (a + b * ratio) * scale;
        _M_im = (b - a * ratio) * scale;
      }
    } else {
      T ratio = c / d, scale = 1 / (c * ratio + d);
      _M_re = (a * ratio + b) * scale;
      _M_im = (b * ratio - a) * scale;
    }
    return *this;
  }
  __host__ __device__ complex &operator+=(T x) {
    _M_re += x;
    return *this;
  }
  __host__ __device__ complex &operator-=(T x) {
    _M_re -= x;
    return *this;
  }
  __host__ __device__ complex &operator*=(T x) {
    _M_re *= x;
    _M_im *= x;
    return *this;
  }
  __host__ __device__ complex &operator/=(T x) {
    _M_re /= x;
    _M_im /= x;
    return *this;
  }
};

// ---- arithmetic, with numbers on either side -----------------------------------------------------

#define PYCUDA_ARITHMETIC(op, assign)                                                        \
  template <class T>                                                                         \
  __host__ __device__ complex<T> operator op(const complex<T> &a, const complex<T> &b) {     \
    complex<T> result = a;                                                                   \
    return result assign b;                                                                  \
  }                                                                                          \
  template <class T>                                                                         \
  __host__ __device__ complex<T> operator op(const complex<T> &a,                            \
                                             typename parts::same<T>::type b) {              \
    complex<T> result = a;                                                                   \
    return result assign b;                                                                  \
  }                                                                                          \
  template <class T>                                                                         \
  __host__ __device__ complex<T> operator op(typename parts::same<T>::type a,                \
                                             const complex<T> &b) {                          \
    complex<T> result(a);                                                                    \
    return result assign b;                                                                  \
  }

PYCUDA_ARITHMETIC(+, +=)
PYCUDA_ARITHMETIC(-, -=)
PYCUDA_ARITHMETIC(*, *=)
PYCUDA_ARITHMETIC(/, /=)
#undef PYCUDA_ARITHMETIC

template <class T> __host__ __device__ complex<T> operator+(const complex<T> &z) { return z; }
template <class T> __host__ __device__ complex<T> operator-(const complex<T> &z) {
  return complex<T>(-z._M_re, -z._M_im);
}

#define PYCUDA_COMPARE(op, join)                                                             \
  template <class T>                                                                         \
  __host__ __device__ bool operator op(const complex<T> &a, const complex<T> &b) {           \
    return a._M_re op b._M_re join a._M_im op b._M_im;                                       \
  }                                                                                          \
  template <class T>                                                                         \
  __host__ __device__ bool operator op(const complex<T> &a, typename parts::same<T>::type b) { \
    return a._M_re op b join a._M_im op 0;                                                   \
  }                                                                                          \
  template <class T>                                                                         \
  __host__ __device__ bool operator op(typename parts::same<T>::type a, const complex<T> &b) { \
    return b op a;                                                                           \
  }

PYCUDA_COMPARE(==, &&)
PYCUDA_COMPARE(!=, ||)
#undef PYCUDA_COMPARE

// ---- parts ---------------------------------------------------------------------------------------

template <class T> __host__ __device__ T real(const complex<T> &z) { return z._M_re; }
template <class T> __host__ __device__ T imag(const complex<T> &z) { return z._M_im; }
template <class T> __host__ __device__ complex<T> conj(const complex<T> &z) {
  return complex<T>(z._M_re, -z._M_im);
}
template <class T> __device__ T norm(const complex<T> &z) {
  return z._M_re * z._M_re + z._M_im * z._M_im;
}
template <class T> __device__ T abs(const complex<T> &z) {
  return parts::hypot_(z._M_re, z._M_im);
}
template <class T> __device__ T arg(const complex<T> &z) {
  return parts::atan2_(z._M_im, z._M_re);
}
template <class T> __device__ complex<T> polar(const T &rho) { return complex<T>(rho); }
template <class T> __device__ complex<T> polar(const T &rho, const T &theta) {
  return complex<T>(rho * parts::cos_(theta), rho * parts::sin_(theta));
}

// ---- functions -----------------------------------------------------------------------------------

template <class T> __device__ complex<T> exp(const complex<T> &z) {
  T size = parts::exp_(z._M_re);
  if (z._M_im == 0) return complex<T>(size, z._M_im);
  return complex<T>(size * parts::cos_(z._M_im), size * parts::sin_(z._M_im));
}

template <class T> __device__ complex<T> log(const complex<T> &z) {
  T x = parts::fabs_(z._M_re), y = parts::fabs_(z._M_im);
  T large = x > y ? x : y, small = x > y ? y : x, size;
  if (large > T(0.5) && large < T(2))  // |z| is near 1: its logarithm is small
    size = parts::log1p_((large - 1) * (large + 1) + small * small) / 2;
  else
    size = parts::log_(parts::hypot_(x, y));
  return complex<T>(size, arg(z));
}

template <class T> __device__ complex<T> log10(const complex<T> &z) {
  return log(z) * T(0.43429448190325182765);
}

template <class T> __device__ complex<T> sqrt(const complex<T> &z) {
  T x = z._M_re, y = z._M_im, size = parts::hypot_(x, y);
  if (size == 0) return complex<T>(0, y);
  // the half of |x| + |z|, without overflow
  T root = parts::sqrt_(parts::fabs_(x) / 2 + size / 2), other = parts::fabs_(y) / (2 * root);
  return x >= 0 ? complex<T>(root, parts::copysign_(other, y))
                : complex<T>(other, parts::copysign_(root, y));
}

template <class T> __device__ complex<T> pow(const complex<T> &a, const complex<T> &b) {
  if (b._M_re == 0 && b._M_im == 0) return complex<T>(1);
  if (a._M_re == 0 && a._M_im == 0) return complex<T>(0);
  return exp(b * log(a));
}
template <class T>
__device__ complex<T> pow(const complex<T> &a, typename parts::same<T>::type b) {
  return pow(a, complex<T>(b));
}
template <class T>
__device__ complex<T> pow(typename parts::same<T>::type a, const complex<T> &b) {
  return pow(complex<T>(a), b);
}
template <class T> __device__ complex<T> pow(const complex<T> &a, int n) {
  unsigned left = n < 0 ? -(unsigned)n : (unsigned)n;
  complex<T> result(1), factor = a;
  for (; left; left >>= 1, factor *= factor)
    if (left & 1) result *= factor;
  if (n < 0) result = T(1) / result;
  return result;
}

template <class T> __device__ complex<T> sinh(const complex<T> &z) {
  return complex<T>(parts::sinh_(z._M_re) * parts::cos_(z._M_im),
                    parts::cosh_(z._M_re) * parts::sin_(z._M_im));
}
template <class T> __device__ complex<T> cosh(const complex<T> &z) {
  return complex<T>(parts::cosh_(z._M_re) * parts::cos_(z._M_im),
                    parts::sinh_(z._M_re) * parts::sin_(z._M_im));
}
template <class T> __device__ complex<T> tanh(const complex<T> &z) {
  T x = z._M_re, y = z._M_im;
  if (parts::fabs_(x) > 20)  // the real part is 1 to the last digit, the imaginary one tiny
    return complex<T>(parts::copysign_(T(1), x),
                      4 * parts::sin_(y) * parts::cos_(y) * parts::exp_(-2 * parts::fabs_(x)));
  T s = parts::sinh_(x), c = parts::cos_(y), below = s * s + c * c;
  return complex<T>(s * parts::cosh_(x) / below, parts::sin_(y) * c / below);
}

// the others turn the plane by a right angle
template <class T> __device__ complex<T> sin(const complex<T> &z) {
  complex<T> turned = sinh(complex<T>(-z._M_im, z._M_re));
  return complex<T>(turned._M_im, -turned._M_re);
}
template <class T> __device__ complex<T> cos(const complex<T> &z) {
  return cosh(complex<T>(-z._M_im, z._M_re));
}
template <class T> __device__ complex<T> tan(const complex<T> &z) {
  complex<T> turned = tanh(complex<T>(-z._M_im, z._M_re));
  return complex<T>(turned._M_im, -turned._M_re);
}

template <class T> __device__ complex<T> asin(const complex<T> &z) {
  complex<T> below = sqrt(complex<T>(1 - z._M_re, -z._M_im));
  complex<T> above = sqrt(complex<T>(1 + z._M_re, z._M_im));
  T real = parts::atan2_(z._M_re, (below * above)._M_re);
  return complex<T>(real, parts::asinh_((conj(below) * above)._M_im));
}
template <class T> __device__ complex<T> acos(const complex<T> &z) {
  complex<T> below = sqrt(complex<T>(1 - z._M_re, -z._M_im));
  complex<T> above = sqrt(complex<T>(1 + z._M_re, z._M_im));
  T real = 2 * parts::atan2_(below._M_re, above._M_re);
  return complex<T>(real, parts::asinh_((conj(above) * below)._M_im));
}
template <class T> __device__ complex<T> atan(const complex<T> &z) {
  T x = z._M_re, y = parts::fabs_(z._M_im);
  T real = parts::atan2_(2 * x, (1 - y) * (1 + y) - x * x) / 2;
  T imag = parts::log1p_(4 * y / (x * x + (1 - y) * (1 - y))) / 4;
  return complex<T>(real, parts::copysign_(imag, z._M_im));
}

}  // namespace pycuda
}  // extern "C++"

#endif
