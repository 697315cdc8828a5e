"""What the server shows of training: runs with their curves, and rows to review. May use data and human."""
