// Complex numbers with operators, for texts that users write (snippets/): of fused kernels, whose numbers have
// neither members nor operators; or, where SN_OWN is defined, of kernels in CUDA C, which know no complex functions.
#ifndef SN_COMPLEX
#define SN_COMPLEX
#if defined(__OPENCL_VERSION__) && !defined(SN_OWN)
#error complex numbers in expressions need operators of C++, and this device compiles OpenCL C: \
write the kernel with device arrays
#endif
#ifdef SN_OWN
#define SN_MEMBER __host__ __device__
#elif defined(__CUDACC__) || defined(__HIP__)
#define SN_MEMBER __attribute__((device, always_inline))
#else
#define SN_MEMBER inline
#endif
#ifndef SN_OWN
template <class R> struct sn_base;
template <> struct sn_base<f32> { typedef c64 type; };
template <> struct sn_base<f64> { typedef c128 type; };
#endif
template <class R> struct sn_complex {
  R re, im;
  SN_MEMBER sn_complex(R x = 0, R y = 0) : re(x), im(y) {}
  template <class S> SN_MEMBER explicit sn_complex(sn_complex<S> z) : re((R)z.re), im((R)z.im) {}
  SN_MEMBER R real() const { return re; }
  SN_MEMBER R imag() const { return im; }
  SN_MEMBER sn_complex& operator+=(sn_complex z) { re += z.re; im += z.im; return *this; }
  SN_MEMBER sn_complex& operator-=(sn_complex z) { re -= z.re; im -= z.im; return *this; }
  SN_MEMBER friend sn_complex operator+(sn_complex x, sn_complex y) { return x += y; }
  SN_MEMBER friend sn_complex operator-(sn_complex x, sn_complex y) { return x -= y; }
  SN_MEMBER friend sn_complex operator*(sn_complex x, sn_complex y) { return x *= y; }
  SN_MEMBER friend sn_complex operator/(sn_complex x, sn_complex y) { return x /= y; }
  SN_MEMBER friend sn_complex operator-(sn_complex x) { return sn_complex(-x.re, -x.im); }
  SN_MEMBER friend sn_complex operator+(sn_complex x) { return x; }
  SN_MEMBER friend bool operator==(sn_complex x, sn_complex y) {
    return x.re == y.re && x.im == y.im;
  }
  SN_MEMBER friend bool operator!=(sn_complex x, sn_complex y) { return !(x == y); }
#ifdef SN_OWN
  SN_MEMBER sn_complex& operator*=(sn_complex z) {
    return *this = sn_complex(re * z.re - im * z.im, re * z.im + im * z.re);
  }
  SN_MEMBER sn_complex& operator/=(sn_complex z) {
    if ((z.re < 0 ? -z.re : z.re) >= (z.im < 0 ? -z.im : z.im)) {
      const R q = z.im / z.re, d = z.re + z.im * q;
      return *this = sn_complex((re + im * q) / d, (im - re * q) / d);
    }
    const R q = z.re / z.im, d = z.re * q + z.im;
    return *this = sn_complex((re * q + im) / d, (im * q - re) / d);
  }
  SN_MEMBER friend R real(sn_complex x) { return x.re; }
  SN_MEMBER friend R imag(sn_complex x) { return x.im; }
  SN_MEMBER friend sn_complex conj(sn_complex x) { return sn_complex(x.re, -x.im); }
  SN_MEMBER friend R norm(sn_complex x) { return x.re * x.re + x.im * x.im; }
  SN_MEMBER friend R abs(sn_complex x) { return hypot(x.re, x.im); }
  SN_MEMBER friend R arg(sn_complex x) { return atan2(x.im, x.re); }
  SN_MEMBER friend sn_complex exp(sn_complex x) {
    const R e = exp(x.re);
    return sn_complex(e * cos(x.im), x.im == 0 ? x.im : e * sin(x.im));
  }
  SN_MEMBER friend sn_complex log(sn_complex x) {
    return sn_complex(log(hypot(x.re, x.im)), arg(x));
  }
  SN_MEMBER friend sn_complex sin(sn_complex x) {
    return sn_complex(sin(x.re) * cosh(x.im), cos(x.re) * sinh(x.im));
  }
  SN_MEMBER friend sn_complex cos(sn_complex x) {
    return sn_complex(cos(x.re) * cosh(x.im), -sin(x.re) * sinh(x.im));
  }
  SN_MEMBER friend sn_complex sqrt(sn_complex x) {
    const R r = sqrt((hypot(x.re, x.im) + (x.re < 0 ? -x.re : x.re)) / 2);
    if (r == 0) return sn_complex(0, x.im);
    const R s = x.im / (2 * r);
    return x.re < 0 ? sn_complex(s < 0 ? -s : s, x.im < 0 ? -r : r) : sn_complex(r, s);
  }
  SN_MEMBER friend sn_complex pow(sn_complex x, sn_complex y) {
    if (x == sn_complex()) return sn_complex(y == sn_complex() ? 1 : 0);
    return exp(y * log(x));
  }
#else
  typedef typename sn_base<R>::type Base;
  SN_MEMBER sn_complex(Base z) : re(z.re), im(z.im) {}
  SN_MEMBER Base base() const { Base z; z.re = re; z.im = im; return z; }
  SN_MEMBER sn_complex& operator*=(sn_complex z) { return *this = sn_complex(da_cmultiply(base(), z.base())); }
  SN_MEMBER sn_complex& operator/=(sn_complex z) { return *this = sn_complex(da_cdivide(base(), z.base())); }
#endif
};
#ifndef SN_OWN
// functions that all texts with complex numbers have; SN_COMPLEX_UNARY(exp) makes one of the others
#define SN_COMPLEX_UNARY(name) \
    FN sn_complex<f32> sn_##name(sn_complex<f32> x) { return da_c##name(x.base()); } \
    FN sn_complex<f64> sn_##name(sn_complex<f64> x) { return da_c##name(x.base()); }
#define SN_COMPLEX_TEST(name) \
    FN bool sn_##name(sn_complex<f32> x) { return da_##name(x.base()); } \
    FN bool sn_##name(sn_complex<f64> x) { return da_##name(x.base()); }
#define SN_COMPLEX_POW(R, S) \
    FN sn_complex<R> sn_pow(sn_complex<R> x, S y) { return da_cpower(x.base(), sn_complex<R>(y).base()); }
#define SN_COMPLEX_PARTS(R, C) \
    FN R sn_abs(C x) { return da_cabsolute(x.base()); } \
    FN R sn_real(C x) { return x.re; } \
    FN R sn_imag(C x) { return x.im; } \
    FN C sn_conj(C x) { return C(x.re, -x.im); } \
    FN R sn_norm(C x) { return x.re * x.re + x.im * x.im; } \
    FN R sn_arg(C x) { return da_atan2(x.im, x.re); }
SN_COMPLEX_PARTS(f32, sn_complex<f32>) SN_COMPLEX_PARTS(f64, sn_complex<f64>)
#endif
#endif
