"""What Exora tells about itself, without telling anything of a patient."""
