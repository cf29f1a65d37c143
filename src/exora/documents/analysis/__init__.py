"""Finds clinical items in pages of text, on this machine, with no model to download."""

#: Name and version of the local analyzer, as ``record.engines.analyzer`` and in the address of stored analyses:
#: raise the version when the same pages may be analyzed differently, or old analyses are reused.
ANALYZER = "local/1"
