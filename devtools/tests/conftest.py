"""The tooling's tests import it as the package `devtools`, without the addon."""

import sys
from pathlib import Path

# Appended, not put first: the checkout's folders `tests` or `data` must shadow nothing.
sys.path.append(str(Path(__file__).resolve().parents[2]))
