"""Cards, words and prompts changed by people: what the command line and the workbench page both do."""
