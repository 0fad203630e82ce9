"""What people do with prompts: labels, back-tests, test inputs, and what may be promoted."""
