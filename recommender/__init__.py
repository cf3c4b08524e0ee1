"""What is related to what, and why. Pure: no web, no command line, no files but a model's."""
