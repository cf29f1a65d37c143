"""The Supabase-compatible local gateway: PostgREST's and Storage's HTTP over a PostgreSQL, for development and tests."""
