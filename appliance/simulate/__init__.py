"""``linetap simulate``: a whole box on virtual lines and a day of calls that is played to it.

For integrators without a box. What may live here: the days, which are data (``days/``, docs/simulate.md), how they
become messages, and the playing of them. It stands outside the box and talks to it over its ports like everybody else;
whatever it says names it a simulator.
"""

from __future__ import annotations

from appliance.simulate.day import SHIPPED, Day, DayFileError, find_day, read_day
from appliance.simulate.play import Ports, simulate
from hil.child_box import BoxError

__all__ = ["SHIPPED", "BoxError", "Day", "DayFileError", "Ports", "find_day", "read_day", "simulate"]
