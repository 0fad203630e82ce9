"""Values that are too large for a message, kept behind a URI."""
