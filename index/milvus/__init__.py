"""Vectors in Milvus instead of a file."""
