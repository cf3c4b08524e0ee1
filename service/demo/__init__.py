"""The demo: a site with sample articles whose pages show a "You May Also Like" section."""
