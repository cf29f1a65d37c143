"""The Supabase-compatible local gateway: PostgREST's and Storage's HTTP over one database, for development."""
