"""What editors do: search, decide, preview, judge, link, publish; and the pushes of a site."""
