"""What was mined, stored so that it can be found: by meaning, by word and by filter."""
