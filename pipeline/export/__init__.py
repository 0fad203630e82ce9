"""What is stored, as flat tables: files for other programs, and SQL over them."""
