"""What the words of a question or passage say: a negation, a quantity, the type of answer asked for."""
