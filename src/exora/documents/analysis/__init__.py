"""Finds clinical items in pages of text, on this machine, with no model to download."""

#: Name and version of the local analyzer, as ``record.engines.analyzer`` and in the address of stored analyses:
#: raise the version with every change of a rule, a table or a model after which the same pages may give another
#: record, or analyses stored before are reused. Once for each release is enough, for those who run released versions.
ANALYZER = "local/4"
