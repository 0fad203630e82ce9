"""The pages that sellers, supervisors and analysts keep open, and what only these pages ask."""
