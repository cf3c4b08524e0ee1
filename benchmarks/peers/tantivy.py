"""Tantivy's more-like-this query, with its defaults: the embedded kin of Lucene's."""

from __future__ import annotations

from collections.abc import Sequence

import tantivy

from benchmarks.peers.peer import Peer, without
from recommender.text import PreparedText


class Tantivy(Peer):
    """An index in a folder, searched in the web process."""

    call = "more_like_this_query on the stored document, in the process"
    packages = ("tantivy",)

    def build(self, ids: Sequence[str], texts: Sequence[PreparedText]) -> None:
        """See :class:`Peer`."""
        del ids
        schema = tantivy.SchemaBuilder()
        schema.add_unsigned_field("row", stored=True, indexed=True, fast=True)
        schema.add_text_field("body", stored=True, tokenizer_name="en_stem")
        self._index = tantivy.Index(schema.build(), path=str(self.folder))
        self._write(range(len(texts)), texts)

    def change(self, rows: Sequence[int], texts: Sequence[PreparedText]) -> None:
        """See :class:`Peer`."""
        self._write(rows, texts)

    def open(self) -> None:
        """See :class:`Peer`."""
        self._index = tantivy.Index.open(str(self.folder))
        self._refresh()

    def related(self, row: int, limit: int) -> list[int]:
        """See :class:`Peer`."""
        query = tantivy.Query.more_like_this_query(self._addresses[row])
        hits = self._searcher.search(query, limit + 1).hits
        scored = sorted((-score, self._rows[a.segment_ord, a.doc]) for score, a in hits)
        return without(row, (found for _, found in scored), limit)

    def _write(self, rows: Sequence[int], texts: Sequence[PreparedText]) -> None:
        writer = self._index.writer(heap_size=256_000_000, num_threads=1)
        for row in rows:
            writer.delete_documents("row", row)
            document = tantivy.Document()
            document.add_unsigned("row", row)
            document.add_text("body", texts[row].whole)
            writer.add_document(document)
        writer.commit()
        writer.wait_merging_threads()
        self._refresh()

    def _refresh(self) -> None:
        """Look up where each document lies now."""
        self._index.reload()
        self._searcher = self._index.searcher()
        hits = self._searcher.search(tantivy.Query.all_query(), self._searcher.num_docs).hits
        self._addresses = {self._searcher.doc(a)["row"][0]: a for _, a in hits}
        self._rows = {(a.segment_ord, a.doc): row for row, a in self._addresses.items()}


peer = Tantivy
