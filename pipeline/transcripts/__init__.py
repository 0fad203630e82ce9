"""The words of a call in the formats that other programs read."""
