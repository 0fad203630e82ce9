"""Where the steps and arrows of a flow graph stand, for the page that explores it."""
