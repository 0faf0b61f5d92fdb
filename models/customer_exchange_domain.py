"""Conditions as they stand in an exchanged file: no id of one database.

A record is written ``ref("base.res_partner_industry_C")``, a category
``category("value_tier", "gold")``.
"""

import ast

from odoo.fields import Domain

from .customer_exchange_file import LINE_LENGTH

ID_OPERATORS = {"=", "!=", "<>", "in", "not in", "child_of", "parent_of"}
NESTED_OPERATORS = {"any", "not any", "any!", "not any!"}


class Reference:
    """What stands for an id in the file."""

    def __init__(self, function, *names):
        self.function, self.names = function, names

    def __repr__(self):
        return f"{self.function}({', '.join(map(quote, self.names))})"


def quote(text):
    """Return ``text`` as a literal in double quotes."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def read(text):
    """Return the stored ``text`` of a domain as a list.

    :raise ValueError, SyntaxError: where it is none
    """
    return normalize(ast.literal_eval((text or "[]").strip()))


def normalize(domain):
    """Return ``domain`` with tuples for conditions and lists for values."""
    Domain(domain)  # raises where the list is no domain
    result = []
    for item in domain:
        if not isinstance(item, str | bool):
            path, operator, value = item
            if operator in NESTED_OPERATORS and isinstance(value, list | tuple):
                value = normalize(value)
            elif isinstance(value, tuple):
                value = list(value)
            item = (path, operator, value)
        result.append(item)
    return result


def to_portable(env, model_name, text, get_references):
    """Return the domain ``text`` on ``model_name`` without ids.

    A text that cannot be read is returned as it is.

    :param get_references: function of records, which returns their
        :class:`Reference` by id
    """
    try:
        domain = read(text)
    except (ValueError, SyntaxError, TypeError):
        return text
    return dump(_replace_ids(env, model_name, domain, get_references))


def _replace_ids(env, model_name, domain, get_references):
    result = []
    for item in domain:
        if isinstance(item, tuple):
            path, operator, value = item
            comodel = _get_comodel(env, model_name, str(path))
            if comodel and operator in NESTED_OPERATORS and isinstance(value, list):
                value = _replace_ids(env, comodel, value, get_references)
            elif comodel and operator in ID_OPERATORS:
                ids = value if isinstance(value, list) else [value]
                records = env[comodel].browse(
                    [id_ for id_ in ids if type(id_) is int and id_ > 0]
                )
                known = get_references(records.exists())
                ids = [known.get(id_, id_) if type(id_) is int else id_ for id_ in ids]
                value = ids if isinstance(value, list) else ids[0]
            item = (path, operator, value)
        result.append(item)
    return result


def _get_comodel(env, model_name, path):
    """Return the model of the records that ``path`` leads to, or None."""
    for name in path.split("."):
        field = env[model_name]._fields.get(name) if model_name in env else None
        if name == "id" and field:
            continue
        model_name = field.comodel_name if field and field.relational else None
        if not model_name:
            return None
    return model_name


def dump(domain):
    """Return ``domain`` as text, one condition a line where it is long."""
    items = [_dump_value(item) for item in domain]
    line = f"[{', '.join(items)}]"
    if len(line) <= LINE_LENGTH - 30:
        return line
    return "\n".join(["[", *(f"    {item}," for item in items), "]"])


def _dump_value(value):
    if isinstance(value, str):
        return quote(value)
    if isinstance(value, list):
        return f"[{', '.join(map(_dump_value, value))}]"
    if isinstance(value, tuple):
        return f"({', '.join(map(_dump_value, value))})"
    return repr(value)


def to_domain(text, resolve):
    """Return the portable ``text`` as a domain with ids.

    :param resolve: function of the names within ``ref`` or ``category``, which
        returns an id
    :raise ValueError, SyntaxError: where it is no domain
    """

    class Resolver(ast.NodeTransformer):
        def visit_Call(self, node):
            function = node.func.id if isinstance(node.func, ast.Name) else ""
            names = [ast.literal_eval(argument) for argument in node.args]
            return ast.Constant(resolve(function, *names))

    tree = Resolver().visit(ast.parse(text.strip() or "[]", mode="eval"))
    return normalize(ast.literal_eval(ast.fix_missing_locations(tree)))
