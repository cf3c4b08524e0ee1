"""Publishing of builds: gates, comparison with the live build, build history, retention."""
