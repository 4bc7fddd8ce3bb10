"""Chat Completions over HTTP: what differs between servers stays in here."""
