"""What may be published, and what is published then."""
