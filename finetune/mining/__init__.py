"""Questions with answers made from the indexed chunks, filtered, and labelled through the serving retriever.

May use data.
"""
