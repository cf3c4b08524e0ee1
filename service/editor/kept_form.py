"""A form that was sent after the session had ended, kept through the sign-in to be sent again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Annotated
from urllib.parse import urlencode

from pydantic import BaseModel, Field, StringConstraints, ValidationError
from starlette.datastructures import FormData

from service.editor.decision_form import DecisionForm
from service.editor.labels import BUTTONS

_LABELS = {
    "reason": "Reason",
    "until": "Until",
    "title": "Title",
    "text": "Text",
    "language": "Language",
    "build": "Build",
}
"""What people type into the forms, by the names of the fields."""


class KeptForm(BaseModel):
    """The address and the fields of a form that could not be accepted.

    It is only ever a hidden field of the sign-in page, never in a URL or on the server. It is sent
    again when the editor, signed in, confirms it.

    Attributes:
        action: The path of the form's address, such as ``/editor/decide``.
        fields: Its fields by name, without the session's CSRF token.
    """

    action: Annotated[str, StringConstraints(pattern="^/editor/[a-z/-]+$")]
    fields: dict[str, str] = Field(max_length=30)

    @classmethod
    def of(cls, path: str, form: FormData) -> KeptForm:
        """Returns what a request sent, to be kept."""
        texts = {name: value for name, value in form.items() if isinstance(value, str)}
        return cls(action=path, fields={name: texts[name] for name in texts if name != "csrf"})

    @classmethod
    def parse(cls, text: str) -> KeptForm | None:
        """Returns the form that a hidden field keeps; ``None`` if it keeps none."""
        try:
            return cls.model_validate_json(text)
        except ValidationError:
            return None

    @property
    def page(self) -> str:
        """The address of the page that the form was on."""
        article_id = self.fields.get("article_id") or self.fields.get("back")
        if article_id:
            return f"/editor/article?{urlencode({'id': article_id})}"
        at = self.action.split("/")[2]
        return "/editor/history" if at == "undo" else f"/editor/{at}"

    def describe(self, title: Callable[[str], str]) -> list[tuple[str, str]]:
        """Returns what the editor wanted, as pairs of a label and a text.

        Args:
            title: Returns the title of an article by its id.
        """
        wanted = self._wanted(title)
        typed = {name: self.fields.get(name, "").strip() for name in _LABELS}
        return [("Change", wanted)] * bool(wanted) + [
            (_LABELS[name], text) for name, text in typed.items() if text
        ]

    def _wanted(self, title: Callable[[str], str]) -> str:
        button, _, target_id = self.fields.get("act", "").partition(" ")
        if button:
            return BUTTONS.get(button.partition("-")[0], button).format(title(target_id))
        if self.action != "/editor/decide":
            return ""
        return _decision(self.fields).describe(title(self.fields.get("target_id", "")))


def _decision(sent: Mapping[str, str]) -> DecisionForm:
    known = {field.name for field in fields(DecisionForm)} - {"do"}
    given = {name: value for name, value in sent.items() if name in known}
    return DecisionForm(do=sent.get("do", ""), **given)
