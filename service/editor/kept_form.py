"""A form that was sent after the session had ended, kept through the sign-in to be sent again."""

from collections.abc import Callable
from dataclasses import fields
from typing import Annotated
from urllib.parse import urlencode

from pydantic import BaseModel, Field, StringConstraints, ValidationError
from starlette.datastructures import FormData

from service.editor.decision_form import DecisionForm
from service.editor.labels import BULK, BUTTONS

_LABELS = {
    "target_id": "Article",
    "target_tag": "Articles tagged",
    "tag": "In the lists of",
    "reason": "Reason",
    "until": "Until",
    "title": "Title",
    "text": "Text",
    "language": "Language",
    "build": "Build",
}
"""What people type into the forms, by the names of the fields."""

_NAMED = ("target_id", "target_tag", "tag")
"""Those that the description of a change names already."""


class KeptForm(BaseModel):
    """A form that was refused since the session had ended: its address and its fields.

    It is kept as JSON in a hidden field of the sign-in page, never in a URL or on the server. It is
    sent again when the editor has signed in and confirms it.

    Attributes:
        action: The path of the form's address, such as ``/editor/decide``.
        pairs: Names and values of the form's fields, without the session's CSRF token.
    """

    action: Annotated[str, StringConstraints(pattern="^/editor/[a-z/-]+$")]
    pairs: list[tuple[str, str]] = Field(max_length=150)

    @classmethod
    def of(cls, path: str, form: FormData) -> "KeptForm":
        """Returns a form that a request sent, without its CSRF token and without files.

        Args:
            path: The path of the request.
            form: The fields of the form.
        """
        pairs = [
            (name, value)
            for name, value in form.multi_items()
            if isinstance(value, str) and name != "csrf"
        ]
        return cls(action=path, pairs=pairs)

    @classmethod
    def parse(cls, text: str) -> "KeptForm | None":
        """Reads a kept form from the JSON in a hidden field; ``None`` if it is no such JSON."""
        try:
            return cls.model_validate_json(text)
        except ValidationError:
            return None

    @property
    def fields(self) -> dict[str, str]:
        """The form's values by the names of their fields; of equal names, the last value."""
        return dict(self.pairs)

    @property
    def page(self) -> str:
        """The path and query of the editors' page that the form was on."""
        article_id = self.fields.get("article_id") or self.fields.get("back")
        if article_id:
            return f"/editor/article?{urlencode({'id': article_id})}"
        at = self.action.split("/")[2]
        return {"undo": "/editor/history", "bulk": "/editor"}.get(at, f"/editor/{at}")

    def describe(self, title: Callable[[str], str]) -> list[tuple[str, str]]:
        """Returns what the editor entered, as pairs such as ``("Reason", "out of date")``.

        Args:
            title: A function that returns the title of an article by its id.
        """
        wanted = self._wanted(title)
        labels = {name: _LABELS[name] for name in _LABELS if not wanted or name not in _NAMED}
        typed = {name: self.fields.get(name, "").strip() for name in labels}
        return [("Change", wanted)] * bool(wanted) + [
            (_LABELS[name], text) for name, text in typed.items() if text
        ]

    def _wanted(self, title: Callable[[str], str]) -> str:
        if self.action == "/editor/bulk":
            count = sum(name == "row" for name, _ in self.pairs)
            return BULK.get(self.fields.get("act", ""), "{}").format(count)
        button, _, target_id = self.fields.get("act", "").partition(" ")
        if button:
            return BUTTONS.get(button.partition("-")[0], button).format(title(target_id))
        if self.action != "/editor/decide":
            return ""
        sent = {"do": "", **self.fields}
        known = {
            field.name: sent[field.name] for field in fields(DecisionForm) if field.name in sent
        }
        return DecisionForm(**known).describe(title(sent.get("target_id", "")))
