"""The knowledge base: documents read, cut into passages, kept in versions, found for a question, and checked."""
