"""The dashboard: server-rendered pages that show the system and act on it; nothing of a patient is on them."""
