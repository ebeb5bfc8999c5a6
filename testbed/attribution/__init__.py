"""Which recorded episodes taught a student what it does."""
