"""The workbench: cards, words and prompts edited, tried on stored calls, approved and published by people."""
