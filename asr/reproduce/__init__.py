"""Rows of the table of results: read, written as Markdown, run again and compared."""
