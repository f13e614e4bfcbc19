"""Trials of the box: a scene, what happens in it, what should be told of it, and how well that is done."""
