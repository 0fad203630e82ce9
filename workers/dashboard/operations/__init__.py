"""What people who run it look at: what waits, what it costs, how well it advises, and what could not be done."""
