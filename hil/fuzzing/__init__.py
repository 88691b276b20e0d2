"""Octets that a coverage-guided fuzzer makes up, sent to the ports of a whole box in the same process.

``words`` says what it begins with, ``visit`` brings one input to a box and judges the answer, ``session`` opens boxes
one after the other and tells what was found. The fuzzer itself is in ``bench/fuzz.py``.
"""
