"""Exora: medical documents to structured clinical records, coordinated by PostgreSQL."""
