"""Two versions of a prompt on the same calls, and which is better at what."""
