from eval.suites.answer_speed import Prompts, as_text, in_turns, summarize_times, time_batches
from eval.suites.engines import ragtune_engine, time_engine, transformers_engine
from rag.generation import prompt
from rag.models.resolve import find_model
from triplets import row


def test_every_engine_answers_every_prompt_and_what_is_kept_is_not_read_again(tiny_model, tiny_generator):
    prompts = [
        prompt.render(tiny_generator.tokenizer, f"What does tank {n} hold?", list(row(n).passages)) for n in range(3)
    ]
    other = [prompt.render(tiny_generator.tokenizer, "Why?", list(row(n).passages)) for n in range(3)]
    asked = []
    plain = transformers_engine(find_model(str(tiny_model)), "cpu", "float32", None, 6)
    peers = {"peer": lambda tokens, on_piece: (asked.append(tokens), on_piece(), on_piece()), "plain": plain}
    tiny_generator.clear_cache()
    before = tiny_generator.prefix_reader.computed
    found = in_turns(tiny_generator, Prompts(prompts, other), peers, 6)
    assert set(found) == {"ragtune", "ragtune, passages kept", "peer", "plain"} and asked == [prompts[0], *prompts]
    assert all(t["n"] == 3 and 0 < t["first"] <= t["answer"] <= t["answer_p95"] for t in found.values())
    assert found["peer"]["pieces"] == 2
    # Instructions and passages, once to start up, then for the question before and for the one without.
    assert tiny_generator.prefix_reader.computed - before == 2 * (1 + 2 * 3)
    found |= time_batches(tiny_generator, prompts, 6)
    assert len(as_text(found).splitlines()) == 1 + len(found)


def test_pieces_are_counted_as_they_come(tiny_generator):
    tokens = prompt.render(tiny_generator.tokenizer, "What?", list(row(1).passages))
    first, whole, pieces = time_engine(ragtune_engine(tiny_generator, 8), tokens)
    assert 0 < first <= whole and pieces > 0


def test_times_are_summarized_by_hand():
    found = summarize_times([(0.1, 1.0, 2), (0.3, 3.0, 4), (0.2, 2.0, 6)])
    assert (found["first"], found["answer"], found["answer_p95"], found["pieces"], found["n"]) == (0.2, 2.0, 3.0, 4, 3)
