"""What draws: random bits from counters, the state behind a layer's masks, what inputs may be."""
