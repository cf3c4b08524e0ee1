"""The bases of the API's models: what stands below a field is its description in the document."""

from pydantic import BaseModel, ConfigDict


class ApiModel(BaseModel):
    """A JSON object of the API."""

    model_config = ConfigDict(use_attribute_docstrings=True)


class RequestModel(ApiModel):
    """A JSON object in a request, which must not have unknown fields."""

    model_config = ConfigDict(extra="forbid")
