"""What each stage does: plain functions over ``schemas`` and ports. Knows nothing of Kafka or HTTP servers."""
