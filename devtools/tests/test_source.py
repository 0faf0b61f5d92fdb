"""Which Odoo is taken."""

import pytest

from devtools import source
from devtools.console import Problem


def make_odoo(folder, version="(19, 0, 0, FINAL, 0, '')"):
    (folder / "odoo" / "addons" / "base").mkdir(parents=True)
    (folder / "odoo" / "release.py").write_text(f"version_info = {version}\n")
    (folder / "addons" / "web").mkdir(parents=True)
    return folder


@pytest.fixture
def ways(monkeypatch):
    """Replace the ways to get an Odoo; returns the names of those that were tried."""
    tried = []

    def way(name, answer):
        def function():
            tried.append(name)
            if isinstance(answer, Problem):
                raise answer
            return answer

        monkeypatch.setattr(source, name, function)

    monkeypatch.delenv("ODOO_HOME", raising=False)
    return way, tried


def test_given_option_wins_over_environment_and_all_else(tmp_path, monkeypatch, ways):
    monkeypatch.setenv("ODOO_HOME", str(tmp_path / "none"))
    found = source.resolve(str(make_odoo(tmp_path / "mine")), quiet=True)
    assert found.library == tmp_path / "mine"
    assert found.addons == (
        tmp_path / "mine/odoo/addons",
        tmp_path / "mine/addons",
    )
    assert ways[1] == []


def test_environment_names_one(tmp_path, monkeypatch):
    monkeypatch.setenv("ODOO_HOME", str(make_odoo(tmp_path / "mine")))
    assert source.resolve(quiet=True).version == "19.0"


@pytest.mark.parametrize("inside", ["", "odoo", "usr/lib/python3/dist-packages"])
def test_layouts(tmp_path, inside):
    library = tmp_path if inside == "odoo" else tmp_path / inside
    make_odoo(library)
    given = tmp_path / "odoo" if inside == "odoo" else tmp_path
    assert source.locate(given) == library


def test_other_series_is_refused(tmp_path):
    make_odoo(tmp_path, "(18, 0, 0, FINAL, 0, '')")
    with pytest.raises(Problem, match="is Odoo 18.0, this addon needs 19.0"):
        source.resolve(str(tmp_path))


def test_folder_without_odoo(tmp_path):
    with pytest.raises(Problem, match="There is no Odoo in"):
        source.resolve(str(tmp_path))


def test_order_of_the_rest(ways):
    way, tried = ways
    way("importable", None)
    way("debian", Problem("no apt."))
    way("clone", "cloned")
    assert source.resolve(quiet=True) == "cloned"
    assert tried == ["importable", "debian", "clone"]


def test_all_reasons_are_told(ways):
    way, _tried = ways
    way("importable", None)
    way("debian", Problem("no apt."))
    way("clone", Problem("no git."))
    with pytest.raises(Problem, match=r"--odoo PATH.*\(1\) no apt\. \(2\) no git\."):
        source.resolve(quiet=True)
