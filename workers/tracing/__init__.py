"""Traces with OpenTelemetry: one call across all stages; nothing of it is loaded unless it is set."""
