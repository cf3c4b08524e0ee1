"""A form that was sent after the session had ended, kept through the sign-in to be sent again."""

import re
from collections.abc import Callable
from dataclasses import fields
from typing import Annotated
from urllib.parse import urlencode

from pydantic import BaseModel, Field, StringConstraints, ValidationError
from starlette.datastructures import FormData

from service.decisions.list_scope import EVERY, name_lists, name_scope, tag_scope
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

_WANTED = {
    "/editor/undo": "undo what was decided",
    "/editor/builds/publish": "publish the build",
    "/editor/builds/rollback": "roll back to the previous build",
    "/editor/builds/rollback full": "roll back to the last full build",
    "/editor/builds/release": "resume publishing",
    "/editor/builds/comparison stop": "end the comparison and keep the live lists",
    "/editor/builds/comparison publish": "end the comparison and publish the lists of the variant",
}
"""What forms do that say it in no field, by their address and what was chosen in them."""


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
        at, back = self.action.split("/")[2], self.fields.get("back")
        if at == "bulk" or self.fields.get("view") == "find":  # back is a query string
            return f"/editor?{back}" if back else "/editor"
        article_id = self.fields.get("article_id") or back
        if article_id:
            return f"/editor/article?{urlencode({'id': article_id})}"
        return "/editor/history" if at == "undo" else f"/editor/{at}"

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
            label = BULK.get(self.fields.get("act", ""), "{}").format(count)
            return re.sub(r"\b1 (article|row)s", r"1 \1", label)
        button, _, target_id = self.fields.get("act", "").partition(" ")
        if button:
            labels = {**BUTTONS, "words": "suggest other words for the link to “{}”"}
            return labels.get(button.partition("-")[0], button).format(title(target_id))
        if self.action == "/editor/rules":
            return self._describe_rule(title)
        if self.action != "/editor/decide":
            choice = self.fields.get("decision", "full" * ("full" in self.fields))
            return _WANTED.get(f"{self.action} {choice}".strip(), "")
        sent = {"do": "", **self.fields}
        known = {
            field.name: sent[field.name] for field in fields(DecisionForm) if field.name in sent
        }
        return DecisionForm(**known).describe(title(sent.get("target_id", "")))

    def _describe_rule(self, title: Callable[[str], str]) -> str:
        tag, target_tag, target_id, do = (
            self.fields.get(name, "").strip() for name in ("tag", "target_tag", "target_id", "do")
        )
        verb = {"remove": "remove the rule about", "pin": "pin"}.get(do, "hide")
        what = name_scope(tag_scope(target_tag)) if target_tag else f"“{title(target_id)}”"
        place = f" at position {self.fields.get('position', '')}" * (do == "pin")
        return f"{verb} {what} in {name_lists(tag_scope(tag) if tag else EVERY)}{place}"
