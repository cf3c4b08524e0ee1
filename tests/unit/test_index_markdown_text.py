"""What readers see of Markdown with the templates and dialects of site generators."""

from __future__ import annotations

import pytest

from index.errors import RecordError
from index.sources.markdown_text import MAX_OPEN, markdown_line, page_content
from index.sources.markup import select, text_of
from index.sources.page_text import text_and_links
from index.sources.template_tags import strip_extensions, strip_mdx, strip_templates


def text(body: str, **options: object) -> str:
    """The text of a page's sections, one line per block."""
    sections = text_and_links(page_content(body, **options))["sections"]  # type: ignore[arg-type]
    lines = [line for s in sections for line in (s["heading"], s["text"]) if line]
    return "\n".join(lines).replace("&lt;", "<").replace("&amp;", "&")


def targets(body: str, base: str = "") -> list[str]:
    return [str(link.get("href")) for link in select(page_content(body, base=base), "a[href]")]


@pytest.mark.parametrize(
    ("body", "seen"),
    [
        # Liquid and Nunjucks
        ("Tea {% include cup.html size='large' %}is hot.", "Tea is hot."),
        ("{% comment %} not yet {% endcomment %}Shown.", "Shown."),
        ("{%- comment -%}\nnot\n\nyet\n{%- endcomment -%}\nShown.", "Shown."),
        ("{# a note to editors #}\nShown.", "Shown."),
        ("{% assign a = 1 %}{% if a %}Warm{% else %}Cold{% endif %} water", "WarmCold water"),
        ("{% capture x %}never shown{% endcapture %}Shown.", "Shown."),
        ("{% raw %}Write {{ page.title }}{% endraw %} there.", "Write {{ page.title }} there."),
        ("{% highlight ruby linenos %}\nputs 1\n{% endhighlight %}", "puts 1"),
        ("By {{ page.author }}, in May", "By , in May"),
        ("(boats)=\nSee {doc}`/kelp` and {term}`tide`.", "See /kelp and tide."),
        ("<<< @/snippets/a.js\n\n@include: ./b.md\n\nAfter.", "After."),
        ('{{ "https://video.example/1" | embed: "A talk" }}\n\nAfter.', "After."),
        ("Say {{ 'hello' | upcase }}.", "Say hello."),
        ("Code `{{ keep }}` and `{% keep %}` stay.", "Code {{ keep }} and {% keep %} stay."),
        ("```\n{% raw %}{{ x }}{% endraw %}\n{{ y }}\n```", "{{ x }} {{ y }}"),
        ("```\n{% raw %}\n{{ x }}\n{{ y }}{% endraw %}\n```\n*New*.", "{{ x }} {{ y }}\nNew."),
        ('Read {% post_link 4-1 "It\'s *out*" %}.{% post_link 4-1 %}', "Read It's out."),
        ("Read {% post_link '4-1' It is out false %}.", "Read It is out."),
        # Hugo and Zola
        ('The same {{< glossary_tooltip text="Pod" term_id="pod" >}}.', "The same Pod."),
        ('{{< tab text="A" >}}Words.{{< /tab >}} {{< x context="b" >}}', "Words."),
        ("`{{</* ref */>}}`\n\n```\n{{%/* note */%}}\n```", "{{< ref >}}\n{{% note %}}"),
        ("{{% note %}}\nInside.\n{{% /note %}}", "Inside."),
        ("{{< youtube abc >}}\n\n{{<figure src='a.png'>}}\n\nAfter.", "After."),
        ('{{ gallery(id="x") }}\n\n{% quote(author="A") %}\nSaid.\n{% end %}', "Said."),
        (
            'Tea {{% include "a.md" %}}is{{< include file="a.md" >}} hot{{< include x >}}.',
            "Tea is hot.",
        ),
        ('See {{< ref "a.md" >}} or {% post_url 2026-01-01-a %}!', "See or !"),
        ("<!-- toc -->\n- [A](#a)\n<!-- tocstop -->\n\nText.", "Text."),
        ("As said [@smith2020, p. 3] and [-@doe:99], by [@ann](/ann).", "As said and , by @ann."),
        # Attribute lists of kramdown, Pandoc and Docusaurus
        ("{: .note}\nA paragraph.\n{: #id .class}", "A paragraph."),
        ("## A heading {#help}\n\nText.", "A heading\nText."),
        ("* Contents\n{:toc}\n\nText.", "Text."),
        ("{::comment}\nhidden\n{:/comment}\n\nText.", "Text."),
        # Extensions of GitHub, MkDocs, Docusaurus, Obsidian and others
        ("Words[^1] go on.\n\n[^1]: A note.", "Words go on.\nA note."),
        ("~~Old~~ new :tada: at 10:30:15", "Old new 🎉 at 10:30:15"),
        ("- [ ] open\n- [x] done", "open\ndone"),
        ("> [!NOTE]\n> Mind the gap.", "Mind the gap."),
        ('!!! note "Title"\n    Inside.\n\nAfter.', "Title\nInside.\nAfter."),
        ("!!! warning\n    Inside.", "Inside."),
        ('??? tip "More"\n    Inside.', "More\nInside."),
        ('=== "Linux"\n    Inside.', "Linux\nInside."),
        (":::info\nInside.\n:::", "Inside."),
        (":::tip[Did you know?]\nInside.\n:::", "Did you know?\nInside."),
        ("::::note Title\n:::tip\nDeep.\n:::\n::::\nAfter.", "Title\nDeep.\nAfter."),
        ("Term\n: Its meaning", "Term\nIts meaning"),
        ("==Marked== if a == b and c == d", "Marked if a == b and c == d"),
        ("[[Kelp]] and [[kelp|the weed]], not [[1]](#fn)", "Kelp and the weed, not [1]"),
        ("[TOC]\n\n[[_TOC_]]\n\nText.", "Text."),
        ("{!docs/x.md!}\n\n\\newpage\n\nText.", "Text."),
        ('--8<-- "snippets/x.md"\n\n*[HTML]: Hyper Text\n\nText.', "Text."),
        ("Before.\n\n$$\n\\alpha\n$$\n\nIt costs $5 or $6.", "Before.\nIt costs $5 or $6."),
        (':::image type="content" source="a.png" alt-text="A.":::\n\nText.', "Text."),
        ('::: zone pivot="a"\nText.\n::: zone-end', "Text."),
        (
            "::: a.b.C\n    options:\n      members:\n      - D\n\nText.\n\n::: a.e\n\nMore.",
            "Text.\nMore.",
        ),
        # References whose addresses are said elsewhere, as for all pages
        (
            "By [PEP 508][], [the\nstandard][pep-517] and [`C`][a.C]: x[0][a], [1][a], `[b][c]`.",
            "By PEP 508, the standard and C: x[0][a], [1][a], [b][c].",
        ),
        ("[Known][Here] and [here][]\n\n[here]: /h", "Known and here"),
        ("::: mkdocs-click\n    :module: a.b\n    :depth: 0\n", ""),
        ("::: my-note\n    Mind: it is hot.\n:::", "Mind: it is hot."),
        ("> [!VIDEO https://video.example/1]\n\nText.", "Text."),
        # Comments of Obsidian, MDX, CriticMarkup and ERB
        (
            "Tea %%not yet%%is hot.\n\n%%\nnot\n\nyet\n%%\n\n100%% of it.",
            "Tea is hot.\n100%% of it.",
        ),
        ("Shown.\n\n%%\nnever\n\nclosed", "Shown."),
        ("Tea {/* not yet */}is hot.\n\n{/*\nnot\n\nyet */}", "Tea is hot."),
        ("Tea {>>not yet<<}is {--cold--}{++hot++} {~~ice~>iced~~}.", "Tea is hot iced."),
        (
            "Tea{{< comment >}} not yet{{< /comment >}} is{% set y %} cold{% endset %} hot.",
            "Tea is hot.",
        ),
        ("Tea []{#top}is {doc}`hot <tea/hot>` and {ref}`hot`.", "Tea is hot and hot."),
        ("Tea <%# not yet %>is <%= hot %>hot {{{ raw }}}.", "Tea is hot ."),
        # Zenn and Qiita
        (
            ":::message alert\nMind.\n:::\n:::note warn\nTide.\n:::\n"
            "@[youtube](abc)\n\nBy a@[b](/c)",
            "Mind.\nTide.\nBy a@b",
        ),
        # Modules in Docusaurus' Markdown
        (
            "import A from '@a/b';\nimport {\n  C,\n} from \"d\";\n\n"
            "export const e = {\n  f: 1\n};\n\nimport what you need,\nexport the rest.",
            "import what you need, export the rest.",
        ),
        # Attributes, spans, directives, keys, icons, raised and lowered text
        ("![a](b.png){width=50%}\n\n[c](d){ target=_blank } `e`{.f}", "c e"),
        (
            "## Part { data-a='b' }\n\nText {x} and {n=1} more.\n{ .note }",
            "Part\nText {x} and {n=1} more.",
        ),
        ("A [span]{.x}, [two]{lang=de} and [three] {y}.", "A span, two and [three] {y}."),
        (
            "::youtube{id=x}\n\n::: note\nIn :abbr[HTML]{title=y}.\n:::\n\nstd::vector",
            "In HTML.\nstd::vector",
        ),
        ("Press ++ctrl+c++ in C++, ++i and i++.", "Press ctrl+c in C++, ++i and i++."),
        ("-   :material-clock:{ .lg } __Fast__\n\n    Hot tea.", "Fast\nHot tea."),
        (
            '<div class="a" markdown="1">\nHot *tea*\n</div>\n```\n<b>\n```\n<div>\n*raw*\n</div>',
            "Hot tea\n<b>\n*raw*",
        ),
        ("Mail :material-email: or :octicons-heart-16:{ .red } it", "Mail or it"),
        # Directives of MyST, components of Nuxt
        (
            '# A\n\n+++ {"part": "x"}\n\n'
            "```{figure} x.png\n:name: fig\n:width: 5%\nCaption\n```\n\n"
            "```{toctree}\n:maxdepth: 1\none\n```\n\n````{note} Mind\n```{tip}\nDeep.\n```\n````\n",
            "A\nCaption\nMind\nDeep.",
        ),
        ("```{python}\n# Load\nimport x\n```", "# Load import x"),
        (
            "```{r}\n#| echo: true\n#| label: x\nplot(x)\n```\n\n```{r, include=FALSE}\na\n```\n"
            "```{python}\n#| echo: false\nb\n```\nShown.",
            "plot(x)\nShown.",
        ),
        (
            '::: {.content-hidden when-format="html"}\nNo.\n\n::: {.callout}\nNo.\n:::\n\n:::\n'
            '::: {.content-visible when-format="pdf"}\nNo.\n:::\n'
            '::: {.content-visible when-format="html"}\nShown.\n:::\n',
            "Shown.",
        ),
        ("```{note}\n---\nclass: x\n---\nInside.\n```", "Inside."),
        (
            ":::{tip} Mind\n:class: x\nInside.\n:::\n\n```{meta}\n:robots: index\n```",
            "Mind\nInside.",
        ),
        ("::alert{type=x}\nInside.\n::\n\n::hero\n---\ntitle: y\n---\nSlot.\n::", "Inside.\nSlot."),
        (
            "::hero\n#title\nTea\n\n  :::u-button\n  ---\n  color: x\n  ---\n  Hot\n  :::\n::",
            "Tea\nHot",
        ),
        ("#tea\n\n:::note\n---\nInside.\n\n---\n:::", "#tea\nInside."),
        (
            "/// details | Some summary\n    type: warning\nInside.\n///\n\n"
            "/// note\nMore.\n///\n\n"
            "```mermaid\nsequenceDiagram\n```",
            "Some summary Inside.\nMore.",
        ),
        (
            '<figure>\n{% image "a.jpg" %}\n\t<figcaption>Ann</figcaption>\n</figure>\n\nText.',
            "Ann\nText.",
        ),
        (
            "- Tea\n  id:: 63f1\n  collapsed:: true\n  :LOGBOOK:\n  CLOCK: [2026-01-01]\n  :END:\n"
            "- #+BEGIN_NOTE\n  is:: hot\n  #+END_NOTE\n",
            "Tea\nis:: hot",
        ),
        ('[block:callout]\n{\n  "body": "Hot"\n}\n[/block]\n\n## Tea [#tea]\n\nHot.', "Tea\nHot."),
        # Hashnode, Svelte, Docsify, Middleman, Grav
        ('![](https://a.example/b.png align="center")\n\n%[https://v.example/1]\n\nEnd.', "End."),
        ("%%[newsletter]\n\nShown.", "Shown."),
        ("{#if a && b}\nWarm\n{:else if c}\nCold\n{/if}\n{@html x}", "Warm\nCold"),
        ("<svelte:head>\n<title>No</title>\n</svelte:head>\n\nShown.", "Shown."),
        ("?> A *tip*.\n\n!> Careful.", "A tip.\nCareful."),
        ("Short.\n\nREADMORE\n\n===\n\nLong.", "Short.\nLong."),
        ("H~2~O, x^2^, 2^10 and ~5 of ^^new^^. ^block-1", "H2O, x2, 2^10 and ~5 of new."),
    ],
)
def test_a_page_reads_as_its_readers_see_it(body: str, seen: str) -> None:
    assert text(body) == seen


def test_mdx_keeps_the_children_of_components_and_nothing_else() -> None:
    body = (
        "import { Card } from 'ui';\nimport B from '~/b';\n\nexport const meta = {\n  a: 1\n};\n\n"
        '<Card title="Kelp" icon={<Leaf size={3} />}>\n    Kelp **grows**.\n</Card>\n\n'
        "{/* nobody sees this */}\n\n{list.map((x) => { return <li>{x}</li>; })}\n\n"
        "A{' '}b costs {\"5\"} in \\{x\\}.\n\n"
        "<Tabs.Item>\n  ```js\n  const a = {b: 1};\n  ```\n</Tabs.Item>\n"
    )
    assert text(body, mdx=True) == "Kelp grows.\nA b costs 5 in {x}.\nconst a = {b: 1};"


def test_mdx_reads_markdown_between_tags_in_lines_of_their_own() -> None:
    body = (
        '<div className="note">\n  See [this](b.md) and **bold**.\n</div>\n'
        "<details>\n  <summary>More</summary>\n  *Hidden*\n</details>\n"
        "```\n<div>\n```\n<pre>\n*raw*\n</pre>\n"
    )
    assert text(body, mdx=True) == "See this and bold.\nMore\nHidden\n<div>\n*raw*"


@pytest.mark.parametrize(
    "said",
    [
        "<img src={require('./x.png').default} alt=\"X\" width={300} />",
        "<video autoPlay={true} {...rest} src={`a b > c`} onPlay={() => x > 1} />",
        "<Chart title={`a > b`} />",
        "<Chart title={`a } b > ${c ? `d` : '>'}`} />",
        "<Chart\n  when={(a) => a > 1}\n  note='x > y'\n  words=\"a } > b\"\n/>",
        '<Chart render={() => <b title="}">{x > 1}</b>} />',
        "{list.map((x) => <li title={`} > {`}>{x}</li>)}",
        "{/* a } > b */}",
        '<Ui.Box note="`a` > `b`"></Ui.Box><></>',
    ],
)
def test_marks_in_what_mdx_computes_end_nothing(said: str) -> None:
    body = f"Kelp grows.\n\n{said}\n\nIt costs `{{a > b}}` and {{'5 >'}} more."
    assert text(body, mdx=True) == "Kelp grows.\nIt costs {a > b} and 5 > more."


def test_mdx_keeps_the_words_of_a_tag_with_computed_attributes() -> None:
    body = "It is <b style={{color: 'red'}}>ripe</b>, <a href={'/b c'} rel={r}>see</a>."
    assert text(body, mdx=True) == "It is ripe, see."
    assert [link.get("href") for link in select(page_content(body, mdx=True), "a")] == ["/b c"]


def test_what_mdx_exports_in_several_lines_is_no_text() -> None:
    span = "<span style={{color: hue}}>\n    {children}\n  </span>"
    for code in (
        f"export const Hue = ({{children, hue}}) => (\n  {span}\n);",
        f"export default function Page({{\n  hue,\n}}) {{\n  x();\n\n  return {span};\n}}",
    ):
        assert text(f"{code}\n\nIt grows <Hue>green</Hue>.", mdx=True) == "It grows green."


def test_a_brace_that_mdx_never_closes_loses_no_text() -> None:
    assert text("{ok && <i>It's {x}</i>}Kelp's ripe.", mdx=True) == "Kelp's ripe."
    assert text("Kelp {grows.\n\nIt *waves*.", mdx=True) == "Kelp grows.\nIt waves."


@pytest.mark.timeout(60)  # a quadratic reading would take minutes
@pytest.mark.parametrize("piece", ["~~~", "{/*}", "<!-- toc -->\n", "[block:x]\n", ":LOGBOOK:\n"])
def test_marks_that_never_close_are_read_once(piece: str) -> None:
    assert len(strip_extensions(strip_mdx(piece * 80_000), str)) <= 80_000 * len(piece)


def test_included_text_is_read_where_the_page_includes_it() -> None:
    names = {"includes/name.md": "Kelp Planner"}
    body = "Export from [!INCLUDE[name](includes/name.md)], or [!include [x](y.md)]."
    assert text(body, include=lambda file: names.get(file, "")) == "Export from Kelp Planner, or ."
    body = "A plan.\n\n<!--@include: ./b.md{3,}-->\n\n<!-- @include: c.md -->\n<!-- a note -->"
    names = {"./b.md": "## Made by *hand*", "c.md": "Twice."}
    assert text(body, include=lambda file: names.get(file, "")) == ("A plan.\nMade by hand\nTwice.")


@pytest.mark.parametrize(
    ("body", "target"),
    [
        ('[a]({{ "/first/" | url }})', "/first/"),
        ("[a]({{ site.baseurl }}/first/)", "/first/"),
        ("[a]({{ site.url }}{{ '/first/' | relative_url }})", "/first/"),
        ("[a]({% post_url 2026-01-02-first %})", "file:_posts/2026-01-02-first"),
        ("[a]({% link docs/b.md %})", "file:docs/b.md"),
        ("{% post_link 4-1 'It is out' %}", "file:4-1"),
        ("{% post_link 'My post' \"It's out\" false %}", "file:My post"),
        ("[a]({% post_path 4-1 %})", "file:4-1"),
        ('[a]({{< relref "b.md#x" >}})', "file:b.md#x"),
        ("[a]({{< ref path='/blog/b' >}})", "file:/blog/b"),
        ("[[Kelp]]", "file:Kelp"),
        ("[[kelp|the weed]]", "file:kelp"),
        ("[a][two]\n\n[two]: {{ site.url }}/two/", "/two/"),
        ("```{note}\n[a][Two]\n```\n\n[two]: /two/", "/two/"),
        ("[a]({{ site.repository }}/issues/9)", "unknown:/issues/9"),
        ('<a href="{{ page.next.url }}">a</a>', "unknown:"),
    ],
)
def test_a_link_that_a_template_computes_keeps_the_target_that_the_page_states(
    body: str, target: str
) -> None:
    assert [found.replace("%20", " ") for found in targets(body)] == [target]


@pytest.mark.parametrize(
    ("body", "target"),
    [
        ('[a]({{ "/first/" | url }})', "/notes/first/"),
        ("[a]({{ 'first/' | relative_url }})", "/notes/first/"),
        ("[a]({{ '/first/' | prepend: site.baseurl | prepend: site.url }})", "/notes/first/"),
        ("[a]({{ site.url }}{{ site.baseurl }}/first/)", "/notes/first/"),
        ("[a]({{ site.url }}/notes/first/)", "/notes/first/"),
        ("[a]({{ site.baseurl }}{% link b.md %})", "file:b.md"),
        ("[a]({{ site.baseurl }}{{ page.next.url }})", "unknown:"),
        ("[a]({{ 'https://b.example/' | url }})", "https://b.example/"),
        ("[a]({{ '/first/' | escape }})", "/first/"),
    ],
)
def test_a_link_that_a_template_computes_begins_with_the_sites_path(body: str, target: str) -> None:
    assert targets(body, "/notes") == [target]


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("see [the list](https://site.example/) and **more**", "see the list and more"),
        ("__init__ and snake_case, 2 * 3 * 4", "__init__ and snake_case, 2 * 3 * 4"),
        ("`List<String>` in [Draft] \\*", "List<String> in [Draft] *"),
        ("{{ site.title }}News{% if x %} of May{% endif %}", "News of May"),
        ("Ship it :rocket:", "Ship it 🚀"),
        ("Fish &amp; chips", "Fish &amp; chips"),
    ],
)
def test_a_title_is_shown_without_markdown(given: str, shown: str) -> None:
    assert markdown_line(given) == shown


def test_brackets_that_never_close_are_refused() -> None:
    with pytest.raises(RecordError, match="unclosed"):
        page_content("![" * (MAX_OPEN + 1))


def test_text_without_templates_is_left_alone() -> None:
    body = "A {brace} and 100 % of {x}.\n\n    {code}\n"
    assert strip_templates(body) == body
    assert "{brace}" in text_of(page_content(body))
