"""Online: answer the site, show the editors, and the one command."""
