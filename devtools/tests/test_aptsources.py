"""Reading the machine's apt sources, in both formats."""

from devtools.aptsources import (
    Source,
    debian_archive,
    is_debian,
    machine_sources,
    parse_deb822,
    parse_list,
    stable_suite,
)

DEB822 = """\
# the archive
Types: deb deb-src
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main contrib
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://mirror.example/debian-security
Suites: bookworm-security
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 abc
 -----END PGP PUBLIC KEY BLOCK-----

Enabled: no
Types: deb
URIs: http://off.example/debian
Suites: sid
Components: main

Types: deb-src
URIs: http://source.example/debian
Suites: bookworm
Components: main
"""

ONE_LINE = """\
# deb http://commented.example/debian bookworm main
deb http://mirror.example/debian bookworm main contrib # the archive
deb [arch=amd64 signed-by=/etc/key.gpg] https://mirror.example/other stable main
deb-src http://mirror.example/debian bookworm main
deb cdrom:[Debian]/ bookworm main
"""


def test_deb822_paragraphs():
    archive, security = parse_deb822(DEB822)
    assert archive == Source(
        "http://mirror.example/debian",
        ("bookworm", "bookworm-updates"),
        ("main", "contrib"),
        "/usr/share/keyrings/debian-archive-keyring.gpg",
    )
    # an inline key is no path
    assert security.signed_by == ""
    assert security.suites == ("bookworm-security",)


def test_one_line_style():
    first, second, _cdrom = parse_list(ONE_LINE)
    assert first == Source(
        "http://mirror.example/debian", ("bookworm",), ("main", "contrib")
    )
    assert second.signed_by == "/etc/key.gpg"


def test_archive_is_neither_security_nor_third_party():
    sources = [
        Source("https://other.example/apt", ("stable",), ("main",)),
        Source("http://m.example/debian-security", ("bookworm-security",), ("main",)),
        Source("http://m.example/flat/debian", ("./",), ()),
        Source("http://m.example/pub/debian/", ("bookworm",), ("main",), "/k.gpg"),
    ]
    assert debian_archive(sources) == sources[-1]
    assert debian_archive(sources[:-1]) is None


def test_stable_suite():
    def suite(*names):
        return stable_suite(Source("http://m.example/debian", names, ("main",)))

    assert suite("bookworm", "bookworm-updates") == "bookworm"
    assert suite("trixie-updates") == "trixie"
    assert suite("sid") == "stable"


def test_machine_sources_reads_both_formats(tmp_path):
    (tmp_path / "sources.list").write_text(ONE_LINE)
    parts = tmp_path / "sources.list.d"
    parts.mkdir()
    (parts / "debian.sources").write_text(DEB822)
    (parts / "off.sources.disabled").write_text(DEB822)
    assert len(machine_sources(tmp_path)) == 5
    assert machine_sources(tmp_path / "none") == []


def test_is_debian(tmp_path):
    release = tmp_path / "os-release"
    release.write_text('NAME="Debian GNU/Linux"\nID=debian\n')
    assert is_debian(release)
    release.write_text("ID=ubuntu\nID_LIKE=debian\n")
    assert not is_debian(release)
    assert not is_debian(tmp_path / "none")
