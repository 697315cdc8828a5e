"""Tables of any format: header, names of rows and columns, and one line of text for each row. May use base."""
