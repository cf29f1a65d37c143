"""How well the gate keeps to a limit: worker processes against a stand-in of the provider that counts for itself."""
