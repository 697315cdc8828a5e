"""Outputs of notebooks: pictures and long ones are named, tables and errors are read."""

import json
from pathlib import Path

from rag.documents.document import parse_document


def read(*outputs):
    cells = [{"cell_type": "code", "source": "draw()", "outputs": list(outputs)}]
    data = json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells}).encode()
    return parse_document(Path("a.ipynb"), "a.ipynb", data)


def test_pictures_are_named_and_what_stands_for_them_is_no_text():
    figure = {"data": {"image/png": "iVBO", "text/plain": ["<Figure size 640x480 with 1 Axes>"]}}
    document = read(figure, figure, {"data": {"image/png": "iVBO", "text/plain": "Tide of 4 May"}})
    assert document.text.split() == ["draw()", "Tide", "of", "4", "May"]
    assert document.unread == ("3 × picture without text",)
    assert read({"png": "iVBO", "text": ""}).unread == ("picture without text",)


def test_tables_of_html_alone_and_errors_are_read():
    table = "<table><tr><th>Berth<th>Depth<tr><td>C2<td>4 m</table>"
    document = read({"data": {"text/html": [table]}}, {"output_type": "error", "ename": "KeyError", "evalue": "'C9'"})
    assert "Berth: C2; Depth: 4 m" in document.text and "KeyError: 'C9'" in document.text and document.unread == ()


def test_a_long_output_says_that_its_end_is_left_out():
    assert read({"text": "x" * 1001}).unread == ("long output: its beginning alone is read",)
    assert read({"text": "x" * 1000}).unread == ()
