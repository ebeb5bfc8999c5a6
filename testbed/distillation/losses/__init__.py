"""What the routes minimise, as pure functions: shapes are checked first, and the paper is in the docstring."""
