"""Utilities that all other folders use: argument checks, machine description, progress display, deferred signals."""
