"""Pure array physics: no simulator, no files, no policy. Every function states shapes and units."""
