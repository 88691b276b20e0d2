"""Makes the machine's disks: Debian with a stock kernel, and the Python libraries of the lock.

Every file of this package and of ``overlay`` counts as an input of the image: a change here builds it anew. What
starts or drives the machine stands outside for that reason.
"""
