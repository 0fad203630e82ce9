"""What an installation needs for so many calls a day: partitions, workers, GPUs, tokens, money, storage."""
