"""Stamps and folders that are complete or absent."""

import pytest

from devtools.console import Problem
from devtools.paths import Stamp, building, fingerprint, need_space


def test_stamp_is_valid_for_its_key_only(tmp_path):
    stamp = Stamp(tmp_path / "new" / "stamp", "a")
    assert not stamp.valid()
    stamp.write()
    assert stamp.valid()
    assert not Stamp(stamp.path, "b").valid()
    assert list(stamp.path.parent.iterdir()) == [stamp.path]


def test_fingerprint_sees_content_and_borders(tmp_path):
    file = tmp_path / "lock"
    file.write_text("one")
    before = fingerprint(file)
    file.write_text("two")
    assert fingerprint(file) != before
    assert fingerprint("ab", "c") != fingerprint("a", "bc")


def test_building_leaves_all_or_nothing(tmp_path):
    target = tmp_path / "target"
    with pytest.raises(RuntimeError), building(target) as work:
        (work / "half").touch()
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "target.part-1").mkdir()  # an earlier call was killed
    with building(target) as work:
        (work / "whole").touch()
    assert list(tmp_path.iterdir()) == [target]
    assert (target / "whole").exists()


def test_need_space(tmp_path):
    need_space(tmp_path, 0, "Nothing")
    with pytest.raises(Problem, match="^Much needs .* MB are free: make room"):
        need_space(tmp_path, 10**9, "Much")
