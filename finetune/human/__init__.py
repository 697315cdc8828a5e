"""Questions that people wrote or judged: import, review, and mixing with mined ones. May use data and mining."""
