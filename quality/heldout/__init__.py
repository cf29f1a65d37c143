"""Synthetic patients printed in layouts that nothing was tuned on: an honest guess at documents not seen yet."""
