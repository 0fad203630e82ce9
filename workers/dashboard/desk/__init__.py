"""What the desk asks besides streams, feedback and questions."""
