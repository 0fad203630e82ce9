"""What people ask of what was mined: questions as validated values, and their answers from the store."""
