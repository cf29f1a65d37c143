"""Supabase over HTTPS: its keys, its address, and the connections that the transport and the storage share."""
