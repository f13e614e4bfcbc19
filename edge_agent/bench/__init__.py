"""Measures a whole agent on this machine: ``saqshy bench edge``."""
