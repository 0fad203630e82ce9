"""What goes out while calls are on: streams of suggestions and words, who may see which, and what agents answer."""
