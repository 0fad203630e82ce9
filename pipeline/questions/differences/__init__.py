"""In what sets of calls and stretches of time differ, and how sure that is."""
