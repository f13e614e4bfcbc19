"""The wire contract: all that a box and the hub have in common. No input or output happens here."""
