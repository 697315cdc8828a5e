"""One evaluation: questions, predictions, scores, summary, comparison. May use metrics."""
