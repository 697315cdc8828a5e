"""People's questions and answers in files of many programs, read into one form. May use documents and generation."""
