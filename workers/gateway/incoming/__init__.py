"""How calls come in over HTTP: their life, recordings, messages, and audio by WebSocket, all of it to Kafka."""
