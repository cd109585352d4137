# docs/results.md: every method on every task, the demo model's and a real one's.
#
#   make -f pipelines/results.mk -j2
#
# A night's work on two cores, nearly all of it edge pruning's; a few hours with
# REAL_SPARSITY=94%, minutes with DEMO_TASKS=ioi REAL_TASKS=. Each task is a
# pipeline of hap.mk under results/; -j runs so many of them side by side, each
# with THREADS threads. What is there already is not made again.
#
#   SEEDS, SAMPLES            seeds of each method and bootstrap samples of the
#                             training prompts on the demo model
#   SPARSITY, REAL_SPARSITY   what is asked for on the demo model and on the real one
#   REAL                      a real model's file; hap-model fetch smollm2 gets
#                             this one. Left out, with a word, when it is not there
#   HAP_EP_SEEDS              another number of seeds of the paper's HAP, which is as slow
#                             as edge pruning; then it gets no samples
#   REAL_SEEDS, REAL_TRAIN, REAL_VALIDATION, REAL_TEST
#                             the same for the real model, and how many prompts
#   REAL_EP, REAL_EP_SEEDS    options and seeds of edge pruning there, where batches of
#                             32 prompts would take hours a circuit
#   REAL_HAP_EP_SEEDS         seeds of the paper's HAP there
#   PAGE                      the file to write

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
# + hands -j on, as make does for a line that shows its $(MAKE).
HAP = +@$(MAKE) --no-print-directory -f $(PIPELINES)/hap.mk NAME=results-$(1)-$* RESULTS=$(RESULTS)

.DELETE_ON_ERROR:
.PHONY: all demo real force

all: $(PAGE)
demo: $(DEMO)
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
