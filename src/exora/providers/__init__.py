"""Remote APIs: each module makes requests, classifies errors, reads usage, and does nothing else."""
