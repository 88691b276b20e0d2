"""The rig suite: what every line of a bench is measured by. Run by ``linetap hil run --rig FILE``, or by pytest.

``pytest hil/suite --rig FILE``, with the folder that this package lies in, gives the same. A test is one measurement of
one line; it says which features of the rig it needs (``@pytest.mark.rig("several-lines")``) and which measurement it
makes (``@pytest.mark.measures("crosstalk")``), and is skipped by the name of what the rig lacks.

Lines are recorded by the product's own tap, in this process: what is measured is what a recording would hold.
"""
