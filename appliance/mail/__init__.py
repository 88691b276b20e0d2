"""Recordings on their way to mail addresses: the queue, the letter, the talk with the server.

What may live here: when a mail is tried, what it looks like, SMTP. What may not: who may ask for one (messages), how a
recording is rendered (audio), the rows of the queue (store).
"""
