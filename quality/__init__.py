"""Measures how well documents are read and analyzed, on any data laid out like the project's."""
