"""Embedders by name: what turns texts into vectors."""
