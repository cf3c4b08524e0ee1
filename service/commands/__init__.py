"""The commands of ``alsolike``, a file for each group."""
