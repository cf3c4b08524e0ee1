"""AlsoLike beside what a site would pick instead: same articles, same machine, one run.

Each peer has one file here and is run as its own users would run it; ``python -m benchmarks.peers``
asks all of them for related articles of every article and measures what comes back.
"""
