from __future__ import annotations

import threading
from pathlib import Path

import pytest

from hil.rig.cache import KEEP, Cache, default_folder, digest
from hil.rig.errors import NotMadeError


def test_a_thing_is_made_once_and_found_again(tmp_path: Path) -> None:
    made: list[Path] = []

    def make(folder: Path) -> None:
        made.append(folder)
        (folder / "thing").write_text("whole")

    cache = Cache(tmp_path / "cache")
    first = cache.obtain("disk", "k1", make)
    assert cache.obtain("disk", "k1", make) == first
    assert len(made) == 1
    assert (first / "thing").read_text() == "whole"


def test_a_build_that_fails_leaves_nothing_that_looks_finished(tmp_path: Path) -> None:
    def fail(folder: Path) -> None:
        (folder / "thing").write_text("half")
        raise RuntimeError("no space")

    cache = Cache(tmp_path)
    with pytest.raises(RuntimeError, match="no space"):
        cache.obtain("disk", "k1", fail)
    assert cache.find("disk", "k1") is None
    assert [path.name for path in tmp_path.iterdir()] == ["lock"]


def test_what_a_killed_build_left_is_built_anew(tmp_path: Path) -> None:
    left = tmp_path / "part-disk-k1"
    left.mkdir()
    (left / "old").touch()
    place = Cache(tmp_path).obtain("disk", "k1", lambda folder: (folder / "thing").touch())
    assert [path.name for path in place.iterdir()] == ["thing"]


def test_a_cache_that_only_finds_makes_nothing(tmp_path: Path) -> None:
    place = Cache(tmp_path).obtain("disk", "k1", lambda _: None)
    only_finds = Cache(tmp_path, makes=False)
    assert only_finds.obtain("disk", "k1", lambda _: pytest.fail("made")) == place
    with pytest.raises(NotMadeError, match="disk-k2"):
        only_finds.obtain("disk", "k2", lambda _: pytest.fail("made"))


def test_two_builders_at_once_build_once(tmp_path: Path) -> None:
    begun, may_end = threading.Event(), threading.Event()
    made: list[str] = []

    def make_slowly(folder: Path) -> None:
        made.append("first")
        begun.set()
        assert may_end.wait(10)

    first = threading.Thread(target=Cache(tmp_path).obtain, args=("disk", "k1", make_slowly))
    second = threading.Thread(target=Cache(tmp_path).obtain, args=("disk", "k1", lambda _: made.append("second")))
    first.start()
    assert begun.wait(10)
    second.start()
    second.join(0.2)
    assert second.is_alive()
    may_end.set()
    first.join(10)
    second.join(10)
    assert made == ["first"]


def test_old_things_of_a_kind_are_forgotten_and_used_ones_kept(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    for number in range(KEEP + 1):
        cache.obtain("disk", f"k{number}", lambda _: None)
        cache.find("disk", "k0")
    cache.obtain("state", "k0", lambda _: None)
    kept = sorted(path.name for path in tmp_path.iterdir() if path.is_dir())
    assert kept == ["disk-k0", f"disk-k{KEEP}", "state-k0"]


def test_a_digest_tells_contents_names_modes_and_links_apart(tmp_path: Path) -> None:
    file, seen = tmp_path / "a", set()

    def look() -> None:
        now = digest(tmp_path)
        assert now not in seen
        seen.add(now)

    look()
    file.write_text("x")
    look()
    file.write_text("y")
    look()
    file.chmod(0o755)
    look()
    file.rename(tmp_path / "b")
    look()
    (tmp_path / "link").symlink_to("b")
    look()
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__" / "b.pyc").touch()
    assert digest(tmp_path) in seen
    assert digest("ab", "c") != digest("a", "bc")


def test_the_folder_can_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LINETAP_RIG_CACHE", "/srv/rig")
    assert default_folder() == Path("/srv/rig")
    monkeypatch.delenv("LINETAP_RIG_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", "/srv/cache")
    assert default_folder() == Path("/srv/cache/linetap-rig")
