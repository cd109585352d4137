# docs/results.md: every method on every task, of the demo model and of a real model:
#
#   make -f pipelines/results.mk -j2
#
# This takes a night on two cores, mostly for edge pruning; a few hours with
# REAL_SPARSITY=94%, and minutes with DEMO_TASKS=ioi REAL_TASKS=. Each task is a pipeline
# of hap.mk under results/. -jN runs N stages side by side, each with THREADS threads.
# What exists is not made again.
#
# Targets:
#   all    the page
#   demo   the tables of the demo model
#   real   the tables of the real model
#   help   print this text
#
# Variables [default]:
#   DEMO_TASKS           tasks of the demo model [ioi greater-than gendered-pronoun
#                        docstring induction]
#   SPARSITY             sparsities on the demo model [90% 94%]
#   SEEDS                seeds of each method on the demo model [5]
#   HAP_EP_SEEDS         another number of seeds of the paper's HAP, which is as slow as
#                        edge pruning; it then gets no samples
#   SAMPLES              bootstrap samples of the training prompts [3]
#   METHODS              methods on the demo model [eap eap-ig ep ep-small hap-ep hap
#                        hap-thorough hap-as-ep]
#   REAL                 file of the real model, which hap-model fetch smollm2 gets; if it
#                        does not exist, its tasks are left out with a message
#                        [models/smollm2/model.gguf]
#   REAL_NAME            its name on the page [SmolLM2-135M-Instruct]
#   REAL_TASKS           its tasks [ioi greater-than]
#   REAL_SPARSITY        its sparsities [80% 90% 94% 97%]
#   REAL_SEEDS           seeds of each method on it [3]
#   REAL_TRAIN, REAL_VALIDATION, REAL_TEST
#                        numbers of prompts [200, 20, 200]
#   REAL_METHODS         methods on it [eap eap-ig ep hap-ep hap hap-as-ep]
#   REAL_EP              options of edge pruning on it, where batches of 32 prompts would
#                        take hours per circuit [--steps 3000 --batch 2]
#   REAL_EP_SEEDS        seeds of edge pruning on it [3]
#   REAL_HAP_EP_SEEDS    seeds of the paper's HAP on it [3]
#   THREADS              threads of each stage [1]
#   RESULTS              where to write the pipelines [results]
#   PAGE                 the file to write [docs/results.md]

DEMO_TASKS ?= ioi greater-than gendered-pronoun docstring induction
SPARSITY ?= 90% 94%
SEEDS ?= 5
SAMPLES ?= 3
METHODS ?= eap eap-ig ep ep-small hap-ep hap hap-thorough hap-as-ep
REAL ?= models/smollm2/model.gguf
REAL_NAME ?= SmolLM2-135M-Instruct
REAL_TASKS ?= ioi greater-than
REAL_SPARSITY ?= 80% 90% 94% 97%
REAL_SEEDS ?= 3
REAL_TRAIN ?= 200
REAL_VALIDATION ?= 20
REAL_TEST ?= 200
REAL_METHODS ?= eap eap-ig ep hap-ep hap hap-as-ep
REAL_EP ?= --steps 3000 --batch 2
REAL_EP_SEEDS ?= 3
REAL_HAP_EP_SEEDS ?= 3
HAP_EP_SEEDS ?=
THREADS ?= 1
RESULTS ?= results
PAGE ?= docs/results.md

PIPELINES := $(patsubst %/,%,$(dir $(lastword $(MAKEFILE_LIST))))
export OMP_NUM_THREADS := $(THREADS)

ifeq ($(wildcard $(REAL)),)
$(info $(REAL) is not there: its tasks are left out)
override REAL_TASKS :=
endif

DEMO := $(DEMO_TASKS:%=$(RESULTS)/results-demo-%/table.json)
OTHER := $(REAL_TASKS:%=$(RESULTS)/results-real-%/table.json)
# The + passes -j on to the inner make.
HAP = +@$(MAKE) --no-print-directory -f $(PIPELINES)/hap.mk NAME=results-$(1)-$* RESULTS=$(RESULTS)

.DELETE_ON_ERROR:
.PHONY: all demo real help force

all: $(PAGE)
demo: $(DEMO)

help:
	@sed -n '/^#/!q; s/^# \{0,1\}//p' $(firstword $(MAKEFILE_LIST))

real: $(OTHER)

# hap.mk knows what is to be made again.
force:

$(RESULTS)/results-demo-%/table.json: force
	$(call HAP,demo) MODEL=models/demo TASK=$* SPARSITY='$(SPARSITY)' SEEDS=$(SEEDS) \
		SAMPLES=$(SAMPLES) METHODS='$(METHODS)' EP= hap-ep.seeds=$(HAP_EP_SEEDS) table

$(RESULTS)/results-real-%/table.json: force
	$(call HAP,real) MODEL=$(REAL) TASK=$* SPARSITY='$(REAL_SPARSITY)' SEEDS=$(REAL_SEEDS) \
		SAMPLES=0 TRAIN=$(REAL_TRAIN) TEST=$(REAL_TEST) VALIDATION=$(REAL_VALIDATION) \
		METHODS='$(REAL_METHODS)' EP='$(REAL_EP)' ep.seeds=$(REAL_EP_SEEDS) \
		hap-as-ep.seeds=$(REAL_EP_SEEDS) hap-ep.seeds=$(REAL_HAP_EP_SEEDS) table

# Written each time, since it also changes with the list of tasks, but only
# touched when it is another.
$(PAGE): $(DEMO) $(OTHER) force
	@mkdir -p $(@D)
	@$(PIPELINES)/table page \
		$(foreach t,$(DEMO_TASKS),'The demo model, $(t)' $(RESULTS)/results-demo-$(t)/table.json) \
		$(foreach t,$(REAL_TASKS),'$(REAL_NAME), $(t) (EP: $(REAL_EP))' $(RESULTS)/results-real-$(t)/table.json) \
		> $@.part
	@cmp -s $@.part $@ && rm $@.part || mv $@.part $@
