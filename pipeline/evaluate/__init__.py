"""How good recognition and extraction are, measured against references."""
