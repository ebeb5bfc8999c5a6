"""`testbed/OrderPicking-v0`: a robot fills an order from a supply that a coworker needs as well."""
