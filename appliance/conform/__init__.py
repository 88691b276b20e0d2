"""``linetap conform``: wire cases that are data, played against any box, and what differed octet for octet.

What may live here: the client's side of the wire alone. It shares nothing with the server that it judges; its cases
are the files in ``cases/``, which anyone can read and add to (docs/conform.md).
"""

from __future__ import annotations

from appliance.conform.case import Case, CaseFileError, Over
from appliance.conform.playing import Box
from appliance.conform.reading import SHIPPED, read_cases
from appliance.conform.report import Report
from appliance.conform.suite import play_all

__all__ = ["SHIPPED", "Box", "Case", "CaseFileError", "Over", "Report", "play_all", "read_cases"]
