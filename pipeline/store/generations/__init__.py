"""Collections behind aliases: made, changed, embedded anew and moved while they are read and written."""
