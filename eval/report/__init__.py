"""Reports made from a run's files: text, Markdown, HTML, and the published results. May use metrics and runs."""
