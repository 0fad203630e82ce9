"""The HTTP interface: keys at its door, questions behind it."""
