"""Drivers of audio sources.

A driver never imports :mod:`appliance`; what both sides know is :mod:`drivers.contract`.
"""
