"""A build's vectors in Milvus instead of a file."""
