"""The past read again: stored calls mined anew beside what is there, compared with it, and switched over to."""
