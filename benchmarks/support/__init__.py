"""What benchmarks start beside AlsoLike, and tests too. Benchmarks never import tests."""
