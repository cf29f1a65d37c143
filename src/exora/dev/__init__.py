"""What makes a laptop enough: the embedded PostgreSQL and the demo."""
