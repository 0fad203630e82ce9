"""Processes: the runtime, its two transports, the command line and the servers. The only room that knows Kafka."""
