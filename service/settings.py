"""The settings, read from ``alsolike.toml``, environment variables and the command line.

Environment variables override the file, and options of the command line override both.
"""

from __future__ import annotations

import ipaddress
import json
import os
import re
import shlex
import tomllib
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_serializer,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

from index.articles.foreign_dates import check_date_format
from index.articles.url_template import DEFAULT_TEMPLATE, check_template
from index.errors import SourceError
from index.publishing.gates import Limits
from index.query import DEFAULT_LIMIT, Fallback, Limit, MinScore, RelatedQuery, SkipLinked
from index.root.comparison import VARIANT_NAME, read_comparison
from index.scale_out.milvus.milvus_settings import TOKEN_VARIABLE, MilvusSettings
from index.sources.host_rules import origin_of, redacted
from index.sources.secret_options import refuse_secrets
from recommender.errors import SettingError, did_you_mean
from recommender.parameters import DEFAULT_DEPTH
from recommender.preferences import Boost, Preferences
from recommender.sentence_encoder import DEFAULT_MODEL
from service.invalid_values import describe_invalid
from service.roles import Role

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

    from index.articles.parse import FieldMapping

CONFIG_FILE = "alsolike.toml"
CONFIG_VARIABLE = "ALSOLIKE_CONFIG"
_ALL_NAMES = "docs/reference.md lists all settings"


_HEADER_NAME = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # RFC 9110
_A_HEADER = "the name of a header, like X-User"
_A_TIME = "hours and minutes, like 03:00, or off"
_AN_ADDRESS = "an address with http:// or https:// and no path, like https://www.example.org"
_AN_ALIAS = "letters, digits and '_', like alsolike_news"

_OF_ASTRO = "ALSOLIKE_SERVICE"
"""The variable with the service's address that the part for Astro reads."""

_FROM_KUBERNETES = re.compile(
    r"ALSOLIKE_(\w+_)?(SERVICE_(HOST|PORT(_\w+)?)|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)"
)
"""Variables that Kubernetes sets in each pod for a Service whose name starts with ``alsolike``."""


Share = Annotated[float, Field(ge=0, le=1)]
Weight = Annotated[float, Field(ge=0, le=100)]


_WEB = ("http://", "https://")
_OF_SOURCES_TOO = {"map", "url_template", "date_format"}


def _check_tables(tables: list[dict[str, Any]]) -> list[dict[str, Any]]:
    for table in tables:
        refuse_secrets(table)
        # Who only serves never opens the sources, and would do without the setting in silence.
        for name in table.keys() & (Settings.model_fields.keys() - _OF_SOURCES_TOO):
            raise ValueError(
                f"a table has no option {name!r}; settings of the whole site stand above the "
                "first [[source]]"
            )
    return tables


def _expand_home(path: Path) -> Path:
    try:
        return path.expanduser()
    except RuntimeError as error:
        raise ValueError(str(error)) from None


def _expand_home_in(text: str) -> str:
    prefix = "sqlite:///" if text.startswith("sqlite:///") else ""
    path = text.removeprefix(prefix)
    return f"{prefix}{_expand_home(Path(path))}" if path.startswith("~") else text


def _check_networks(networks: list[str]) -> list[str]:
    for network in networks:
        try:
            parsed = ip_network(network)
        except ValueError as error:
            raise ValueError(
                f"{network!r} is not an IP address or network ({error}); write it like 10.0.0.0/8"
            ) from None
        if getattr(parsed.network_address, "ipv4_mapped", None) is not None:
            raise ValueError(
                f"{network!r} is an IPv4 network in IPv6 form; write it as IPv4, like 10.0.0.0/8"
            )
    return networks


def _check_milvus_uri(uri: str) -> str:
    if "://" in uri:
        if urlsplit(uri).scheme not in ("http", "https") or "@" in uri:
            raise ValueError(
                "write the address of the Milvus server like http://host:19530; credentials go "
                f"into the environment variable {TOKEN_VARIABLE}"
            )
    elif not uri.endswith(".db"):
        raise ValueError("a Milvus Lite file must have a name that ends in .db")
    return uri


def _check_timezone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"{name!r} is not a time zone; write it like Europe/Berlin") from None
    return name


def _check_url_template(template: str) -> str:
    try:
        return check_template(template, "url_template")
    except SettingError as error:
        raise ValueError(str(error)) from None


def _check_locale(tag: str) -> str:
    if tag == "en":  # the default needs no Babel, which takes long to import
        return tag
    from babel import Locale, UnknownLocaleError

    try:
        Locale.parse(tag.replace("-", "_"))
    except (UnknownLocaleError, ValueError):
        raise ValueError(f"{tag!r} is not a locale; write it like en or pt-BR") from None
    return tag


def _read_origins(texts: list[str]) -> list[str]:
    return [text if text in ("*", "null") else _origin(text) for text in texts]


def _check_notify(target: str) -> str:
    command = shlex.split(target)  # raises ValueError, such as "No closing quotation"
    if target and not command:
        raise ValueError("write a command or an address; an empty text tells nobody")
    if target.startswith(_WEB) or (len(command) == 1 and "://" in target):
        try:
            usable = target.startswith(_WEB) and bool(origin_of(target)) and len(command) == 1
        except SourceError:
            usable = False
        if not usable:
            raise ValueError(
                "this is no address that can be told: write it like https://hooks.example/path, "
                "without a user, a password or spaces"
            )
    return target


def _origin(text: str) -> str:
    """Normalizes an origin to the form in which browsers send it.

    Raises:
        ValueError: If the text is not a valid origin.
    """
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    rest = "" if host is None else f"{parts.path.rstrip('/')}{parts.query}{parts.fragment}"
    if host is None or not parts.scheme or rest or "@" in parts.netloc or re.search(r"[\s,]", text):
        raise ValueError(f"{text!r} is not an origin; write it like https://www.example.org")
    if "*" in host:
        raise ValueError(f"{text!r} has a '*' in its host; list each origin, or allow all with '*'")
    if not host.isascii():
        raise ValueError(
            f"{text!r} has a host that is not ASCII; write its ASCII form, which has xn-- in it"
        )
    if ":" in host or host.rpartition(".")[2].isdigit():  # browsers send an address in one form
        try:
            host = str(ipaddress.ip_address(host))
        except ValueError:
            raise ValueError(f"{text!r} is not an origin: {host} is no IP address") from None
    shown = f"[{host}]" if ":" in host else host
    if port not in (None, {"http": 80, "https": 443}.get(parts.scheme)):
        shown += f":{port}"
    return f"{parts.scheme}://{shown}"


_OWN_PATHS = {
    *("v1", "editor", "docs", "openapi.json", "widget.js", "widget.css", "clicks.js"),
    *("metrics", "livez", "readyz"),
}


def _check_prefix(prefix: str) -> str:
    prefix = prefix.rstrip("/")
    if not re.fullmatch(r"(/[\w~-][\w.~-]*)*", prefix, re.ASCII):
        raise ValueError(
            f"{prefix!r} is not a path of letters, digits, '-', '_', '.' and '~' after a slash; "
            "write it like /also"
        )
    if prefix and prefix.split("/")[1] in _OWN_PATHS:
        raise ValueError(
            f"{prefix!r} begins like a path of the service itself, such as /v1; choose another"
        )
    return prefix


def _check_kinds(weights: dict[str, float]) -> dict[str, float]:
    if weights:
        from recommender.evidence import KINDS  # which takes a moment to import

        known = [kind.name for kind in KINDS]
        for name in weights:
            if name not in known:
                raise ValueError(
                    f"{name!r} is not a kind of evidence that can have a weight; the kinds are "
                    f"{', '.join(known)}"
                )
    return weights


def _like(pattern: str, expected: str) -> AfterValidator:
    """Returns the check that a text matches a pattern; if not, the error says what to write."""

    def check(text: str) -> str:
        if not re.fullmatch(pattern, text, re.DOTALL):
            raise ValueError(f"write {expected}")
        return text

    return AfterValidator(check)


def _check_variant(name: str) -> str:
    if not re.fullmatch(VARIANT_NAME, name) or name in ("live", "export"):
        raise ValueError(
            f"{name!r} can't be the name of a variant; use up to 40 of the characters a-z, 0-9 and "
            "-, but not live or export, which have a meaning of their own"
        )
    return name


def _check_database(url: str) -> str:
    scheme, separator, rest = url.partition("://")
    backend = scheme.partition("+")[0]
    complete = bool(separator) and (backend != "sqlite" or rest.strip("/") != "")
    if url and not (complete and backend in ("sqlite", "postgresql", "postgres")):
        raise ValueError(
            "write the URL of an SQLite file, like sqlite:////srv/site/alsolike.sqlite, or of a "
            "PostgreSQL database, like postgresql://user@host/name; others can't be used"
        )
    return url


Home = AfterValidator(_expand_home_in)
DatabaseUrl = Annotated[str, Home, AfterValidator(_check_database)]
VariantName = Annotated[str, AfterValidator(_check_variant)]


class RankingSettings(BaseModel):
    """The settings that decide which articles are related; the table of a variant holds some."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: Annotated[str, Home] = DEFAULT_MODEL
    """the embedding model: a name, a folder, multilingual, or hashing:DIM"""

    precision: Literal["auto", "bfloat16", "float32"] = "auto"
    """number format in which the model computes"""

    depth: Annotated[int, Field(ge=1, le=500)] = DEFAULT_DEPTH
    """how many related articles a build stores for each article"""

    half_life: Annotated[float, Field(gt=0)] | None = None
    """articles older than the newest by this many days count half; unset: no effect"""

    boost: list[Boost] = Field(default_factory=list)
    """articles to favor: field, factor, and one of equals, at_least or below"""

    learn: str = "auto"
    """learn how much each kind of evidence counts: auto (from the site's own links, editors'
    judgments and counted clicks), off, or a file of judgments to learn from as well"""

    weights: Annotated[dict[str, Weight], AfterValidator(_check_kinds)] = {}
    """weights of kinds of evidence by name, instead of learned ones: they take effect with
    --relearn, or in a variant"""

    adopt_orphans: bool = True
    """add each article that no list shows to a list where it fits well"""


def masked_notify(target: str) -> str:
    """Returns only the host or program of ``notify``: the rest may be the secret of a webhook."""
    if target.startswith(_WEB):
        return f"{target.partition(':')[0]}://{urlsplit(target).hostname}/***"
    return f"{shlex.split(target)[0]} ***" if target else ""


class Settings(RankingSettings, BaseSettings):
    """All settings; each can also be set as ``ALSOLIKE_<NAME>`` in the environment."""

    model_config = SettingsConfigDict(
        env_prefix="ALSOLIKE_",
        extra="forbid",
        frozen=True,
        validate_default=True,
    )

    root: Annotated[Path, AfterValidator(_expand_home)] = Path("alsolike-root")
    """folder that holds the builds"""

    map: dict[str, str | list[str]] = Field(default_factory=dict)
    """fields that the source names differently: AlsoLike's name = the source's"""

    source: Annotated[list[dict[str, Any]], AfterValidator(_check_tables)] = []
    """the sources that articles are read from, one table each"""

    url_template: Annotated[str, AfterValidator(_check_url_template)] = DEFAULT_TEMPLATE
    """URL of articles without one: {id}, {path}, {slug}, {year} or any field's name"""

    timezone: Annotated[str, AfterValidator(_check_timezone)] = "UTC"
    """time zone of dates that do not name one"""

    date_format: Annotated[str, AfterValidator(check_date_format)] = ""
    """how sources write unclear dates, such as %d/%m/%Y; unset: none is taken"""

    guess_language: bool = True
    """guess the language of articles from their text, if nothing else says it"""

    locale: Annotated[str, AfterValidator(_check_locale)] = "en"
    """language of dates and labels for articles whose language is unknown"""

    heading: Annotated[str, _like(r".*\S.*", "some words")] | None = None
    """heading of the HTML fragment; unset: “You May Also Like”, translated"""

    site_url: Annotated[str, _like(r"https?://[^\s/?#]+", _AN_ADDRESS)] | None = None
    """the site's address, like https://www.example.org, for editors' previews"""

    limit: Limit = Field(
        default=DEFAULT_LIMIT, description="articles per list, unless the request says how many"
    )

    min_score: MinScore = Field(
        default=0.05, description="related articles below this score are left out"
    )

    fallback: Fallback = Fallback.TAG
    """how a list that is too short is filled: tag, newest or none"""

    skip_linked: SkipLinked = SkipLinked.LAST
    """where articles stand that the article's own text links to: after all other related ones
    (last), nowhere (drop), or as if there were no links (off)"""

    site_pins: bool = True
    """show first what a page itself names as related, by hand"""

    index: Literal["local", "milvus"] = "local"
    """where vectors are searched: in a file of the build, or in Milvus"""

    milvus_uri: Annotated[str, Home, AfterValidator(_check_milvus_uri)] | None = None
    """Milvus server (http://host:19530) or file (*.db); unset: a file in the root"""

    milvus_alias: Annotated[str, _like("[A-Za-z_][A-Za-z0-9_]{0,200}", _AN_ALIAS)] = "alsolike"
    """alias of the live build's collection in Milvus"""

    engine: Literal["local", "ray"] = "local"
    """where a build's heavy stages run: in this process, or on Ray"""

    ray_address: str | None = None
    """host:port of the Ray cluster's head; unset: Ray on this machine"""

    variant: dict[VariantName, RankingSettings] = {}
    """other settings to compare the site's own with: [variant.NAME] holds some of model,
    precision, depth, half_life, boost, learn, weights and adopt_orphans"""

    trust_related_blocks: bool = False
    """take a block of related links that stands on most pages for the editors' own"""

    keep: Annotated[int, Field(ge=1)] = 5
    """latest full builds to keep; the live one and those a rollback goes to always stay"""

    keep_small: Annotated[int, Field(ge=1)] = 5
    """number of small builds to keep, besides the live one and those a rollback goes to"""

    keep_small_hours: Annotated[float, Field(gt=0)] = 24
    """hours after which a small build is removed all the same"""

    notify: Annotated[str, AfterValidator(_check_notify)] = ""
    """who is told of refused and failed builds and ended pins: a command, or an http(s) address"""

    full_build_at: Annotated[str, _like(r"([01]\d|2[0-3]):[0-5]\d|off", _A_TIME)] = "03:00"
    """when alsolike watch relates everything anew, each day in the timezone; off: never"""

    max_drift: Share = 0.3
    """share of lists changed since the last full build above which watch makes another"""

    follow_seconds: Annotated[float, Field(gt=0, le=86_400)] = 60
    """how often alsolike watch asks feeds, sites and databases for changes"""

    max_loss: Share = 0.1
    """gate for publishing: largest share of articles that a build may lose"""

    max_churn: Share = 0.5
    """gate for publishing: largest share of lists that may change"""

    max_weak: Share = 0.2
    """gate for publishing: largest share of articles whose best related article is below
    min_score"""

    max_hub: Share = 0.1
    """gate for publishing: largest share of lists that show the same article"""

    min_recall: Share = 0.98
    """gate for publishing: least share of true neighbors that the index finds"""

    min_golden: Share = 0.0
    """gate for publishing: least share of editors' judgments and pins that the lists follow; 0:
    off"""

    max_golden_drop: Share | None = None
    """gate for publishing: how far below the live build's that share may be; unset: no limit"""

    decide_first: bool = False
    """gate for publishing: while a variant is compared, no build with another model, depth or
    weights of evidence"""

    host: Annotated[str, Field(min_length=1)] = "127.0.0.1"
    """address to listen on"""

    port: Annotated[int, Field(ge=0, le=65535)] = 8000
    """port to listen on"""

    path_prefix: Annotated[str, AfterValidator(_check_prefix)] = ""
    """path below which a proxy serves AlsoLike, like /also; unset: a host of its own"""

    workers: Annotated[int, Field(ge=1, le=64)] = 1
    """server processes"""

    database: DatabaseUrl = ""
    """URL of the decision database; unset: alsolike.sqlite in the root"""

    database_password: SecretStr = SecretStr("")
    """password of the database, so that the URL need not contain it"""

    cors_origins: Annotated[list[str], AfterValidator(_read_origins)] = ["*"]
    """origins of websites whose scripts may read the public API"""

    cache_mb: Annotated[int, Field(ge=0, le=65_536)] = 256
    """memory for each worker's response cache, in MB; 0 turns it off"""

    max_age: Annotated[int, Field(ge=0, le=86_400)] = 60
    """seconds for which browsers and proxies may cache a response"""

    stale_while_revalidate: Annotated[int, Field(ge=0, le=86_400)] = 30
    """seconds after max_age in which they may show it while they fetch a new one"""

    max_body_kb: Annotated[int, Field(ge=1, le=65_536)] = 1024
    """largest body of a request, in KiB"""

    body_seconds: Annotated[float, Field(gt=0, le=3600)] = 10
    """seconds in which a request's headers must arrive, then its body"""

    metrics: bool = True
    """serve /metrics for Prometheus"""

    metrics_port: Annotated[int, Field(ge=1, le=65535)] | None = None
    """port for /metrics alone; unset: that of the service"""

    metrics_host: Annotated[str, Field(min_length=1)] = "127.0.0.1"
    """address to listen on for metrics_port"""

    log_format: Literal["console", "json"] = "console"
    """format of log lines: console (for people) or json"""

    access_log: bool = False
    """log a line for every request"""

    trusted_proxies: Annotated[list[str], AfterValidator(_check_networks)] = []
    """addresses or networks of proxies whose X-Forwarded-… headers are trusted"""

    identity_header: Annotated[str, _like(_HEADER_NAME, _A_HEADER)] | None = None
    """header in which a trusted proxy sends the name of the signed-in user"""

    identity_role: Role | None = None
    """role of users that identity_header names but who have no account; unset: none"""

    drafts: bool = True
    """find related articles for drafts; this loads the model"""

    draft_kb: Annotated[int, Field(ge=1, le=65_536)] = 256
    """largest draft, in KiB"""

    draft_queue: Annotated[int, Field(ge=1, le=1_000)] = 8
    """drafts that may wait or be processed in one worker"""

    draft_seconds: Annotated[float, Field(gt=0, le=3600)] = 30
    """seconds after which an unanswered draft is refused"""

    draft_rate: Annotated[int, Field(ge=1, le=100_000)] = 60
    """drafts allowed per minute from one client address"""

    push_rate: Annotated[int, Field(ge=1, le=1_000_000)] = 600
    """pushes allowed per minute from one client address; a batch of 100 counts as one"""

    ghost_secret: SecretStr = SecretStr("")
    """secret of Ghost's webhooks; unset: none are taken"""

    read_token: bool = False
    """require a token of role read for related articles"""

    clicks: bool = False
    """count which related articles readers see and click, without anything about a reader"""

    clicks_database: DatabaseUrl = ""
    """URL of the database of counted clicks; unset: clicks.sqlite in the root"""

    keep_click_days: Annotated[int, Field(ge=1, le=3_650)] = 400
    """days after which counted clicks are removed"""

    respect_do_not_track: bool = True
    """count nothing of browsers that send Do Not Track or Global Privacy Control"""

    explore: Share = 0
    """share of blocks of time in which two neighbors of a list swap places, to learn from clicks"""

    @model_validator(mode="before")
    @classmethod
    def _refuse_other_bytes(cls, given: dict[str, Any]) -> dict[str, Any]:
        """Refuses variables and options of bytes that are not UTF-8: no database opens such a path.

        Python has a lone surrogate for each such byte.
        """
        for name, value in given.items():
            if isinstance(value, str | Path) and re.search("[\ud800-\udfff]", str(value)):
                raise ValueError(f"setting {name} has bytes that are not UTF-8; leave them out")
        return given

    @model_validator(mode="after")
    def _check_combinations(self) -> Settings:
        everywhere = {"0.0.0.0", "::"}  # noqa: S104 - looked for, not bound to
        same = self.host == self.metrics_host or everywhere & {self.host, self.metrics_host}
        if self.metrics and self.metrics_port == self.port and same:
            raise ValueError(
                f"metrics_port {self.port} is also the port of the service; choose another"
            )
        if self.identity_header is not None and not self.trusted_proxies:
            raise ValueError(
                f"identity_header {self.identity_header!r} is only accepted from trusted_proxies, "
                "which is empty: add the address of the proxy that sets the header"
            )
        return self

    @field_serializer("database", "clicks_database", when_used="json")
    def _mask_password(self, value: str) -> str:
        from index.sql_engine import describe  # which takes a moment to import

        return describe(value) if value else ""

    @field_serializer("source", when_used="json")
    def _mask_addresses(self, tables: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [
            {
                name: redacted(value) if isinstance(value, str) and "://" in value else value
                for name, value in table.items()
            }
            for table in tables
        ]

    @field_serializer("notify", when_used="json")
    def _mask_notify(self, value: str) -> str:
        return masked_notify(value)

    @field_serializer("variant", when_used="json")
    def _what_differs(self, variants: dict[str, RankingSettings]) -> dict[str, Any]:
        return {
            name: variant.model_dump(mode="json", exclude_unset=True)
            for name, variant in variants.items()
        }

    def with_ranking(self, given: dict[str, Any]) -> Settings:
        """Returns a copy of these settings, with a variant's values in place of the site's own.

        Args:
            given: The settings of the variant by name, such as ``{"depth": 30}``.
        """
        ranking = RankingSettings.model_validate(given)
        changed = {name: getattr(ranking, name) for name in ranking.model_fields_set}
        return self.model_copy(update=changed)

    @property
    def query(self) -> RelatedQuery:
        """The options (limit, least score, …) of a request for related articles that gives none."""
        return RelatedQuery(
            limit=self.limit,
            min_score=self.min_score,
            fallback=self.fallback,
            skip_linked=self.skip_linked,
            site_pins=self.site_pins,
        )

    @property
    def mapping(self) -> FieldMapping:
        """How a source's records become articles: URL template, time zone, dates, language."""
        from index.articles.parse import FieldMapping

        return FieldMapping(
            url_template=self.url_template,
            timezone=self.zone,
            date_format=self.date_format,
            guess_language=self.guess_language,
        )

    @property
    def limits(self) -> Limits:
        """The limits of the checks (gates) that a build must pass to be published."""
        same = {"max_loss", "max_churn", "max_weak", "max_hub", "min_recall"}
        running = read_comparison(self.root) if self.decide_first else None
        undecided = "" if running is None else running.variant
        return Limits(query=self.query, undecided=undecided, **self.model_dump(include=same))

    @property
    def preferences(self) -> Preferences:
        """The settings that favor some articles in the ranking: boosts and half-life."""
        return Preferences(boosts=tuple(self.boost), half_life=self.half_life)

    @property
    def trusted_networks(self) -> list[IPv4Network | IPv6Network]:
        """The IP networks in the setting ``trusted_proxies``."""
        return [ip_network(network) for network in self.trusted_proxies]

    @property
    def milvus(self) -> MilvusSettings | None:
        """The Milvus settings; ``None`` if vectors are searched in a file of the build."""
        if self.index == "local":
            return None
        return MilvusSettings(uri=self.milvus_uri, alias=self.milvus_alias)

    @property
    def zone(self) -> ZoneInfo:
        """The setting ``timezone`` as a ``ZoneInfo``."""
        return ZoneInfo(self.timezone)

    @classmethod
    def settings_customise_sources(  # type: ignore[override]  # two of those given are used
        cls, settings_cls: type[BaseSettings], **given: PydanticBaseSettingsSource
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Returns where pydantic reads settings, the first wins: options, environment, file."""
        named, path = os.environ.get(CONFIG_VARIABLE), settings_path()
        if named and not path.is_file():
            raise SettingError(
                f"the environment variable {CONFIG_VARIABLE} names {named!r}, which is not a file; "
                "correct or unset it"
            )
        env_settings = given["env_settings"]
        if isinstance(env_settings, EnvSettingsSource):
            env_settings.env_vars = {
                name: value
                for name, value in env_settings.env_vars.items()
                if not _is_from_kubernetes(name, value or "")
            }
        return given["init_settings"], env_settings, _TomlFile(settings_cls, path)


def settings_path() -> Path:
    """Returns the path of the settings file: what ``ALSOLIKE_CONFIG`` names, or the usual one."""
    return Path(os.environ.get(CONFIG_VARIABLE) or CONFIG_FILE).expanduser()


class _TomlFile(TomlConfigSettingsSource):
    """Reads the settings file, with or without the byte order mark that Windows editors write."""

    def _read_file(self, file_path: Any) -> dict[str, Any]:
        text = ""
        try:
            text = file_path.read_bytes().decode("utf-8-sig")
            return tomllib.loads(text)
        except ValueError as error:
            said = f"{error}{_toml_hint(text, str(error))}"
            raise SettingError(f"{file_path} can't be read as TOML: {said}") from error


def _toml_hint(text: str, error: str) -> str:
    """Returns which key an error in a TOML text is about, and what is probably wrong."""
    at = re.search(r"\(at line (\d+)", error)
    line = text.split("\n")[int(at[1]) - 1 if at else -1]  # or "(at end of document)"
    key, equals, value = line.partition("=")
    key, value = key.strip(), value.strip()
    if not equals:
        return ""
    if error.startswith("Cannot overwrite"):
        return f": {key} stands there for the second time"
    if error.startswith(("Invalid value", "Expected newline")) and value[:1] not in "\"'[{":
        return f': text needs quotes, as in {key} = "…"'
    return f", at {key}"


def load_settings(**overrides: Any) -> Settings:
    """Returns the settings, read from the settings file, the environment and the command line.

    Args:
        **overrides: Values from the command line; ``None`` means not given.

    Raises:
        SettingError: If a setting is unknown or invalid; it names the value and what is allowed.
    """
    given = {name: value for name, value in overrides.items() if value is not None}
    _refuse_unknown_variables()
    try:
        return Settings(**given)
    except ValidationError as error:
        told = "; ".join(dict.fromkeys(map(_describe_error, error.errors())))
        raise SettingError(
            f"{told} (set in {CONFIG_FILE}, a variable ALSOLIKE_… or an option)"
        ) from error
    except SettingsError as error:
        variable = f"ALSOLIKE_{str(error).split(chr(34))[1].upper()}"
        raise SettingError(
            f"the environment variable {variable} must be JSON, as it is a list or a table"
        ) from error


def toml_value(value: Any) -> str:
    """Returns a value as the settings file writes it; of a table, what is ``None`` is left out."""
    if isinstance(value, dict):
        given = (f"{key} = {toml_value(part)}" for key, part in value.items() if part is not None)
        return f"{{ {', '.join(given)} }}"
    if isinstance(value, list):
        return f"[{', '.join(map(toml_value, value))}]"
    return json.dumps(value, ensure_ascii=False)


_SECRET = (
    *("source", "milvus_uri", "database", "clicks_database", "database_password", "ghost_secret"),
    "notify",
)


def _describe_error(found: ErrorDetails) -> str:
    """Returns what is wrong with a setting, as text without the place where it was set."""
    name = ".".join(str(part) for part in found["loc"])
    if found["type"] == "extra_forbidden":
        of_variant = ", ".join(RankingSettings.model_fields)
        known = RankingSettings if name.startswith("variant.") else Settings
        near = did_you_mean(str(found["loc"][-1]), known.model_fields)
        where = f"a variant can have {of_variant}" if known is RankingSettings else _ALL_NAMES
        return f"setting {name!r} does not exist{near}; {where}"
    said = describe_invalid(found).replace("an object", "a table")
    # Someone may have put a password into these, so their values are not shown.
    secret = name.partition(".")[0] in _SECRET
    value = "" if secret else f" = {found['input']!r}"
    return f"setting {name}{value}: {said}" if name else said  # if not, about two settings


def _refuse_unknown_variables() -> None:
    known = {f"ALSOLIKE_{name.upper()}" for name in Settings.model_fields} | {
        CONFIG_VARIABLE,
        TOKEN_VARIABLE,
        _OF_ASTRO,
    }
    for variable, value in os.environ.items():
        if _is_from_kubernetes(variable, value):
            continue
        if variable.upper().startswith("ALSOLIKE_") and variable.upper() not in known:
            near = did_you_mean(variable.upper(), known)
            raise SettingError(
                f"the environment variable {variable} names no setting{near}; {_ALL_NAMES}"
            )


def _is_from_kubernetes(variable: str, value: str) -> bool:
    name = variable.upper()
    if _FROM_KUBERNETES.fullmatch(name):
        return True
    address = re.match("(tcp|udp|sctp)://", value)
    return address is not None and re.fullmatch(r"ALSOLIKE_(\w+_)?PORT", name) is not None
