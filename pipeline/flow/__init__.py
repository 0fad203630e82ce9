"""The way a conversation takes, step by step, and the graph that the ways of many conversations add up to."""
