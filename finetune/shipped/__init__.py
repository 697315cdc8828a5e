"""Training of the weights that ship with the project, on people's questions. May use data to retriever."""
