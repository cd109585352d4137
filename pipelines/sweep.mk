# Methods at several sparsities on several tasks, as a table and as curves of faithfulness:
#
#   make -f pipelines/sweep.mk TASKS='ioi greater-than' SPARSITY='80% 90% 94% 97%' SEEDS=3 -j2
#
# Each task is a pipeline of hap.mk under results/sweep/TASK. It ends in
#
#   results/sweep/table.txt, table.md   every task, method and sparsity
#   results/sweep/TASK/curve.svg        faithfulness, KL and accuracy on the test prompts
#                                       against the share of edges that is kept
#
# -jN runs N stages side by side. What exists is not made again, so that an interrupted
# sweep goes on where it stopped; a pruning goes on from its checkpoint. With -k, a task
# that fails does not stop the others.
#
# Targets:
#   all    the tables and curves
#   help   print this text, and that of hap.mk
#
# Variables [default]; all other variables of hap.mk can be set too:
#   TASKS     tasks of hap-task, or names of folders in PROMPTS [ioi greater-than]
#   PROMPTS   a folder with a folder for each task, which has your own train.jsonl,
#             validation.jsonl and test.jsonl
#   SPARSITY  three or more sparsities make a curve [80% 90% 94% 97%]
#   SEEDS     number of seeds of each method that draws random numbers [3]
#   METHODS   see hap.mk [eap eap-ig hap]
#   METRICS   the curves have a panel for each [faithfulness,kl,accuracy]
#   NAME      folder under RESULTS [sweep]
#   RESULTS   where to write [results]

TASKS ?= ioi greater-than
SPARSITY ?= 80% 90% 94% 97%
SEEDS ?= 3
METHODS ?= eap eap-ig hap
METRICS ?= faithfulness,kl,accuracy
PROMPTS ?=
NAME ?= sweep
RESULTS ?= results

PIPELINES := $(patsubst %/,%,$(dir $(lastword $(MAKEFILE_LIST))))
SWEEP := $(RESULTS)/$(NAME)
TABLES := $(TASKS:%=$(SWEEP)/%/table.json)
CURVES := $(TASKS:%=$(SWEEP)/%/curve.svg)

.DELETE_ON_ERROR:
.PHONY: all help force

all: $(SWEEP)/table.txt $(SWEEP)/table.md
	@cat $<
	@printf 'written: %s\n' $^ $(CURVES)

help:
	@sed -n '/^#/!q; s/^# \{0,1\}//p' $(firstword $(MAKEFILE_LIST)); echo
	@sed -n '/^#/!q; s/^# \{0,1\}//p' $(PIPELINES)/hap.mk

# hap.mk knows what is to be made again. The + passes -j and -k on to the inner make.
force:

$(TABLES): $(SWEEP)/%/table.json: force
	+@$(MAKE) --no-print-directory -f $(PIPELINES)/hap.mk RESULTS=$(SWEEP) NAME=$* TASK=$* \
		$(if $(PROMPTS),PROMPTS=$(PROMPTS)/$*) SPARSITY='$(SPARSITY)' SEEDS='$(SEEDS)' \
		METHODS='$(METHODS)' METRICS='$(METRICS)' table curve

# Written each time, since they also change with the list of tasks, but only touched when they are
# others.
$(SWEEP)/table.txt: $(TABLES)
	@{ $(foreach t,$(TASKS),printf '%s\n\n' '$(t)'; \
		$(PIPELINES)/table text $(SWEEP)/$(t)/table.json || exit 1; echo;) } >$@.part
	@cmp -s $@.part $@ && rm $@.part || mv $@.part $@

$(SWEEP)/table.md: $(TABLES)
	@{ $(foreach t,$(TASKS),printf '## %s\n\n' '$(t)'; \
		$(PIPELINES)/table markdown $(SWEEP)/$(t)/table.json || exit 1; echo;) } >$@.part
	@cmp -s $@.part $@ && rm $@.part || mv $@.part $@
