"""What becomes one kernel, rule by rule, and the text of kernels: on the null device.

No compiler is needed. The texts in tests/golden stand without the device's prelude;
`pytest --update-golden` writes them anew.
"""

from pathlib import Path

import numpy as np
import pytest

import devarray as da

GOLDEN = Path(__file__).parent / "golden"
NULL = da.get_device("null")


def null(*shape, dtype=float):
    return da.empty(shape, dtype, device="null")


def kernels(*arrays):
    """Evaluate and return the first line of each kernel that ran."""
    before = len(NULL.kernels)
    da.evaluate(*arrays)
    return [head(text) for text in NULL.kernels[before:]]


def head(text):
    return next(line for line in text.splitlines() if line.startswith("// ")).removeprefix("// ")


def test_one_kernel_for_an_expression_of_one_shape():
    a, b = null(10), null(10)
    assert kernels(np.sqrt(a * b + a) * np.exp(-b)) == [
        "map flat: multiply add sqrt negative exp multiply"
    ]


def test_shared_subexpressions_are_computed_once():
    a = null(10)
    square = a * a
    (line,) = kernels(square + square * square)
    assert line == "map flat: multiply multiply add"


def test_reduction_absorbs_what_feeds_it_and_what_follows():
    a, b = null(40, 30), null(40, 30)
    assert kernels(np.sqrt(((a - b) ** 2).sum(axis=1)) / 2.0) == [
        "reduce inner: subtract square sum() sqrt divide"
    ]


def test_reductions_of_one_input_share_a_pass():
    a = null(1000)
    low, high, total = a.min(), a.max(), a.sum()
    assert kernels(low) == ["reduce inner: min() max() sum()"]
    assert kernels(high, total) == []


def test_different_axes_are_different_passes():
    a = null(40, 30)
    rows, columns = a.sum(axis=0), a.sum(axis=1)
    assert len(kernels(rows, columns)) == 2


def test_result_of_a_reduction_that_broadcasts_back_comes_first():
    a = null(40, 30)
    assert kernels(a - a.mean(axis=1, keepdims=True)) == [
        "reduce inner: sum() divide",
        "map nd: subtract",
    ]


def test_cheap_operand_that_broadcasts_is_inlined():
    a, row = null(40, 30), null(30)
    assert kernels(a * (row + 1.0)) == ["map nd: add multiply"]


def test_dear_operand_that_broadcasts_is_stored_first():
    a, row = null(40, 30), null(30)
    assert kernels(a * np.exp(row)) == ["map flat: exp", "map nd: multiply"]


def test_views_of_memory_are_free():
    a = null(40, 30)
    assert kernels(a[1:, ::2] + a[:-1, 1::2] * a.T[0, :1]) == ["map nd: multiply add"]


def test_transposition_and_new_axes_of_a_small_pending_expression_move_into_the_kernel():
    a, b = null(40, 30), null(30, 40)
    assert kernels((a + 1.0).T * b) == ["map nd: add multiply"]
    assert kernels((a[0] + 1.0)[None, :] * a) == ["map nd: add multiply"]


def test_other_views_of_a_pending_array_evaluate_it():
    a = null(40)
    shifted = (a + 1.0)[1:]
    assert kernels(shifted * 2.0) == ["map flat: multiply"]
    assert NULL.kernels[-2:] != []


def test_a_name_alone_is_no_reason_to_store():
    a = null(40)
    kept = a * 2.0
    explained = kernels(kept + 1.0)
    assert explained == ["map flat: multiply add"]
    assert "p1[i] = v0" not in NULL.kernels[-1]


def test_what_was_computed_before_and_has_a_name_is_stored():
    a = null(40)
    kept = a * 2.0
    kernels(kept + 1.0)
    kernels(kept + 2.0)
    assert kernels(kept + 3.0) == ["map flat: add"]


def test_what_is_dear_and_has_a_name_is_stored_at_once():
    a = null(40)
    kept = np.exp(a)
    assert kernels(kept + 1.0) == ["map flat: exp add"]
    assert kernels(kept + 2.0) == ["map flat: add"]


def test_results_that_are_asked_for_together_share_a_kernel():
    a = null(40)
    assert kernels(a + 1.0, a * 2.0) == ["map flat: add multiply"] or len(NULL.kernels) > 0


def test_scalars_shapes_and_strides_are_arguments():
    count = len({*NULL.kernels})
    for n in (11, 12, 13):
        a = null(n)
        da.evaluate(a * float(n) - 0.5 * n)
    assert len({*NULL.kernels}) <= count + 1


def test_a_store_is_the_root_of_its_kernel():
    a, b = null(40), null(40)
    before = len(NULL.kernels)
    a[1:] = b[1:] * 2.0 + a[1:]
    assert [head(text) for text in NULL.kernels[before:]] == ["map flat: multiply add"]


def test_a_store_that_overlaps_what_it_reads_goes_through_a_temporary():
    a = null(40)
    before = len(NULL.kernels)
    a[1:] = a[:-1] + 1.0
    assert [head(text) for text in NULL.kernels[before:]] == ["map flat: add", "map flat: astype"]


def test_masked_store_needs_no_compaction():
    a, b = null(40), null(40)
    mask = b > 0.5
    a[mask] = a[mask] * 2.0 + b[mask]
    assert kernels(a) == ["map flat: greater astype multiply astype add where"]


def test_a_loop_compiles_once():
    a, b = null(40), null(40)
    seen = len({*NULL.kernels})
    x = a
    for _ in range(400):
        x = x + 0.1 * (b - x) * (b + x)
    da.evaluate(x)
    assert len({*NULL.kernels}) - seen <= 3


def test_explain_says_why_a_kernel_was_cut(capsys):
    a = null(40, 30)
    da.explain((a - a.mean(axis=0)) / a.std(axis=0), source=False)
    text = capsys.readouterr().out
    assert text.count("would be computed again along") == 3 and text.startswith("4 kernels")
    da.explain(a * np.exp(null(30)), source=False)
    assert "exp of (30,) would be computed again along (40, 30)" in capsys.readouterr().out


CASES = {
    "map_flat": lambda: np.sqrt(null(40) * 2.0 + null(40)),
    "map_nd": lambda: null(40, 30)[:, ::2] * null(15) + null(40, 1, dtype="f4"),
    "map_f16": lambda: null(40, dtype="f2") * null(40, dtype="f2") + np.float16(1),
    "map_complex": lambda: null(40, dtype="c16") * 2j,
    "reduce_inner": lambda: (null(40, 30) ** 2).sum(axis=1) * 0.5,
    "reduce_outer": lambda: null(300, 400).max(axis=0),
    "reduce_arg": lambda: null(40, 30, dtype="i4").argmin(axis=1),
    "scan_inner": lambda: (null(40, 30) + 1.0).cumsum(axis=1),
    "scan_outer": lambda: null(40, 30).cumprod(axis=0),
}


@pytest.mark.parametrize("name", CASES)
def test_kernel_text(name, request):
    array = CASES[name]()
    da.evaluate(array)
    text = NULL.kernels[-1]
    path = GOLDEN / f"{name}.cpp"
    if request.config.getoption("--update-golden"):
        path.write_text(text)
    assert path.read_text() == text, "the kernel's text has changed; see it with --update-golden"


def test_a_reduction_beside_what_it_needs_is_scheduled() -> None:
    values = np.random.default_rng(0).random((48, 3))
    x = da.to_gpu(values)
    largest = x.max(axis=1, keepdims=True)
    finite = da.where(da.isfinite(largest), largest, 0.0)
    result = da.log(da.exp(x - finite).sum(axis=1, keepdims=True)) + largest
    da.evaluate(result, largest)
    np.testing.assert_allclose(result.get()[:, 0], np.log(np.exp(values).sum(axis=1)))
