"""How the system behaves as it grows: millions of jobs in one database, and a day of traffic in minutes."""
