"""What every scene of ours keeps, and somebody else's is held to: contracts, each of which names what is missing."""
