"""The outside world for tests and demos: rails that answer over HTTP and misbehave when asked to.

A separate program, standard library only. It imports nothing of Recourse and nothing of Recourse imports it: the
domain reaches it through provider adapters, over HTTP, exactly as it would reach the real thing.
"""
