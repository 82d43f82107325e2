"""Real sandboxes of this machine, shared by the tests of a module."""

from __future__ import annotations

import os

import pytest

from gym_llm.errors import SandboxUnavailable
from gym_llm.sandbox import open_sandbox


@pytest.fixture(scope="package")
def box():
    try:
        sandbox = open_sandbox("bubblewrap")
    except SandboxUnavailable as error:
        if os.environ.get("CI"):  # there it is installed: a skip would hide that it does not work
            raise
        pytest.skip(f"no bubblewrap here: {error}")
    with sandbox:
        yield sandbox


@pytest.fixture(scope="package")
def local():
    with open_sandbox("unsafe-local") as sandbox:
        yield sandbox


@pytest.fixture(params=["box", "local"])
def any_box(request):
    return request.getfixturevalue(request.param)
