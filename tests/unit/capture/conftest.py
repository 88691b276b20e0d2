"""Every test here is checked for what it leaves behind; children find the source tree, wherever pytest was started."""

from __future__ import annotations

from tests.contract.conftest import _children_find_the_source, _nothing_left_behind, run_dir

__all__ = ["_children_find_the_source", "_nothing_left_behind", "run_dir"]
