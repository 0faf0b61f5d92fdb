"""Runs inside Odoo's Python environment: calls a function of the addon's `demo.load`.

    python load_demo.py DATABASE FUNCTION

FUNCTION gets the environment of Odoo's superuser. This script has a folder of its own
because Python puts a script's folder first on its path, and devtools has a module that
is called odoo.
"""

import importlib
import sys

import odoo
from odoo import SUPERUSER_ID, api
from odoo.modules.registry import Registry

MODULE = "odoo.addons.customer_classification.demo.load"


def main(database, function):
    odoo.tools.config.parse_config(["-d", database, "--no-http"], setup_logging=True)
    with Registry(database).cursor() as cr:  # commits unless an exception leaves it
        env = api.Environment(cr, SUPERUSER_ID, {})
        action = getattr(importlib.import_module(MODULE), function, None)
        if action is not None:
            action(env)


if __name__ == "__main__":
    main(*sys.argv[1:])
