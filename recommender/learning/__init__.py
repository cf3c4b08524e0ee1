"""Weights of evidence learned from a site's own judgments: data, fit, choice, and words for it."""
