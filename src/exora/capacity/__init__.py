"""The only way to a provider: reserve, call, settle."""
