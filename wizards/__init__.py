from . import base_partner_merge
from . import customer_exchange_preset
from . import customer_exchange_wizard
from . import customer_first_steps
from . import customer_linter_finding
from . import customer_metric_preview
from . import customer_usage_line
from . import customer_erasure
