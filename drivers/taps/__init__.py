"""One module or package for each kind of tap; ``kind = "<name>"`` in the settings loads ``drivers.taps.<name>``.

Such a module has a public class ``Tap`` (a subclass of :class:`drivers.contract.Tap`). Nothing lists the kinds:
:func:`drivers.registry.load` finds them by name.
"""
