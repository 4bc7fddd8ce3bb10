"""Those who watch runs: each turns events into something for eyes."""
