"""What counts of clicks say: rates, comparisons of two variants, positions, judgments."""
