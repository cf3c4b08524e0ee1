"""Optional backends for sites too large for one machine: builds on Ray, vectors in Milvus."""
