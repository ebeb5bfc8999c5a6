"""One declared experiment and its stages: collect, teach, distil, audit, film, report. `tasks/` calls them in order."""
