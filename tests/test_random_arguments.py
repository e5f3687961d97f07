"""Arguments of random generators: errors, shapes, dtypes and broadcasting are NumPy's."""

import numpy as np
import pytest

import devarray as da
from agreement import assert_same, outcome


def rng(seed=1):
    return da.random.default_rng(seed)


CALLS = """
r.normal(0,-1) r.normal(0,-0.0) r.normal(0,x([1,-1])) r.normal(0,1,size=-1) r.normal(1j)
r.normal(x([1,2]),1,size=3) r.normal(x([[1],[2]]),1,size=(2,)) r.normal('a') r.normal(x([1j]))
r.normal(size='a') r.normal(size=1.5) r.normal(sise=3) r.exponential(-1) r.laplace(0,-1)
r.logistic(0,-1) r.gumbel(0,-1) r.lognormal(0,-1) r.pareto(0) r.pareto(x([0,1])) r.power(0)
r.rayleigh(-1) r.rayleigh(x([2.0,-1.0])) r.weibull(-1) r.triangular(0,2,1) r.triangular(0,0,0)
r.triangular(3,1,4) r.triangular(x([3,0]),1,4) r.triangular(0,x([3,1]),2) r.geometric(0)
r.geometric(1.5) r.geometric(np.nan) r.geometric(x([0,.5])) r.uniform(1,0) r.uniform(0,np.inf)
r.uniform(0,x([np.inf,1])) r.uniform(x([1]),x([0])) r.uniform(-1.7e308,1.7e308) r.wald(0,1)
r.wald(1,0) r.wald(x([0]),1) r.random(dtype=int) r.random(dtype='f2') r.random(size=1.5)
r.random(2,out=x([1.,2.,3.])) r.random(out=x([1,2])) r.random(out=x([1.]*6)[::2])
r.random(out=[1]) r.random(size=(2,-1)) r.standard_normal(dtype=int) r.standard_normal(out=x([1]))
r.standard_exponential(dtype=int) r.standard_gamma(2,dtype=int) r.standard_gamma(-1) r.integers(0)
r.integers(5,5) r.integers(5,4,endpoint=True) r.integers(0,300,dtype='u1')
r.integers(-1,5,dtype='u1') r.integers(0,3,dtype=bool) r.integers(0,5,dtype=float)
r.integers(0,5,dtype='>i4') r.integers(x([0,5]),x([3,5])) r.integers(0,2**65,dtype='u8')
r.integers(np.nan) r.integers(x([np.nan]),3) r.integers(1j) r.integers('a') r.integers(-2**63-1,0)
r.integers(x([0,1]),x([3,4]),size=3) r.integers(0,5,dtype=object) r.integers(x([-1]),5,dtype='u2')
r.integers(0,x([70000]),dtype='u2') r.integers(0,x([1.5,0.5])) r.choice(0) r.choice(-1)
r.choice(5.5) r.choice(x([])) r.choice(x([1,2]),3,replace=False)
r.choice(x([1,2]),p=x([1.,0.,0.])) r.choice(x([1,2]),p=[.5,.6]) r.choice(2,p=x([-.5,1.5]))
r.choice(x([1,2]),p=[np.nan,1]) r.choice(x([1,2]),p=[[1,0]]) r.choice(x([1,2]),2,False,[1,0])
r.choice(x([[1,2],[3,4]]),axis=2) r.choice(5,size=-1) r.choice(5,-1,False) r.choice(3,1.5)
r.choice(x([1,2]),0,p=[.5,.6]) r.permutation(5.5) r.permutation(x(5))
r.permutation(x([[1,2]]),axis=2) r.permuted(x([[1,2],[3,4]]),axis=2)
r.permuted(x([1,2]),out=[1,2]) r.permuted(x(5)) r.permuted(x([1,2]),out=x([1,2,3]))
r.permuted(x([1.5,2]),out=x([1,2])) r.shuffle(5) r.shuffle([1,2],axis=1) r.shuffle(x(1.0))
r.shuffle(x([[1,2],[3,4]]),axis=2) r.shuffle((1,2)) r.shuffle('ab')
r.multivariate_normal(x([0,0]),x([[1,0]])) r.multivariate_normal(x([[0,0]]),x([[1]]))
r.multivariate_normal([0],[[1,0],[0,1]]) r.multivariate_normal([0,0],[[1,0],[0,1]],method='x')
r.multivariate_normal([0,0],[[1,0],[0,-1]],check_valid='raise')
r.multivariate_normal([0,0],[[1,0],[0,-1]],method='cholesky') r.exponential(1,2,3)
r.multivariate_normal([0,0],[[1,0],[0,1j]]) r.multivariate_normal([0],[[1]],check_valid='x')
r.vonmises(0,-1) r.poisson(-1) r.poisson(x([1,-1])) r.binomial(5,2) r.gamma(x([-1.0])) r.beta()
r.dirichlet(x([0.,-1.])) r.multinomial(5,x([.7,.7,.1])) r.hypergeometric(1,1,5) r.zipf(0.5)
"""


@pytest.mark.parametrize("text", CALLS.split())
def test_errors_are_numpys(text):
    def call(r, x):
        return eval(text, {"r": r, "x": x, "np": np})

    wanted = outcome(call, np.random.default_rng(0), np.asarray)
    assert isinstance(wanted, Exception)
    assert_same(outcome(call, rng(), da.asarray), wanted)


def test_errors_of_seeds():
    for seed in (-1, 1.5, "a", [1, -2]):
        assert_same(outcome(rng, seed), outcome(np.random.default_rng, seed))
    assert_same(outcome(rng().spawn, "a"), outcome(np.random.default_rng(0).spawn, "a"))


def test_host_arrays_are_refused():
    host = np.ones(3)
    for call in (
        lambda: rng().normal(host),
        lambda: rng().random(out=host),
        lambda: rng().choice(host),
        lambda: rng().choice(3, p=host / 3),
        lambda: rng().shuffle(host),
        lambda: rng().permutation(host),
        lambda: rng().integers(0, host),
        lambda: rng().poisson(host),
        lambda: rng().permuted(da.ones(3), out=host),
    ):
        with pytest.raises(da.HostMixError):
            call()


SHAPED = """
r.random() r.random(()) r.random(0) r.random((2,0,3)) r.random([2,3]) r.random(np.int8(3))
r.random(3,np.float32) r.normal() r.normal(x([1,2])) r.normal(x([[1],[2]]),x([1,2,3]))
r.normal(0,x(2.0)) r.normal(0,x([1.,2.]),(3,2)) r.normal(x([]),1) r.normal(x(True),x([1],'u1'))
r.exponential(x([1.,2.])) r.integers(5) r.integers(5,size=()) r.integers(x([3]))
r.integers(x([]),3) r.integers(5,size=3,dtype='u2') r.integers(2,dtype=bool)
r.integers(x([3,4],'f4'),size=(2,2)) r.integers(True) r.integers(-2**63,2**63) r.geometric(.5,3)
r.geometric(x([1.,.5])) r.poisson(3) r.poisson(x([1.,2.])) r.gamma(2,size=(2,2))
r.binomial(3,.5,()) r.standard_gamma(x([1.,2.]),dtype='f4') r.choice(5) r.choice(5,())
r.choice(x(5),3) r.choice(x([1.5,2])) r.choice(x([[1,2],[3,4]]))
r.choice(x([[1,2],[3,4]]),(2,3),axis=1) r.choice(5,0) r.choice(0,0) r.choice(x([]),(0,2))
r.choice(5,(2,2),False) r.choice(x([[1,2],[3,4]]),()) r.choice(3,2,False,[.5,.25,.25])
r.choice(3,None,False) r.choice(x([[1,2],[3,4]]),(0,2),axis=1) r.permutation(5) r.permutation(0)
r.permutation(-1) r.permutation(True) r.permutation(x([[1,2]]))
r.permutation(x([[1.,2]],'f4'),axis=1) r.permutation([]) r.permuted(x([[1,2],[3,4]],'i2'))
r.permuted(x([[1,2],[3,4]]),axis=0) r.permuted([]) r.permuted([[True],[False]],axis=-1)
r.multivariate_normal([0,0],[[1,0],[0,1]]) r.multivariate_normal([0,0],[[1,0],[0,1]],3)
r.dirichlet([1,2,3]) r.multinomial(5,[.5,.5],(2,2)) r.triangular(0,x([1,2]),3) r.weibull(0,3)
r.weibull(x([0.,1.])) r.wald(1,x([1.,2.])) r.uniform(x([1,2]),5) r.standard_cauchy((2,2))
"""


@pytest.mark.parametrize("text", SHAPED.split())
def test_shapes_and_dtypes_are_numpys(text):
    def call(r, x):
        return eval(text, {"r": r, "x": x, "np": np})

    got = call(rng(), da.asarray)
    assert isinstance(got, da.DeviceArray)
    wanted = np.asarray(call(np.random.default_rng(0), np.asarray))
    if text in ("r.integers(2,dtype=bool)", "r.random(3,np.float32)"):
        assert got.dtype == (bool if "bool" in text else "f4")
    assert (got.shape, got.dtype) == (wanted.shape, wanted.dtype)


def test_parameters_broadcast_element_by_element():
    loc, scale = da.arange(3.0).reshape(3, 1), da.asarray([1.0, 0.0])
    wanted = rng().standard_normal((3, 2)).get()
    got = rng().normal(loc, scale).get()
    np.testing.assert_allclose(got, loc.get() + scale.get() * wanted, rtol=1e-14)
    got = rng().normal([[0.0], [1.0], [2.0]], [1.0, 0.0]).get()
    np.testing.assert_allclose(got, loc.get() + scale.get() * wanted, rtol=1e-14)
    p = da.asarray([1.0, 0.5, 1e-300])
    assert rng().geometric(p).get()[[0, 2]].tolist() == [1, np.iinfo("i8").max]
    assert rng().geometric(1e-300) == np.iinfo("i8").max
    assert np.isnan(rng().normal(0, np.nan).get()) and np.isnan(rng().pareto(np.nan).get())
    assert rng().weibull(da.zeros(2)).get().tolist() == [0, 0] == rng().weibull(0, 2).get().tolist()


@pytest.mark.parametrize("method", ["random", "standard_normal", "standard_exponential"])
def test_drawing_into_an_array(method):
    wanted = getattr(rng(), method)((2, 3), dtype="f4").get()
    out = da.zeros((2, 3), "f4")
    assert getattr(rng(), method)(dtype="f4", out=out) is out
    np.testing.assert_array_equal(out.get(), wanted)
    whole = da.zeros((5, 3), "f4")
    getattr(rng(), method)((2, 3), dtype="f4", out=whole[1:3])
    np.testing.assert_array_equal(whole[1:3].get(), wanted)
    assert not whole[3:].get().any()
    with pytest.raises(ValueError, match="must be contiguous, writable"):
        getattr(rng(), method)(out=da.broadcast_to(da.ones(3), (2, 3)))


def test_drawing_gammas_into_an_array():
    out = da.zeros(4)
    assert rng().standard_gamma(2.0, out=out) is out
    np.testing.assert_array_equal(out.get(), rng().standard_gamma(2.0, 4).get())


def test_host_arrays_where_they_may_be_mixed():
    with da.config(host_access="always"):
        out = np.zeros(3)
        assert rng().random(out=out) is out
        np.testing.assert_array_equal(out, rng().random(3).get())
        host = np.arange(12).reshape(6, 2)
        wanted = rng().permutation(da.to_gpu(host)).get()
        rng().shuffle(host)
        np.testing.assert_array_equal(host, wanted)
        assert isinstance(rng().random(), np.float64)
        assert isinstance(rng().choice(np.ones(2)), np.float64)
        out = np.zeros(2)
        assert rng().permuted(np.ones(2), out=out) is out and out.all()
        assert rng().poisson(np.full(2, 3.0)).shape == (2,)


def test_none_is_no_parameter() -> None:
    for rng in (np.random.default_rng(1), da.random.default_rng(1)):
        with pytest.raises(TypeError, match="must be real number, not NoneType"):
            rng.normal(scale=None, size=3)
