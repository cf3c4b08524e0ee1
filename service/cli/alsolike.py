"""The command ``alsolike`` with all its subcommands."""

from collections.abc import Callable

from service.cli.account_commands import editors_app, tokens_app
from service.cli.build_command import build
from service.cli.builds_commands import builds, diff, inspect, report, verify
from service.cli.click_commands import clicks
from service.cli.compare_commands import compare_app
from service.cli.database_commands import db_app
from service.cli.decision_commands import audit, check_overrides, takedown
from service.cli.demo_commands import demo, try_site
from service.cli.doctor_command import doctor
from service.cli.init_command import init
from service.cli.links_command import links
from service.cli.options import GATES_EPILOG
from service.cli.publish_commands import prune, publish, release, rollback
from service.cli.related_commands import evaluate, export, related
from service.cli.rule_commands import rules
from service.cli.serve_command import SERVE, add_command, make_app
from service.cli.source_commands import sources_app
from service.cli.watch_command import watch

app = make_app()
app.add_typer(sources_app, name="sources")
app.add_typer(compare_app, name="compare", short_help="Compare lists with a variant's, by clicks.")
app.add_typer(db_app, name="db", short_help="Manage the database of decisions.")
app.add_typer(tokens_app, name="tokens")
app.add_typer(editors_app, name="editors")

_COMMANDS: tuple[tuple[Callable[..., None], str, str | None], ...] = (
    (
        try_site,
        "try https://example.org && alsolike try site/public",
        "Show a site's related lists from its address or a folder.",
    ),
    (init, "init && alsolike build", "Write alsolike.toml, by four questions."),
    (doctor, "doctor", "Look whether this machine and its settings are ready."),
    (
        build,
        "build articles.jsonl.gz --map summary=text --url-template 'https://example.org/{id}'",
        "Make a build of a site's articles, and publish it.",
    ),
    (
        related,
        "related my-article --limit 6 && alsolike related --text draft.txt",
        "Show the related list of an article or a text.",
    ),
    (
        links,
        "links my-article && alsolike links --orphans --csv",
        "Show where links to other articles would fit in a text.",
    ),
    (inspect, "inspect --root /srv/alsolike", "Show what a build holds, and its measured quality."),
    (verify, "verify && alsolike publish BUILD", None),
    (
        publish,
        "publish 20260102T030405Z-0a1b2c --reason 'checked by hand'",
        "Make a build live, if it passes every gate.",
    ),
    (
        rollback,
        "rollback --reason 'lists look odd'",
        "Go back to the previous build, and put publishing on hold.",
    ),
    (evaluate, "evaluate --qrels judgments.tsv", "Measure how well lists agree with judgments."),
    (
        takedown,
        "takedown my-article --reason 'withdrawn'",
        "Remove an article from every list, now.",
    ),
    (
        rules,
        "rules my-article --pin 1 --lists-of heat --until 2027-01-31",
        "Pin or hide by tag: in many lists, from a day to another.",
    ),
    (audit, "audit --csv", "Print every decision: when, by whom, why."),
    (check_overrides, "check-overrides --json", "Find pins and rules without effect, now or soon."),
    (builds, "builds", "List the builds: which is live, which were held back."),
    (diff, "diff 20260102T030405Z-0a1b2c", "Compare the articles and lists of two builds."),
    (prune, "prune --keep 3", "Remove old builds."),
    (release, "release --reason 'feed fixed'", None),
    (export, "export --out public/related", "Write every list as a JSON file, for static sites."),
    (report, "report --out report.html", "Show where a build's report page is, or copy it."),
    (clicks, "clicks --by origin", "Show which links readers see and follow."),
    (watch, "watch --export public/related", "Follow sources and pushes; build what changes."),
    SERVE,
    (demo, "demo --port 8000", "Build the sample corpus, show a list, serve it."),
)
"""All commands, each with an example and with its line in ``alsolike --help``, which is the first
sentence of the command's docstring if the line is ``None``."""

for _command, _example, _line in _COMMANDS:
    _gates = f"\n\n{GATES_EPILOG}" if _command in (build, publish) else ""
    _name = "try" if _command is try_site else None  # a keyword can't be a function's name
    add_command(app, _command, _example + _gates, _line, name=_name)
