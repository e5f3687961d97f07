"""Random numbers: distributions against SciPy, arguments and errors against NumPy, repetition."""

import copy
import pickle
import threading

import numpy as np
import pytest
from scipy import stats

import devarray as da
from devarray.kernels import random_rows
from devarray.random import bits, selection

N = 50_000
LEAST = 1e-4  # p-value below which a test of a distribution fails; the seed is fixed


def rng(seed=1):
    return da.random.default_rng(seed)


CONTINUOUS = {
    "random": (lambda r: r.random(N), stats.uniform()),
    "random f4": (lambda r: r.random(N, "f4"), stats.uniform()),
    "uniform": (lambda r: r.uniform(-3, 5, N), stats.uniform(-3, 8)),
    "normal": (lambda r: r.normal(2, 3, N), stats.norm(2, 3)),
    "standard_normal": (lambda r: r.standard_normal(N), stats.norm()),
    "standard_normal f4": (lambda r: r.standard_normal(N, "f4"), stats.norm()),
    "lognormal": (lambda r: r.lognormal(0.5, 0.4, N), stats.lognorm(0.4, scale=np.exp(0.5))),
    "exponential": (lambda r: r.exponential(2, N), stats.expon(scale=2)),
    "standard_exponential f4": (lambda r: r.standard_exponential(N, "f4"), stats.expon()),
    "laplace": (lambda r: r.laplace(1, 2, N), stats.laplace(1, 2)),
    "logistic": (lambda r: r.logistic(1, 2, N), stats.logistic(1, 2)),
    "gumbel": (lambda r: r.gumbel(1, 2, N), stats.gumbel_r(1, 2)),
    "standard_cauchy": (lambda r: r.standard_cauchy(N), stats.cauchy()),
    "pareto": (lambda r: r.pareto(9, N), stats.lomax(9)),
    "power": (lambda r: r.power(2.5, N), stats.powerlaw(2.5)),
    "rayleigh": (lambda r: r.rayleigh(2, N), stats.rayleigh(scale=2)),
    "weibull": (lambda r: r.weibull(1.7, N), stats.weibull_min(1.7)),
    "triangular": (lambda r: r.triangular(-1, 0.5, 3, N), stats.triang(0.375, -1, 4)),
    "wald": (lambda r: r.wald(2, 3, N), stats.invgauss(2 / 3, scale=3)),
    "gamma": (lambda r: r.gamma(2.5, 2, N), stats.gamma(2.5, scale=2)),
    "standard_gamma": (lambda r: r.standard_gamma(0.7, N), stats.gamma(0.7)),
    "beta": (lambda r: r.beta(0.5, 2, N), stats.beta(0.5, 2)),
    "chisquare": (lambda r: r.chisquare(3, N), stats.chi2(3)),
    "f": (lambda r: r.f(4, 30, N), stats.f(4, 30)),
    "standard_t": (lambda r: r.standard_t(9, N), stats.t(9)),
    "vonmises": (lambda r: r.vonmises(0.5, 2, N), stats.vonmises(2, 0.5)),
    "noncentral_chisquare": (lambda r: r.noncentral_chisquare(3, 2, N), stats.ncx2(3, 2)),
    "noncentral_f": (lambda r: r.noncentral_f(4, 30, 1, N), stats.ncf(4, 30, 1)),
}
DISCRETE = {
    "geometric": (lambda r: r.geometric(0.3, N), stats.geom(0.3)),
    "geometric, likely": (lambda r: r.geometric(0.9, N), stats.geom(0.9)),
    "integers": (lambda r: r.integers(-3, 9, N), stats.randint(-3, 9)),
    "choice": (lambda r: r.choice(7, N), stats.randint(0, 7)),
    "choice p": (lambda r: r.choice(3, N, p=[0.25, 0.5, 0.25]), stats.binom(2, 0.5)),
    "poisson": (lambda r: r.poisson(3, N), stats.poisson(3)),
    "binomial": (lambda r: r.binomial(20, 0.3, N), stats.binom(20, 0.3)),
    "negative_binomial": (lambda r: r.negative_binomial(5, 0.4, N), stats.nbinom(5, 0.4)),
    "hypergeometric": (lambda r: r.hypergeometric(20, 30, 10, N), stats.hypergeom(50, 20, 10)),
    "logseries": (lambda r: r.logseries(0.6, N), stats.logser(0.6)),
    "zipf": (lambda r: r.zipf(7, N), stats.zipf(7)),
}


def check_moments(x, law):
    mean, variance, kurtosis = (float(v) for v in law.stats("mvk"))
    if np.isfinite(variance):
        assert abs(x.mean() - mean) < 5 * np.sqrt(variance / N)
    if np.isfinite(kurtosis):
        error = np.sqrt(max(kurtosis + 2, 0) / N) + 5 / N  # the mean's error counts, too
        assert abs(x.var() - variance) < 6 * variance * error


@pytest.mark.parametrize("name", CONTINUOUS)
def test_continuous_distribution(name):
    draw, law = CONTINUOUS[name]
    array = draw(rng())
    assert array.shape == (N,) and array.dtype == ("f4" if name.endswith("f4") else "f8")
    x = array.get().astype("f8")
    assert np.isfinite(x).all()
    assert stats.kstest(x, law.cdf).pvalue > LEAST
    if name != "vonmises":  # SciPy's moments are those on the line, not on the circle
        check_moments(x, law)


@pytest.mark.parametrize("name", DISCRETE)
def test_discrete_distribution(name):
    draw, law = DISCRETE[name]
    x = draw(rng()).get().astype("i8")
    check_moments(x, law)
    values = np.arange(x.min() - 1, x.max() + 2)
    expected = N * law.pmf(values)
    counts = np.bincount(x - values[0], minlength=len(values))
    often = expected >= 5
    seen = [*counts[often], counts[~often].sum()]
    wanted = [*expected[often], N - expected[often].sum()]
    if wanted[-1] < 5:  # too rare for a class of its own: to the likeliest
        largest = int(np.argmax(wanted))
        seen[largest] += seen.pop()
        wanted[largest] += wanted.pop()
    assert stats.chisquare(seen, wanted, sum_check=False).pvalue > LEAST


@pytest.mark.parametrize("dtype", ["?", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8"])
def test_integers_over_the_whole_range(dtype):
    low, high = (0, 1) if dtype == "?" else (np.iinfo(dtype).min, np.iinfo(dtype).max)
    low, high = int(low), int(high)
    one = rng().integers(low, high + 1, 1000, dtype)
    two = rng().integers(low, high, 1000, dtype, endpoint=True)
    assert one.dtype == np.dtype(dtype)
    x = one.get()
    np.testing.assert_array_equal(x, two.get())
    scaled = (x.astype("f8") - low + 0.5) / (float(high) - low + 1)
    bins = 2 if dtype == "?" else 16
    counts = np.histogram(scaled, bins, (0, 1))[0]
    assert stats.chisquare(counts).pvalue > LEAST
    assert rng().integers(high, high, 3, dtype, endpoint=True).get().tolist() == [high] * 3


@pytest.mark.parametrize("dtype", ["i8", "u8", "i4"])
def test_integers_between_arrays(dtype):
    info = np.iinfo(dtype)
    for low, high in ((info.min, info.max), (3, 10), (info.max - 1, info.max)):
        low, high = int(low), int(high)
        lows = da.full(100, low, dtype)
        highs = da.full(100, high, dtype)
        found = []
        for pair in ((lows, highs), (lows, high), (low, highs), ([low], [high])):
            got = rng(2).integers(*pair, 100, dtype, endpoint=True)
            assert got.dtype == np.dtype(dtype)
            found.append(got.get())
            assert (found[-1] >= low).all() and (found[-1] <= high).all()
            np.testing.assert_array_equal(found[-1], found[0])
        below = sum(2 * value <= low + high for value in found[0].tolist())
        assert 25 <= below <= 75


def test_integers_of_many_bounds():
    high = da.arange(1, 1001)
    x = rng().integers(0, high)
    assert x.shape == (1000,) and bool(((x >= 0) & (x < high)).all())
    y = rng().integers(-high, high.astype("f8") + 0.5, (20, 1000)).get()
    assert (y >= -high.get()).all() and (y < high.get()).all()
    assert rng().integers([0.5, 2**40], [3.5, 2**40 + 1]).get()[1] == 2**40


def test_scaling_bits_is_exact():
    draw = bits.Draw(11, 5, (2000,), da.get_device())
    low, high = random_rows.philox(*(np.asarray(x, "u8") for x in (np.arange(2000), 11, 5)))
    for count in (1, 3, 10**6, 2**32, 2**32 + 1, 2**63 + 1, 2**64 - 1):
        wanted = [(int(x) | int(y) << 64) * count >> 128 for x, y in zip(low, high, strict=True)]
        if count <= 2**32:
            wanted = [int(x) * count >> 64 for x in low]
        np.testing.assert_array_equal(bits.scaled(draw, count).get(), np.array(wanted, "u8"))


def test_uniform_numbers_lie_inside_the_interval():
    x = rng().uniform(3.0, 4.0, 1_000_000)
    x = x.get()
    assert x.min() >= 3.0 and x.max() < 4.0
    for dtype in ("f4", "f8"):
        x = rng().random(1_000_000, dtype).get()
        assert x.min() >= 0.0 and x.max() < 1.0


def test_vectors():
    mean, cov = np.array([1.0, -2.0, 3.0]), np.array([[2.0, 0.5, 0], [0.5, 1, 0.3], [0, 0.3, 3]])
    for method in ("svd", "eigh", "cholesky"):
        x = rng().multivariate_normal(mean.tolist(), da.to_gpu(cov), (N // 2, 2), method=method)
        assert x.shape == (N // 2, 2, 3)
        x = x.get().reshape(N, 3)
        np.testing.assert_allclose(x.mean(axis=0), mean, atol=0.04)
        np.testing.assert_allclose(np.cov(x.T), cov, atol=0.08)
    assert rng().multivariate_normal([0.0], [[1.0]]).shape == (1,)
    x = rng().dirichlet([1.0, 2.0, 5.0], N).get()
    np.testing.assert_allclose(x.sum(axis=1), 1)
    np.testing.assert_allclose(x.mean(axis=0), [0.125, 0.25, 0.625], atol=0.005)
    x = rng().multinomial(10, [0.2, 0.3, 0.5], N).get()
    assert (x.sum(axis=1) == 10).all()
    np.testing.assert_allclose(x.mean(axis=0), [2, 3, 5], atol=0.05)
    x = rng().multivariate_hypergeometric([10, 20, 30], 6, N).get()
    assert (x.sum(axis=1) == 6).all()
    np.testing.assert_allclose(x.mean(axis=0), [1, 2, 3], atol=0.05)


def test_an_impossible_covariance_warns():
    for method in ("svd", "eigh"):
        with pytest.warns(RuntimeWarning, match="positive-semidefinite"):
            rng().multivariate_normal([0, 0], [[1, 0], [0, -1]], method=method)
        rng().multivariate_normal([0, 0], [[1, 0], [0, -1]], None, "ignore", method=method)


# Independence


def correlation(x, y):
    return abs(np.corrcoef(x, y)[0, 1]) * np.sqrt(len(x))


def test_neighbours_are_independent():
    r = rng()
    x, y = r.random(N).get(), r.random(N).get()
    child, other = (g.random(N).get() for g in r.spawn(2))
    for a, b in ((x, y), (x[1:], x[:-1]), (x[1:], y[:-1]), (x, child), (child, other)):
        assert correlation(a, b) < 5
        assert correlation(a**2, b) < 5
    z = rng().normal(size=(N, 2)).get()
    assert correlation(*z.T) < 5 and correlation(*(z.T**2)) < 5
    assert correlation(x, rng(2).random(N).get()) < 5


def test_bits_of_words_are_fair():
    low, high = bits.Draw(3, 4, (20_000,), da.get_device()).bits()
    for word in (low.get(), high.get()):
        ones = np.unpackbits(word.view("u1")).reshape(-1, 64).sum(axis=0, dtype=int)
        assert (abs(ones - 10_000) < 5 * np.sqrt(5000)).all()


# The same numbers whatever happens to them


def some(r):
    """Return lazy arrays of many kinds, drawn one after the other."""
    return [
        r.random(2000),
        r.random((40, 50), "f4"),
        r.normal(1, 2, 2000),
        r.integers(0, 1000, (40, 50)),
        r.choice(50, 2000),
        r.permutation(2000),
    ]


def test_same_numbers_eagerly_and_on_any_number_of_threads():
    wanted = [x.get() for x in some(rng(5))]
    for settings in ({"eager": True}, {"threads": 1}, {"threads": 2}):
        with da.config(**settings):
            got = [x.get() for x in some(rng(5))]
        for x, y in zip(got, wanted, strict=True):
            np.testing.assert_allclose(x, y, rtol=1e-13 if x.dtype == "f8" else 0, atol=1e-15)


def test_same_numbers_in_slices_and_expressions():
    wanted = rng(6).random((60, 70)).get()
    np.testing.assert_array_equal(rng(6).random((60, 70))[3:50:4, ::-2].get(), wanted[3:50:4, ::-2])
    np.testing.assert_array_equal((rng(6).random((60, 70)) * 2 + 1).get(), wanted * 2 + 1)
    np.testing.assert_array_equal(rng(6).random((60, 70)).T.copy().get(), wanted.T)
    total = rng(6).random((60, 70)).sum(axis=0).get()
    np.testing.assert_allclose(total, wanted.sum(axis=0), rtol=1e-14)
    np.testing.assert_array_equal(rng(6).random(4200).get(), wanted.ravel())


def test_a_draw_and_its_use_are_one_kernel(quiet):
    before = da.statistics()
    x = rng().normal(size=100_000) * 2 + 1
    assert da.statistics() == before
    da.evaluate(x)
    assert da.statistics().launches == before.launches + 1


def test_known_numbers():
    r = rng(12345)
    assert r.bit_generator.key == int(np.random.SeedSequence(12345).generate_state(1, "u8")[0])
    first, _ = random_rows.philox(
        np.arange(5, dtype="u8"), np.uint64(r.bit_generator.key), np.uint64(0)
    )
    np.testing.assert_array_equal(r.random(5).get(), random_rows.unit64(first))
    assert (
        rng(1).bytes(20)[:16]
        == bits.Draw(rng(1).bit_generator.key, 0, (2,), da.get_device()).bits()[0].get().tobytes()
    )


# State


def test_pickles_and_copies_go_on_with_the_same_numbers():
    r = rng(3)
    r.random(10)
    twins = [pickle.loads(pickle.dumps(r)), copy.copy(r), copy.deepcopy(r)]
    state = r.bit_generator.state
    wanted = r.normal(size=5).get()
    for twin in twins:
        assert type(twin) is type(r)
        np.testing.assert_array_equal(twin.normal(size=5).get(), wanted)
    r.bit_generator.state = state
    np.testing.assert_array_equal(r.normal(size=5).get(), wanted)
    there = da.random.default_rng(3, "openmp")
    assert pickle.loads(pickle.dumps(there)).device is there.device


def test_wrong_states():
    state = rng().bit_generator.state
    for wrong, error in (
        (5, TypeError),
        (np.random.PCG64(1).state, ValueError),
        (state | {"key": 2**64}, ValueError),
        (state | {"call": -1}, ValueError),
    ):
        with pytest.raises(error):
            rng().bit_generator.state = wrong


def test_spawned_generators_differ():
    children = rng(4).spawn(3)
    draws = {g.bytes(16) for g in (*children, rng(4), *children[0].spawn(2))}
    assert len(draws) == 6
    assert rng(4).spawn(1)[0].bytes(16) == children[0].bytes(0) + rng(4).spawn(1)[0].bytes(16)


def test_each_call_takes_the_next_number():
    r = rng()
    for k, call in enumerate((
        lambda: r.random(3), lambda: r.normal(size=0), lambda: r.wald(1, 2),
        lambda: r.poisson(3, 4), lambda: r.permutation(5), lambda: r.choice(9, 2),
        lambda: r.multivariate_normal([0], [[1]]), lambda: r.bytes(3), lambda: r.shuffle([1, 2]),
    )):  # fmt: skip
        assert r.bit_generator.call == k
        call()
    before = r.bit_generator.call
    with pytest.raises(ValueError, match="scale < 0"):
        r.normal(0, -1)
    assert r.bit_generator.call == before


def test_threads_share_a_generator():
    r = rng()
    found = []

    def work():
        found.extend(r.bytes(16) for _ in range(50))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 200 and r.bit_generator.call == 200


@pytest.mark.parametrize(
    "seed",
    [0, 2**100, [1, 2, 3], np.random.SeedSequence(4), True, np.array([1, 2]), []],
    ids=str,
)
def test_seeds(seed):
    assert rng(seed).bytes(16) == rng(seed).bytes(16)


def test_seeds_of_generators():
    for make in (np.random.PCG64, np.random.default_rng, np.random.RandomState, np.random.MT19937):
        assert rng(make(3)).bytes(16) == rng(make(3)).bytes(16) != rng(make(4)).bytes(16)
        source = make(3)
        assert rng(source).bytes(16) != rng(source).bytes(16)
    r = rng(3)
    assert rng(r) is r
    assert da.random.Generator(r.bit_generator).bit_generator is r.bit_generator
    assert rng(None).bytes(16) != rng(None).bytes(16)


# Order and choice


def test_all_orders_are_equally_likely():
    r = rng()
    x = r.permuted(da.broadcast_to(da.arange(4), (24_000, 4)), axis=1).get()
    assert (np.sort(x, axis=1) == np.arange(4)).all()
    counts = np.unique(x @ [64, 16, 4, 1], return_counts=True)[1]
    assert len(counts) == 24 and stats.chisquare(counts).pvalue > LEAST


@pytest.mark.parametrize("n", [1, 2, 3, 127, 128, 129, 70_000])
def test_permutations_are_complete(n):
    r = rng()
    x, y = r.permutation(n).get(), r.permutation(n).get()
    np.testing.assert_array_equal(np.sort(x), np.arange(n))
    np.testing.assert_array_equal(np.sort(y), np.arange(n))
    assert n < 100 or not (x == y).all()
    if n > 1000:
        assert correlation(x, np.arange(n)) < 5 and correlation(x, y) < 5


def test_ties_are_decided_by_further_bits(monkeypatch):
    """With few random bits beside the position nearly all keys are tied."""
    shape = (2, 3000)
    draw = bits.Draw(5, 6, shape, da.get_device())

    def few(self, part=0):
        low, high = plain(self, part)
        return low & np.uint64(3 << 62), high

    plain = bits.Draw.bits
    monkeypatch.setattr(bits.Draw, "bits", few)
    got = selection.orders(draw).get()
    index = np.arange(6000, dtype="u8").reshape(shape)
    low, high = random_rows.philox(index, np.uint64(5), np.uint64(6))
    np.testing.assert_array_equal(got, np.lexsort((high, low >> np.uint64(62))))


def test_shuffle_in_place_along_an_axis():
    host = np.arange(60).reshape(3, 20)
    for axis in (0, 1, -1):
        x = da.to_gpu(host)
        assert rng().shuffle(x, axis) is None
        order = rng().permutation(host.shape[axis]).get()
        np.testing.assert_array_equal(x.get(), np.take(host, order, axis))
        got = rng().permutation(da.to_gpu(host), axis).get()
        np.testing.assert_array_equal(got, x.get())
    x = da.to_gpu(host)
    rng().shuffle(x[1, ::2])
    assert sorted(x.get()[1].tolist()) == sorted(host[1].tolist())
    np.testing.assert_array_equal(x.get()[:, 1::2], host[:, 1::2])
    items = list("abcdefgh")
    rng().shuffle(items)
    assert sorted(items) == list("abcdefgh") and items != sorted(items)
    out = da.to_gpu(host)
    assert rng().permuted(out, axis=1, out=out) is out
    np.testing.assert_array_equal(np.sort(out.get(), axis=1), host)
    with pytest.raises(ValueError, match="read-only"):
        rng().shuffle(da.broadcast_to(da.ones(3), (2, 3)))


def test_choice_without_replacement():
    r = rng()
    for n, size in ((10, 10), (1000, (20, 5)), (10**12, 50)):
        x = r.choice(n, size, replace=False).get()
        assert len(np.unique(x)) == x.size and x.min() >= 0 and x.max() < n
    population = da.arange(10.0) * 3
    x = r.choice(population, 4, replace=False).get()
    assert len(set(x.tolist())) == 4 and set(x.tolist()) <= set(population.get().tolist())


def test_weighted_choice_without_replacement():
    """The probability of each ordered pair is p_i * p_j / (1 - p_i)."""
    p = np.array([0.5, 0.3, 0.2, 0.0])
    r = rng()
    n = 1000
    pairs = [tuple(r.choice(4, 2, False, p=da.to_gpu(p)).get().tolist()) for _ in range(n)]
    possible = [(i, j) for i in range(3) for j in range(3) if i != j]
    wanted = [n * p[i] * p[j] / (1 - p[i]) for i, j in possible]
    counts = [pairs.count(pair) for pair in possible]
    assert sum(counts) == n and stats.chisquare(counts, wanted).pvalue > LEAST


# The functions of the module


def test_functions_share_one_generator():
    da.random.seed(8)
    first = [da.random.rand(2, 3), da.random.randn(4), da.random.randint(5, size=3)]
    again = da.random.RandomState(8)
    second = [again.rand(2, 3), again.randn(4), again.randint(5, size=3)]
    for x, y in zip(first, second, strict=True):
        assert isinstance(x, da.DeviceArray)
        np.testing.assert_array_equal(x.get(), y.get())
    state = da.random.get_state()
    x = da.random.normal(size=3).get()
    da.random.set_state(state)
    np.testing.assert_array_equal(da.random.normal(size=3).get(), x)
    assert da.random.rand().shape == da.random.randn().shape == ()
    assert pickle.loads(pickle.dumps(again)).rand() == again.rand()


def test_names_are_numpys():
    theirs = {name for name in dir(np.random.Generator) if name[0] != "_"}
    assert theirs == {name for name in dir(da.random.Generator) if name[0] != "_"} - {"device"}
    for name in da.random.__all__:
        assert getattr(da.random, name).__doc__
        assert hasattr(np.random, name) or name == "Philox4x32"
