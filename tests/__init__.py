from . import test_concurrency
from . import test_figures
from . import test_override
from . import test_rpc
from . import test_run
from . import test_score
from . import test_security
from . import test_visibility
