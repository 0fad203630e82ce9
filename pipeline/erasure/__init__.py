"""Calls that are forgotten: who is, what of them is kept where, and a receipt of what was removed."""
