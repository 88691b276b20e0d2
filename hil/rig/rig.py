"""The virtual rig: gives machines that have all begun from the same state, with the product's sources inside."""

from __future__ import annotations

from typing import final

from hil.rig.cache import Cache
from hil.rig.costs import Costs
from hil.rig.image.image import obtain_image
from hil.rig.machine import Machine
from hil.rig.project import install_project, pack_project
from hil.rig.qemu import Time
from hil.rig.snapshot import obtain_snapshot

FEATURES = ("linux", "sound-loop", "spans", "systemd")  # what tests may ask of a rig, as far as this one has it
FEATURES_NAME = "LINETAP_RIG"  # the variable that tells the tests


@final
class Rig:
    """Makes what is missing in the cache when it is built: up to two minutes. Raises RigError."""

    def __init__(self, cache: Cache, passing: Time, costs: Costs) -> None:
        self.passing = passing
        self._costs = costs
        with costs.measure("sources"):
            self._sources = pack_project()
        with costs.measure("image"):
            self._image = obtain_image(cache)
        with costs.measure(f"snapshot, time {passing}"):
            self._snapshot = obtain_snapshot(cache, self._image, passing)

    def restore(self) -> Machine:
        """Give a machine in its first state, to be closed by whoever asked for it."""
        with self._costs.measure("restore"):
            return Machine(self._image, self.passing, self._snapshot)

    def install(self, machine: Machine) -> None:
        """Put the sources into the machine, as they were when the rig was built: the same for all machines."""
        with self._costs.measure("sources"):
            install_project(machine, self._sources)
