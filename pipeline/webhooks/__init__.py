"""Suggestions and insights, signed, to systems downstream."""
