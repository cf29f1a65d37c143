"""One module per set; each registers itself with ``quality.registry.scored``."""
