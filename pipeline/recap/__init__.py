"""What is known of a customer when a call begins."""
