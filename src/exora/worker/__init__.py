"""The worker: claims jobs, runs their handlers, keeps the claims alive, settles outcomes."""
