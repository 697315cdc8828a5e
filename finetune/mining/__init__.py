"""Questions with answers made from the indexed passages, filtered, and labelled through the serving retriever.

May use data and the settings.
"""
