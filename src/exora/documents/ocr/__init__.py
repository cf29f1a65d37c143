"""Optical character recognition behind one seam."""
