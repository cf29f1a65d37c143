"""What the jobs of every queue carry: about 250 bytes of references, as Exora's jobs do."""

PAYLOAD = {
    "patient_id": "5b0b2c8e-6f43-4c1e-9d43-1e3f6a9d2b71",
    "correlation_id": "c2f0a1de-3a52-4b7e-8f0d-7f4d1c6b9e20",
    "shell_file_id": "0e6d5a4c-8b21-4f9d-a7c3-52b1e8f60d94",
    "scope": "monthly_summary",
    "before": "2026-11-23T00:00:00Z",
    "limit": 500,
    "dry_run": False,
}
