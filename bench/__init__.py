"""Side-by-side measurements: the whole system against terminado and the bare PTY, as ratios of one run."""
