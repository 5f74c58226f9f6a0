"""Settings, permissions, logging and process bootstrap."""
