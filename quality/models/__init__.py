"""Builds the analyzer's word lists and trains its sequence models, reproducibly."""
