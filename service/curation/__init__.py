"""What editors do with lists: decide, search, preview, get alerts, judge links, publish builds."""
