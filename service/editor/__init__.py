"""The editors' pages under ``/editor``: server-rendered, usable without a script.

::

    desk.py        what every page needs: the live build, the database, who asks
    pages.py       from a template to a response; errors as pages
    shipping.py    stylesheet and modules
    entering.py    signing in and out, the account
    finding.py     find an article
    looking.py     one article: its cards, its candidates, what was decided
    telling.py     what these pages say of articles and decisions
    steering.py    pin, hide, take down, judge, undo
    conflicts.py   what a second editor is told
    history.py     the audit trail
    building.py    builds: what waits, what would change; publish, roll back
    drafting.py    the list of a text that is in no build
"""
