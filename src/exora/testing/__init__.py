"""What users need to test their own handlers: a pytest plugin, a sandbox, simulated time, and faults."""
