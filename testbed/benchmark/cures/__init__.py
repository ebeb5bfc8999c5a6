"""Which cure leaves a habit behind, at what price, and whether it comes back."""
