"""From a transcript to an insight: intents, entities, topics, tone, compliance, outcome; each with its evidence."""
