"""From a recording to a transcript: fetch, decode, find speech, recognise."""
