# All methods in one table: every method of hap-attrib and the recipes of hap-prune.
#
#   make -f pipelines/methods.mk TASK=ioi
#   make -f pipelines/methods.mk MODEL=models/smollm2/model.gguf TASK=ioi ATTRIBUTIONS='eap relp'
#
# Besides the tables of hap.mk it writes methods.md under results/methods-TASK: KL and logit
# difference of the circuits on test prompts, masked runs and processor seconds, and for
# attribution CPR and CMD of the scores on the test prompts, as the benchmark MIB defines them.
#
# All variables of hap.mk can be set. These are new or have another default:
#   ATTRIBUTIONS  methods of hap-attrib [all but growth, which needs a circuit; exact makes one
#                 run for each edge, so leave it out for a real model]
#   LOSS          the metric that they attribute [logit-diff]
#   SPARSITY      [90% 94% 97%]
#   METHODS       [ATTRIBUTIONS ep-small hap rank]
#   NAME          [methods-TASK]

TASK ?= ioi
ATTRIBUTIONS ?= eap relp eap-ig-inputs clean-corrupted eap-ig-activations conductance eap-gp \
	eap-qk grad-drop atp-star ifr mask-gradient mask-ig ugs exact
LOSS ?= logit-diff
SPARSITY ?= 90% 94% 97%
METHODS ?= $(ATTRIBUTIONS) ep-small hap rank
NAME ?= methods-$(TASK)

# A row for each method of hap-attrib, under its own name; hap.mk has another one for eap.
define attribution
override $(1).title := $(1)
override $(1).attrib := --method $(1) $(if $(filter ifr,$(1)),,--metric $(LOSS))
endef
$(foreach m,$(ATTRIBUTIONS),$(eval $(call attribution,$(m))))

include $(dir $(lastword $(MAKEFILE_LIST)))hap.mk

CURVES := $(ATTRIBUTIONS:%=$(D)/%.curve)

$(D)/%.curve: $(D)/%.scores $(D)/test.task
	@$(PIPELINES)/timed $@.seconds hap-eval -m $(MODEL) --curve --metric $(LOSS) -o $@ $(D)/test.task $<

all: $(D)/methods.md
$(D)/methods.md: $(D)/table.json $(CURVES) $(PIPELINES)/table
	@$(PIPELINES)/table methods $< $(CURVES) > $@.part
	@mv $@.part $@
	@cat $@
