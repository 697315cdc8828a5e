"""Checkpoints that training goes on from."""

from types import SimpleNamespace

from finetune.training_loop import MarkWhole, last_checkpoint


def test_training_goes_on_from_the_last_checkpoint_that_is_whole(tmp_path):
    for step in (2, 10, 12):
        (tmp_path / f"checkpoint-{step}").mkdir()
        (tmp_path / f"checkpoint-{step}" / "trainer_state.json").write_text("{}")
    for step in (2, 10):
        MarkWhole().on_save(SimpleNamespace(output_dir=str(tmp_path)), SimpleNamespace(global_step=step), None)
    assert last_checkpoint(tmp_path) == str(tmp_path / "checkpoint-10")
    assert not (tmp_path / "checkpoint-12").exists(), "or it would be rotated as the newest"
    assert last_checkpoint(tmp_path / "none") is None
