"""What stands before every network port: who may come in, how much they may ask, TLS, tokens, and what was refused.

Nothing here knows what is said on a port. The one home of certificates, and of the library that makes them.
"""
