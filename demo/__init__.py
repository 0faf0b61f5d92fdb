"""Demo data: real purchases from a public data set, posted as real invoices.

``online_retail`` reads the file without Odoo, ``loader`` posts documents,
``load`` is what ``./sandbox demo`` runs. The addon itself never imports this.
"""
