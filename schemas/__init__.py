"""Wire contracts of convmine: what travels on Kafka and over HTTP. Imports pydantic and the standard library only."""
