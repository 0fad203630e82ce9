"""Advice to the agent: playbook cards that fit a call, backed by passages of the knowledge base."""
