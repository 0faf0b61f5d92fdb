from dataclasses import dataclass, field

from odoo import api, models
from odoo.exceptions import AccessError, UserError
from odoo.models import MAGIC_COLUMNS

from .customer_exchange_file import ROOT

TYPES = {"boolean", "integer", "float", "char", "text", "selection", "date", "many2one"}
MANAGER = "customer_classification.group_customer_classification_manager"


@dataclass(frozen=True)
class Element:
    """An element of the file, and what it stands for.

    :ivar tag: its name in the file
    :ivar model: whose records it describes
    :ivar key: the field by which a record is recognised among its siblings
    :ivar parent: the field for the record of the enclosing element
    :ivar tree: the field for an enclosing element of the same kind
    :ivar excluded: fields that are no configuration or belong to one database
    :ivar prefix: of the names of the fields; the others are not exchanged
    :ivar domains: the fields with a domain: the model it is on, or the name of the
        field that says so after a dot
    :ivar is_list: the elements in one parent are a whole: the file replaces them
    :ivar is_ordered: which comes first decides something
    """

    tag: str
    model: str
    key: str = "code"
    parent: str = ""
    tree: str = ""
    excluded: frozenset = frozenset()
    prefix: str = ""
    domains: dict = field(default_factory=dict)
    is_list: bool = False
    is_ordered: bool = False


class ExchangeError(UserError):
    """What is wrong with a file.

    :ivar problems: pairs of a line of the file and what is wrong there
    """

    def __init__(self, env, problems):
        self.problems = sorted(set(problems))
        super().__init__(
            "\n".join(
                env._("Line %(line)s: %(problem)s", line=line, problem=problem)
                for line, problem in self.problems
            )
        )


class CustomerClassificationExchange(models.AbstractModel):
    """The whole configuration as one readable file, out of and into a database.

    How to use it::

        exchange = env["customer.classification.exchange"]
        text = exchange.export_configuration()
        plan = exchange.preview_configuration(text)  # writes nothing
        report = exchange.import_configuration(text)

    How it works: :meth:`_get_elements` says which records the file holds and how
    they nest; which of their fields it holds follows from the models. References go
    by codes, names of companies and external ids. An import reads the file into
    nodes, refuses what cannot be right, then applies the nodes in an order in which
    each finds what it refers to, or undoes all of it.
    """

    _name = "customer.classification.exchange"
    _description = "Exchange of the Classification's Configuration"

    @api.model
    def export_configuration(self, dimensions=None, with_companies=False):
        """Return the configuration as the text of a file.

        :param dimensions: only these (records or ids), with all groups and metrics
        :param bool with_companies: who is a customer and what counts, per company
        :raise AccessError: for who may not configure
        """
        self._check_manager()
        return self._export(dimensions, with_companies)

    @api.model
    def preview_configuration(self, content):
        """Return what :meth:`import_configuration` would do, without doing it.

        :param content: the file as text or bytes
        :return: a dict like that of :meth:`import_configuration`. Its ``problems``
            are those seen without writing; the models' own checks come later.
        """
        self._check_manager()
        return self._import(content, dry=True)

    @api.model
    def import_configuration(self, content):
        """Bring the configuration to what a file says, or change nothing.

        What the file does not mention stays as it is. The mirrored fields and the
        criteria of a dimension are one setting each: the file replaces them where it
        names any.

        :param content: the file as text or bytes
        :return: a dict of the numbers ``created``, ``changed`` and ``removed``, of
            ``lines`` with one dict for each record concerned, and of ``problems``,
            pairs of a line and a message
        :raise ExchangeError: naming the lines of all that is wrong
        :raise AccessError: for who may not configure
        """
        self._check_manager()
        return self._import(content, dry=False)

    def _check_manager(self):
        if not (self.env.su or self.env.user.has_group(MANAGER)):
            raise AccessError(
                self.env._(
                    "Only managers of the customer classification exchange its "
                    "configuration."
                )
            )

    # The vocabulary

    @api.model
    def _get_elements(self):
        """Return the elements by tag, and the tags of the children by tag."""
        elements = [
            Element("group", "customer.dimension.group"),
            Element(
                "metric",
                "customer.metric",
                excluded=frozenset(
                    {"is_waiting", "is_broken", "error", "value_type", "relation"}
                ),
                domains={"domain": ".model_name"},
            ),
            Element(
                "dimension",
                "customer.dimension",
                # contact tags, the company they follow, and people are each database's
                excluded=frozenset(
                    {"mirror_tag_id", "mirror_company_id", "responsible_id"}
                ),
            ),
            Element(
                "category",
                "customer.category",
                parent="dimension_id",
                tree="parent_id",
                # the order of the file is theirs
                excluded=frozenset(
                    {"parent_path", "successor_id", "sequence", "mirror_tag_id"}
                ),
            ),
            Element(
                "level",
                "customer.dimension.level",
                key="field_id",
                parent="dimension_id",
                is_list=True,
                is_ordered=True,
            ),
            Element(
                "criterion",
                "customer.dimension.criterion",
                key="metric_id",
                parent="dimension_id",
                is_list=True,
            ),
            Element(
                "rule",
                "customer.dimension.rule",
                parent="dimension_id",
                domains={"domain": "res.partner"},
                is_ordered=True,
            ),
            Element(
                "company",
                "res.company",
                key="name",
                prefix="customer_",
                domains={"customer_population_domain": "res.partner"},
            ),
        ]
        children = {
            ROOT: ["group", "metric", "dimension", "company"],
            "dimension": ["category", "level", "criterion", "rule"],
            "category": ["category"],
        }
        return {element.tag: element for element in elements}, children

    @api.model
    def _get_fields(self, element):
        """Return the fields that the file holds of a record, by their names in it."""
        result = {}
        for name, odoo_field in sorted(self.env[element.model]._fields.items()):
            if (
                name in MAGIC_COLUMNS
                or name in element.excluded
                or name in (element.key, element.parent, element.tree)
                or not name.startswith(element.prefix)
                or not odoo_field.store
                or (odoo_field.compute and odoo_field.readonly)
                or odoo_field.related
                or odoo_field.type not in TYPES | {"many2many"}
            ):
                continue
            result[self._get_attribute(element, name)] = odoo_field
        return result

    @api.model
    def _get_attribute(self, element, name):
        """Return what the file calls the field ``name``."""
        return (
            name.removeprefix(element.prefix).removesuffix("_ids").removesuffix("_id")
        )

    @api.model
    def _is_text(self, element, odoo_field):
        """Whether the file holds the field as an element: texts and conditions."""
        return bool(odoo_field.translate) or odoo_field.name in element.domains

    @api.model
    def _get_domain_model(self, element, name, get_value):
        """Return the model that the domain ``name`` is on."""
        model_name = element.domains[name]
        return get_value(model_name[1:]) if model_name[0] == "." else model_name
