"""What editors do: search articles, decide about lists, preview them, judge links, publish."""
