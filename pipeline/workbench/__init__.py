"""Prompts tried out: on calls and on made-up conversations, side by side; and where that is kept."""
