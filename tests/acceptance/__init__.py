"""Whole products, judged from outside."""
