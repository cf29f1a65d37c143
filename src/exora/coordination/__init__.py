"""Talks to the functions in PostgreSQL: one contract, any transport."""
