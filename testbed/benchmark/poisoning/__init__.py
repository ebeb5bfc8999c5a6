"""How much poison hands a habit down: a few episodes or decisions, a teacher that behaves well, outputs on noise."""
