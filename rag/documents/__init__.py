"""Files become documents, and documents become chunks. May use core."""
