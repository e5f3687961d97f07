// Special functions that neither libm nor OpenCL has, for every engine that runs raw kernels, which says what RAW_IN is.
// Inverses by Newton's steps on log(erfc), which is nearly a parabola everywhere
RAW_IN double raw_erfcinv_small(double q) {  // 0 < q <= 1
    const double l = -log(q), k = l > 1 ? l - 0.5 * log(3.14159265358979324 * l) : l;
    double y = q > 0.5 ? (1 - q) * 0.886226925452758 : sqrt(k > 0.1 ? k : 0.1);
    for (int n = 0; n < 8; ++n) {
        const double e = erfc(y), step = (log(e) - log(q)) * e * exp(y * y) * 0.886226925452758014;
        y += step;
        if (fabs(step) < 1e-9 * y) break;
    }
    return y;
}
RAW_IN double erfcinv(double q) {
    if (!(q >= 0 && q <= 2)) return (double)NAN;
    if (q == 0 || q == 2) return q == 0 ? (double)INFINITY : -(double)INFINITY;
    return q <= 1 ? raw_erfcinv_small(q) : -raw_erfcinv_small(2 - q);
}
RAW_IN double erfinv(double x) {
    if (fabs(x) > 0.5) return x > 0 ? erfcinv(1 - x) : -erfcinv(1 + x);
    double y = x * 0.886226925452758014;
    for (int n = 0; n < 6; ++n) y -= (erf(y) - x) * exp(y * y) * 0.886226925452758014;
    return x == 0 ? x : y;
}
RAW_IN double normcdfinv(double p) { return -M_SQRT2 * erfcinv(2 * p); }
RAW_IN double erfcx(double x) {
    if (x > 25) {
        const double r = 1 / (x * x);
        return 0.564189583547756287 / x * (1 - r / 2 * (1 - 1.5 * r * (1 - 2.5 * r * (1 - 3.5 * r))));
    }
    const double h = x * x, l = fma(x, x, -h);
    return exp(h) * (1 + l) * erfc(x);
}
RAW_IN double raw_bessel(double x, int order) {
    double term = 1, sum = 1;
    const double q = x * x / 4;
    for (int k = 1; term > 1e-17 * sum && k < 2000; ++k) sum += term *= q / ((double)k * (k + order));
    return order ? x / 2 * sum : sum;
}
RAW_IN double cyl_bessel_i0(double x) { return raw_bessel(x, 0); }
RAW_IN double cyl_bessel_i1(double x) { return raw_bessel(x, 1); }
