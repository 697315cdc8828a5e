"""Errors for people: one line that says what is wrong, and the command that mends it."""


class RagtuneError(Exception):
    """Base of every error that the command line prints as one line, without a traceback."""


class SettingsError(RagtuneError):
    """A setting is unknown or has a value that it does not take, or a run has no proper name."""


class ModelError(RagtuneError):
    """A model can't be found, converted or loaded."""


class DocumentError(RagtuneError):
    """One document can't be read; the others still can."""

    def __init__(self, reason: str, remedy: str = ""):
        """reason: what is wrong, in a few words. remedy: what to do about it."""
        super().__init__(f"{reason}: {remedy}" if remedy else reason)
        self.reason, self.remedy = reason, remedy


class StoreError(RagtuneError):
    """The index is missing, damaged, or was made with other models or another chunker."""


class OutdatedIndexError(StoreError):
    """The index was made by another version, or with another embedder or chunker, and must be rebuilt."""


class SearchFileError(StoreError):
    """A search index file is missing, damaged, or of another version; it can be made again from the document store."""


class EndpointError(RagtuneError):
    """A model behind an endpoint can't be asked."""


class PromptError(RagtuneError):
    """Rows, an adapter or scores were made with another prompt than the one in use."""


class TrainingError(RagtuneError):
    """A stage of training can't go on: something before it is missing, changed, or too small."""


class EvaluationError(RagtuneError):
    """Questions, runs or adapters can't be evaluated together."""


class DataError(RagtuneError):
    """A file of rows, questions or results can't be read."""
