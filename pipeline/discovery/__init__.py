"""What the taxonomy does not cover: utterances in clusters, named, and proposed to a person as intents."""
