"""Utilities for all folders of fastnet: argument checks, machine description, progress display, deferred signals."""
