"""Stand-ins for the providers: servers on loopback that speak their protocols, keep their limits and fail on script."""
