"""From a question to ranked passages. May use core, models and index."""
