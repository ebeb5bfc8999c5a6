"""Any single Gymnasium environment as a scene: one world, a batch of them, and the form that renders."""
