"""txtai with ``hybrid=True``: its dense and its BM25 scores, weighed half and half."""

from __future__ import annotations

from benchmarks.peers.txtai import Txtai


class TxtaiHybrid(Txtai):
    """See :class:`benchmarks.peers.txtai.Txtai`."""

    hybrid = True


peer = TxtaiHybrid
