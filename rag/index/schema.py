"""The tables of the document store."""

from __future__ import annotations

import json
import os

from rag.index.database import Database
from rag.index.store import VERSION

SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS contents (
    id INTEGER PRIMARY KEY AUTOINCREMENT, digest BLOB NOT NULL UNIQUE, text TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS documents (
    id TEXT PRIMARY KEY, source TEXT NOT NULL, title TEXT NOT NULL, digest TEXT NOT NULL,
    content INTEGER NOT NULL REFERENCES contents(id), unread TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS vectors (
    id INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, vector BLOB NOT NULL, crc INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS chunks (
    id INTEGER PRIMARY KEY AUTOINCREMENT, change INTEGER NOT NULL, document TEXT NOT NULL REFERENCES documents(id),
    ordinal INTEGER NOT NULL, start INTEGER NOT NULL, end INTEGER NOT NULL, headings TEXT NOT NULL, page INTEGER,
    cells TEXT NOT NULL, vector INTEGER NOT NULL REFERENCES vectors(id));
CREATE TABLE IF NOT EXISTS removed (chunk INTEGER PRIMARY KEY, added INTEGER NOT NULL, change INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS chunks_document ON chunks(document, ordinal);
CREATE INDEX IF NOT EXISTS chunks_change ON chunks(change);
CREATE INDEX IF NOT EXISTS chunks_vector ON chunks(vector);
CREATE INDEX IF NOT EXISTS documents_content ON documents(content);
"""


def initialize(db: Database, identity: dict[str, str]) -> None:
    """Make the tables of an empty file, in one transaction: a killed process leaves all of it or an empty file."""
    db.executescript(f"BEGIN IMMEDIATE; {SCHEMA}")
    meta = {"version": VERSION, "change": "0", "forgotten": "0", "name": os.urandom(4).hex(), "folders": "[]"}
    db.executemany("INSERT OR IGNORE INTO meta VALUES (?, ?)", {**meta, "identity": json.dumps(identity)}.items())
    db.execute("COMMIT")
