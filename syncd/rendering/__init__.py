"""A plan and a report for people: one view, drawn as text, Markdown or HTML."""
