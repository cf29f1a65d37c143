"""Finds out what is wrong: one check per function, each with its remedy."""
