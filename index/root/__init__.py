"""The folder of builds: the pointer to the live one, the lock, the journal."""
