"""The offline part of AlsoLike: reads articles, makes builds, publishes them and rolls back."""
