"""From one recorded misbehaviour back to the stage that it came from."""
