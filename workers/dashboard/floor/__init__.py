"""What is on at the moment, for supervisors: every live call in a line, and what of them needs somebody."""
