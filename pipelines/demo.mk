# The first look at hap: circuits of indirect object identification in the embedded model.
# EAP and the default HAP come first, with a table and a picture after a few seconds.
# Edge pruning with 2 prompts a step follows as the yardstick:
#
#   make -f pipelines/demo.mk
#
# table1.mk compares with edge pruning as published, of 32 prompts a step.
#
# Targets:
#   all        both tables
#   first      the first only
#   help       print this text
#
# Variables [default]; all variables of hap.mk but METHODS can be set too:
#   SPARSITY   [90%]
#   NAME       [demo]
#   FIRST      methods of the first table [eap hap]
#   YARDSTICK  methods that the second table adds [ep-small]

SPARSITY ?= 90%
NAME ?= demo
FIRST ?= eap hap
YARDSTICK ?= ep-small
export SPARSITY NAME

PIPELINES := $(patsubst %/,%,$(dir $(lastword $(MAKEFILE_LIST))))
# The + passes -j on to the inner make.
HAP = +@$(MAKE) --no-print-directory -f $(PIPELINES)/hap.mk METHODS='$(1)'

.PHONY: all first help

all: first
	@echo
	@echo "These are the first results. Now follows the yardstick, edge pruning of 3,000 steps"
	@echo "with 2 prompts a step. It can be interrupted, and the next run goes on from there."
	$(call HAP,$(FIRST) $(YARDSTICK))

first:
	$(call HAP,$(FIRST))

help:
	@sed -n '/^#/!q; s/^# \{0,1\}//p' $(firstword $(MAKEFILE_LIST))
