"""What ships with Exora: licenses, known vulnerabilities, the bill of materials; and secrets in its repository."""
