"""Utilities of all other folders: argument checks, machine description, progress display, deferred signals."""
