"""Compiling all kernels ahead of time, for this processor or another.

`kernels` finds out what there is to compile, `workers` compiles it in several processes, and `targets` says what these
have to know of a processor.
"""
