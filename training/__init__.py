"""The demo model: drawn, trained, exported and measured. Its own environment; see README.md."""
