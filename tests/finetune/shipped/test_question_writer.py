"""What the question writer learns from: people's questions such as mining wants, about documents not held out."""

from finetune.shipped.question_folder import QuestionFolder
from finetune.shipped.question_writer import human_questions
from hash_embedder import HashEmbedder
from rag.core.jsonl import write_lines
from rag.labels.held_out import held_out

TEXT = (
    "The Mole Crane lifts 40 tonnes. Its driver must hold a yellow ticket, which the harbour office gives out in May."
)


def questions_of(folder, share=1.0):
    return human_questions([QuestionFolder(folder, share)], HashEmbedder())


def test_questions_that_mining_would_reject_and_held_out_documents_are_left_out(tmp_path):
    names = [f"crane {n}" for n in range(40)]
    kept, held = (next(name for name in names if held_out(name) is out) for out in (False, True))
    write_lines(tmp_path / "passages.jsonl", [{"id": n, "title": n, "text": TEXT} for n in (kept, held)])
    asked = [
        ("How many tonnes does the mole crane lift?", "40 tonnes", kept),
        ("How many tonnes does the mole crane lift?", "40 tonnes", held),
        ("What does this text say of the crane's driver?", "a yellow ticket", kept),
        ("Who paints the lighthouse in winter?", "the harbour office", kept),
        ("What is all of it?", TEXT, kept),
        ("What colour is the crane of the mole?", "", kept),
    ]
    rows = [
        {"id": n, "question": q, "answers": [a] if a else [], "passage": p, "start": TEXT.find(a) if a else None}
        for n, (q, a, p) in enumerate(asked)
    ]
    write_lines(tmp_path / "questions.jsonl", rows)
    ((prompt, question),) = questions_of(tmp_path)
    assert question == asked[0][0]
    assert prompt == f"Text: {kept}: The Mole Crane lifts <<40 tonnes>>.\nAnswer: 40 tonnes\nQuestion:"
    assert questions_of(tmp_path, 0.0) == []
