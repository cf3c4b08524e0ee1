"""The editors' pages under ``/editor``: rendered on the server, usable without JavaScript.

::

    editor_pages.py    shared by all routes: access checks, errors as pages
    page_templates.py  renders templates to responses
    labels.py          labels for reasons, decisions and audit entries
    sign_in.py         sign-in, sign-out, account, and the demo's one-time link; kept_form.py:
                       the form that was sent when the session had ended
    search_page.py     the search for articles
    bulk_page.py       one decision about several of its rows
    article_page.py    the page of one article
    decision_page.py   pin, hide, take down, judge, undo; decision_form.py: the form, and
                       the notice that another editor changed the list meanwhile
    links_page.py      links that would fit in texts
    rules_page.py      pins and hides in the lists of all articles with a tag
    history_page.py    the audit trail
    builds_page.py     the builds: compare, publish, roll back
    clicks_page.py     what readers follow
    draft_page.py      related articles for a draft
"""
