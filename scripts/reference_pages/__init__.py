"""The pages of docs/reference, a file a page, each from the code that decides it."""
