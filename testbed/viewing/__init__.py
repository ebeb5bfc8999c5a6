"""Episodes as an instrument: one page that draws, plots and compares them, and works without a server or network."""
