# Every target sets up what it needs, in .venv; a machine with Python (>= 3.11), make and a C/C++
# compiler is enough. Another interpreter: make PYTHON=python3.12 test

PYTHON ?= python3
PYTEST_ARGS ?=
VENV := .venv
BIN := $(VENV)/bin
# Twice quiet: errors only.
PIP := $(BIN)/python -m pip install -qq --disable-pip-version-check

.PHONY: demo test test-sycl kernels lint bench conformance compat-pycuda clean

# The example programs under NumPy and under devarray: agreement, times, pictures in out/.
demo: $(VENV)/.test
	@$(BIN)/python tools/demo.py $(DEMO_ARGS)

# Arrays may not reach the host unasked in our own tests, as on a device with memory of its own.
test: $(VENV)/.test
	@DEVARRAY_HOST_ACCESS=never $(BIN)/python -m pytest $(PYTEST_ARGS)

# The same tests on a SYCL device (dpnp's wheels bring one for any processor). The kernels that they
# launch are kept in out/kernels, and `make kernels` compiles all of them for NVIDIA's and AMD's GPUs.
test-sycl: $(VENV)/.sycl
	@DEVARRAY_DEVICE=sycl DEVARRAY_HOST_ACCESS=never DEVARRAY_DUMP=out/kernels \
	$(BIN)/python -m pytest $(PYTEST_ARGS)

kernels: $(VENV)/.test
	@$(BIN)/python tools/compile_kernels.py out/kernels

lint: $(VENV)/.lint
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy

bench: $(VENV)/.test
	@set -e; for bench in benchmarks/bench_*.py; do echo "== $$bench"; $(BIN)/python $$bench; done

# The official test-suite of the Array API standard: ARRAY_API_TESTS_DIR, or cloned to out/.
conformance: $(VENV)/.conformance
	@$(BIN)/python array_api_tests/run.py $(CONFORMANCE_ARGS)

# PyCUDA's own tests and examples, from its source distribution (out/pycuda), against
# devarray.compat.pycuda: counts, and the reason of each skip.
compat-pycuda: $(VENV)/.pycuda
	@$(BIN)/python tools/pycuda_tests.py $(PYCUDA_ARGS)

clean:
	rm -rf $(VENV) out dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find src tests tools examples -name __pycache__ -type d -prune -exec rm -rf {} +

# The stamps are redone when the dependencies may have changed.
$(VENV)/.test: pyproject.toml | $(BIN)/pip
	@echo "installing devarray[test] into $(VENV)"
	@$(PIP) --editable '.[test]'
	@touch $@

$(VENV)/.sycl: pyproject.toml $(VENV)/.test
	@echo "installing devarray[test,sycl] into $(VENV)"
	@$(PIP) --editable '.[test,sycl]'
	@touch $@

$(VENV)/.lint: pyproject.toml $(VENV)/.test
	@echo "installing devarray[lint] into $(VENV)"
	@$(PIP) --editable '.[test,lint]'
	@touch $@

$(VENV)/.conformance: pyproject.toml $(VENV)/.test
	@$(PIP) --editable '.[test,conformance]'
	@touch $@

$(VENV)/.pycuda: pyproject.toml $(VENV)/.test
	@echo "installing what PyCUDA's tests and examples import into $(VENV)"
	@$(PIP) 'pytools>=2024' 'jinja2>=3' 'mpi4py>=4' 'mpich>=4.3'
	@touch $@

# Debian splits ensurepip off into python3-venv. Without it, the system's pip, or else virtualenv,
# can still make a working environment.
$(BIN)/pip:
	@echo "creating $(VENV)"
	@$(PYTHON) -m venv --clear $(VENV) >/dev/null 2>&1 \
	|| { $(PYTHON) -m venv --clear --without-pip $(VENV) \
	     && $(PYTHON) -m pip --python $(BIN)/python install -qq pip; } 2>/dev/null \
	|| $(PYTHON) -m virtualenv --quiet --clear $(VENV) 2>/dev/null \
	|| { rm -rf $(VENV); \
	     echo "$(PYTHON) cannot create a virtual environment: install its venv module" \
	          "(Debian, Ubuntu: apt-get install python3-venv)" >&2; exit 1; }
