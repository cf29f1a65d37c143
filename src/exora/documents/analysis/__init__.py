"""Finds clinical items in pages of text, on this machine, with no model to download."""
