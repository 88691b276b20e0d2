"""Hardware in the loop: rigs, peers and tests against real lines. The box itself never imports it."""
