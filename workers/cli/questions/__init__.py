"""The commands that ask questions, and how their answers are printed and drawn."""
