"""Stores and searches a build's vectors in Milvus instead of a file."""
