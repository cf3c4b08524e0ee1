"""The editors' pages under ``/editor``: server-rendered, usable without a script.

::

    editor_pages.py    what the routes of all pages share: who may see them, errors as pages
    page_templates.py  from a template to a response
    labels.py          the pages' words for reasons, decisions and audit entries
    sign_in.py         signing in and out, the account; demo_login.py the demo's one-time link
    search_page.py     find an article
    article_page.py    one article; article_view.py is what its page holds
    decision_page.py   pin, hide, take down, judge, undo; decision_form.py is the form
    conflicts.py       the notice that another editor was faster
    history_page.py    the audit trail
    builds_page.py     the builds, publish, roll back; build_diff.py compares two
    draft_page.py      the list of a text that is in no build
"""
