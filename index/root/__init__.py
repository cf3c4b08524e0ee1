"""The root, which is the folder of all builds: its pointer to the live build, lock and journal."""
