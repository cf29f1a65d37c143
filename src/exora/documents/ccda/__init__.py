"""C-CDA: clinical documents in XML, with coded entries beside their narrative."""
