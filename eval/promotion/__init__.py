"""The tests that decide which trained weights go live. May use metrics and runs."""
