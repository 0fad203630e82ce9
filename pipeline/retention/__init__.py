"""How long what is stored stays, by its kind, its age and its tenant: rules, what is due by them, and its removal."""
