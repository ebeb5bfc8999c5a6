"""How a behaviour is handed down: losses, and the training that turns demonstrations into policies."""
