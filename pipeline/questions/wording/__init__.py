"""From plain words to a question, by a language model, and the calls that are quoted with its answer."""
