"""``linetap demo``: a real call with two voices through a real box, as an integrator would drive it, and checked.

What may live here: what the demonstration says, shows and checks. It stands outside the box and talks to it over its
ports like everybody else.
"""

from __future__ import annotations

from appliance.demo.play import run

__all__ = ["run"]
