"""Developer tooling behind `./sandbox`.

Standard library only, and never imported by the addon: Odoo does not see this
folder. One concern a module:

    cli        commands and their options
    console    what the developer sees: steps, progress, one-sentence problems
    paths      where everything lives; stamps that make a second call fast
    apt        Debian packages without installing them (aptsources: the mirror)
    source     which Odoo is used, and from where
    venv       Python environments with locked requirements
    servers    which PostgreSQL: the one the developer names, or
    postgres   the embedded one
    odoo       Odoo's configuration, command line and log
    databases  creating databases, and the template that makes it fast
    browser    a Chromium for browser tests
    testing    `test`
    demo       `demo`
    lint       `lint`
    i18n       `i18n`
"""
