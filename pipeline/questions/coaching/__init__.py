"""An agent beside the best: where they fall behind, what to listen to, which cards to propose."""
