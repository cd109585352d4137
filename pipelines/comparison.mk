# docs/comparison.md: every method of hap-attrib and the recipes of hap-prune side by side, on
# all tasks of the demo model and on real models, with pipelines/methods.mk:
#
#   make -f pipelines/comparison.mk -j2
#
# This takes a quarter of an hour for the demo model and half an hour for each task of a real
# model on two cores. What exists is not made again.
#
# Variables [default]:
#   DEMO_TASKS         tasks of the demo model [ioi greater-than gendered-pronoun docstring
#                      induction]
#   REAL               files of real models; those that do not exist are left out with a
#                      message [models/smollm2/model.gguf models/gemma3/model.gguf]
#   REAL_TASKS         their tasks [ioi greater-than]
#   REAL_ATTRIBUTIONS  methods of hap-attrib on them [all but exact, which makes one run for
#                      each edge, and eap-ig-activations, which takes a hundred times as long
#                      as eap]
#   REAL_METHODS       methods on them [REAL_ATTRIBUTIONS hap]
#   REAL_TRAIN, REAL_TEST
#                      numbers of prompts [16, 24]
#   RESULTS            where to write the pipelines [results]
#   PAGE               the file to write [docs/comparison.md]

DEMO_TASKS ?= ioi greater-than gendered-pronoun docstring induction
REAL ?= models/smollm2/model.gguf models/gemma3/model.gguf
REAL_TASKS ?= ioi greater-than
REAL_ATTRIBUTIONS ?= eap relp eap-ig-inputs clean-corrupted conductance eap-gp eap-qk grad-drop \
	atp-star ifr mask-gradient mask-ig ugs
REAL_METHODS ?= $(REAL_ATTRIBUTIONS) hap
REAL_TRAIN ?= 16
REAL_TEST ?= 24
RESULTS ?= results
PAGE ?= docs/comparison.md

PIPELINES := $(patsubst %/,%,$(dir $(lastword $(MAKEFILE_LIST))))
export OMP_NUM_THREADS ?= 1

HERE := $(wildcard $(REAL))
$(foreach m,$(filter-out $(HERE),$(REAL)),$(info $(m) is not there: its tasks are left out))
name = $(notdir $(patsubst %/,%,$(dir $(1))))

DEMO := $(DEMO_TASKS:%=$(RESULTS)/methods-%/methods.md)
OTHER := $(foreach m,$(HERE),$(foreach t,$(REAL_TASKS),$(RESULTS)/methods-$(call name,$(m))-$(t)/methods.md))
METHODS = +@$(MAKE) --no-print-directory -f $(PIPELINES)/methods.mk RESULTS=$(RESULTS)

.DELETE_ON_ERROR:
.PHONY: all help force

all: $(PAGE)

help:
	@sed -n '/^#/!q; s/^# \{0,1\}//p' $(firstword $(MAKEFILE_LIST))

# methods.mk knows what is to be made again.
force:

$(DEMO): $(RESULTS)/methods-%/methods.md: force
	$(METHODS) TASK=$* NAME=methods-$*

# real MODEL TASK
define real
$(RESULTS)/methods-$(call name,$(1))-$(2)/methods.md: force
	$$(METHODS) MODEL=$(1) TASK=$(2) NAME=methods-$(call name,$(1))-$(2) \
		ATTRIBUTIONS='$(REAL_ATTRIBUTIONS)' METHODS='$(REAL_METHODS)' TRAIN=$(REAL_TRAIN) \
		VALIDATION=$(REAL_TRAIN) TEST=$(REAL_TEST)
endef
$(foreach m,$(HERE),$(foreach t,$(REAL_TASKS),$(eval $(call real,$(m),$(t)))))

define INTRODUCTION
# Every method side by side

`make -f pipelines/comparison.mk` makes this page. Each row is a method of `hap-attrib`, whose best
edges are the circuit, or a recipe of `hap-prune`; `man hap-attrib` and `man hap-prune` say what they
do. The columns are the KL divergence from the full model and the logit difference, at 90, 94 and 97 %
of the edges cut, on test prompts; CPR (higher is better) and CMD (lower is better) of the scores on
these prompts, as the benchmark MIB defines them; masked runs, and processor seconds from the prompts
to the circuit, in the mean over the three sizes. Attribution is of the logit difference. One seed.
[results.md](results.md) has more seeds and explains the words, [recipes.md](recipes.md) the default
recipe, which is called HAP here.

The demo model has 200 training and 1,000 test prompts, real models have $(REAL_TRAIN) and $(REAL_TEST).
endef
export INTRODUCTION

$(PAGE): $(DEMO) $(OTHER)
	@section() { printf '\n## %s\n\n' "$$2" && cat "$(RESULTS)/methods-$$1/methods.md"; } && \
		{ printf '%s\n' "$$INTRODUCTION" \
		$(foreach t,$(DEMO_TASKS),&& section $(t) 'The demo model, $(t)') \
		$(foreach m,$(HERE),$(foreach t,$(REAL_TASKS),&& section $(call name,$(m))-$(t) '$(call name,$(m)), $(t)')); \
		} > $@.part
	@mv $@.part $@
