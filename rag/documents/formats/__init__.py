"""One reader for each file format, from bytes to text with headings and pages. May use core."""
