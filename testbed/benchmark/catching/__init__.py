"""Which checks catch which attack: habits are slipped into a supply chain, and everything that looks for them looks."""
