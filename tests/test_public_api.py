"""What `import devarray` offers is what it says it offers."""

import __future__

import inspect
from collections import Counter
from types import ModuleType

import pytest

import devarray as da

# A module is public only if __all__ says so: importing a submodule puts its name here by itself.
VISIBLE = {
    name
    for name in dir(da)
    if not name.startswith("_")
    and not isinstance(getattr(da, name), ModuleType | __future__._Feature)
}
DECLARED = {
    name
    for name in da.__all__
    if not name.startswith("__") and not isinstance(getattr(da, name, None), ModuleType)
}


def test_all_names_exactly_the_public_set():
    assert sorted(VISIBLE - DECLARED) == [], "public by name, but not in __all__"
    assert sorted(DECLARED - VISIBLE) == [], "in __all__, but not defined"


def test_all_names_each_once_and_exists():
    assert [name for name, times in Counter(da.__all__).items() if times > 1] == []
    assert [name for name in da.__all__ if not hasattr(da, name)] == []


@pytest.mark.parametrize("name", sorted(DECLARED))
def test_public_callable_has_docstring(name):
    value = getattr(da, name)
    if callable(value):
        assert (inspect.getdoc(value) or "").strip(), f"devarray.{name} has no docstring"
