"""Building on a Ray cluster and vectors in Milvus, for sites beyond one machine."""
