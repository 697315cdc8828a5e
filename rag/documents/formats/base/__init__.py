"""What every reader returns and needs: text with sections, limits, encodings. May use core."""
