"""Kinds of answer that are more than a span: lists, yes or no, whole sentences."""
