"""What each number of a report means, in one sentence each."""

from __future__ import annotations

MEASURES = {
    "F1": "Overlap of the answer's words with the gold answer's, over answerable questions; a refusal scores 0.",
    "exact match": "Share of answerable questions whose answer equals a gold answer, but for case and punctuation.",
    "contains": "Share of answerable questions whose answer contains a gold answer.",
    "F1 over all": "F1 over all questions, where refusing an unanswerable question scores 1.",
    "right refusals": "Share of the unanswerable questions that are refused; also called refusal recall.",
    "wrong refusals": "Share of the answerable questions that are refused.",
    "refusal precision": "Share of the refusals that are right.",
    "refusal F1": "Harmonic mean of refusal precision and right refusals.",
    "citation precision": "Share of an answer's citations that hold gold evidence, over the answers given.",
    "citation recall": "Share of the gold evidence that is cited, over answerable questions.",
    "right citations": "Share of the answers given to answerable questions that cite gold evidence.",
    "literal quotes": "Share of the quotes that stand in the source character for character.",
    "ECE": "Expected calibration error: how far confidence is from accuracy, over the answers given; 0 is best.",
    "coverage-accuracy area": "How right the surest decisions are, averaged over how many are trusted; 1 is best.",
    "perplexity": "How surprising the gold answers are to the generator; lower is better.",
    "log-likelihood of the answer": "Mean log-probability of the gold answer's tokens; higher is better.",
    "recall@k": "Share of the gold evidence that is among the first k passages.",
    "MRR": "Mean of one over the rank of the first right passage.",
    "nDCG@10": "Quality of the first ten ranks, where a right passage counts less the lower it stands; 1 is best.",
    "95 % interval": "Paired bootstrap over the questions; an interval without 0 shows a difference.",
    "McNemar p": "How likely so uneven wins and losses are by chance, for yes/no measures.",
    "groundedness": "Share of an answer's sentences that the check finds supported by the cited passages.",
    "hallucinated": "The answer has no gold answer, or the check finds a sentence of it unsupported.",
    "relevance": "Likeness of question and quoted evidence, times the share of new words in the answer.",
}
CARDS = {  # of the page, by what they show
    "f1": ("F1", "F1"),
    "exact_match": ("exact match", "exact match"),
    "right_refusals": ("right refusals", "right refusals"),
    "refusal_f1": ("refusal F1", "refusal F1"),
    "citation_precision": ("citation precision", "citation precision"),
    "coverage_area": ("coverage-accuracy area", "coverage-accuracy area"),
}
DIAGNOSTICS = (
    "The check behind these numbers is weak: against 200 labelled answers its kappa is 0.22, and calling every answer "
    "unsupported would agree more often. Read them as a hint of what to look at, not as a result."
)
EQUAL_REFUSALS = (
    "Each generator gets the threshold at which it refuses the same share of the unanswerable questions, so that a "
    "generator does not look better or worse only because it refuses more or less."
)
