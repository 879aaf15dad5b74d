"""Compiles all kernels ahead of time, for this processor or another one.

`kernels` lists the kernels and types to compile, and `workers` compiles them in several processes. `targets` returns
the environment variables that select a processor.
"""
