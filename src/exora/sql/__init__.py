"""The database side of Exora: migrations, functions, grants, and what applies them."""
