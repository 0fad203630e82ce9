"""What must be said, what must not, and who should look, while a call is on."""
