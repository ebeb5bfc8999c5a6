"""The transfer benchmark: which route hands habits down, through which channel, with which certainty.

A `Cell` is one place of the declared grid (`suites`): some students and their controls. Before cells come their
`SharedTeachers`: demonstrations, teachers, what these do and what that is worth. `sweep` fills what is missing, one
file a cell, on an engine; `findings` compares, `answers` says it in plain words, `table` and `page` show it.
"""
