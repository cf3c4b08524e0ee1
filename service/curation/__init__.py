"""What editors do and need for it: actions, search, preview, alerts, the golden set."""
