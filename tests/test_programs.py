"""Random programs of views, writes and lazy readers give what NumPy gives, however evaluated.

``DEVARRAY_PROGRAMS=2000 pytest tests/test_programs.py`` runs more of them, new ones each time;
without it the programs are always the same, so that the kernels are found on disk.
"""

import os
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from programs import Programs

COUNT = os.environ.get("DEVARRAY_PROGRAMS")
SHRINK = os.environ.get("DEVARRAY_SHRINK", "1") != "0"  # a failing program is made shorter: minutes
FEW = ("f8", "i8", "?")  # each new kernel costs a compilation


class KernelsEachStep(Programs):
    options: ClassVar = {"oracle_limit": 0}
    dtypes = FEW


class KernelsAtTheEnd(Programs):
    options: ClassVar = {"oracle_limit": 0}
    each_step = False
    dtypes = FEW


class EachStep(Programs):
    pass


class AtTheEnd(Programs):
    each_step = False


class LowLimits(Programs):
    options: ClassVar = {"max_nodes": 6}
    each_step = False


class Eager(Programs):
    options: ClassVar = {"eager": True}


class Check(Programs):
    options: ClassVar = {"check": True, "oracle_limit": 0}
    each_step = False
    dtypes = FEW


# how many of the programs, relative to the others: compiled kernels are slow to get
MACHINES = {
    KernelsEachStep: 0.5, KernelsAtTheEnd: 0.25, EachStep: 1, AtTheEnd: 2, LowLimits: 2, Eager: 1,
    Check: 0.2,
}  # fmt: skip


@pytest.mark.parametrize("machine", MACHINES, ids=lambda m: m.__name__)
def test_programs_do_as_numpy(machine):
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=max(1, int(int(COUNT or 40) * MACHINES[machine])),
            stateful_step_count=25,
            deadline=None,
            derandomize=COUNT is None,
            database=None,
            report_multiple_bugs=False,
            phases=[Phase.generate, Phase.shrink] if SHRINK else [Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )
