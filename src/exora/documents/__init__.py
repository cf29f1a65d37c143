"""Reading pages and finding clinical items in them: the job Exora exists for."""
