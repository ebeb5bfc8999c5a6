"""Routes from a teacher to students: each a frozen record of its choices whose `distil` makes k students."""
