"""What a desk talks about: taxonomy, playbook, word lists, knowledge and prompts of a scenario, checked when loaded."""
