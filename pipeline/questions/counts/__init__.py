"""Counting calls: by field, by period, as shares, win rates and handle times; from facets alone."""
