"""Personal numbers and addresses are taken out of text before it leaves the process that made or took it."""
