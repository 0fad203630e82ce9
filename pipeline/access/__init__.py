"""Who may do what: principals, their scopes, and the API keys that prove them."""
