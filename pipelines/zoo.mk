# How well each method of hap-attrib and each recipe of hap-prune finds the circuits of
# compiled programs, which are known (tests/golden/zoo/README.md):
#
#   make -f pipelines/zoo.mk -j2
#
# For each program it writes results/zoo/NAME.json, then results/zoo/table.md, which also
# says which of two paths for one behaviour each method sees. It needs Python 3 to unpack the
# models. It takes minutes of processor time, mostly for edge pruning.
#
# Targets:
#   all       the table
#   page      the same, and put it into PAGE, between the lines "zoo: begin" and "zoo: end"
#   help      print this text
#
# Variables [default]:
#   PROGRAMS  names of programs [all of ZOO]
#   METHODS   methods of hap-attrib [all]
#   RECIPES   recipes of hap-prune [all, and hap-rank: the default within EAP's 70 %, from its scores]
#   SEEDS     number of seeds of each recipe [1]
#   ZOO       folder of the programs [tests/golden/zoo]
#   RESULTS   where to write [results]
#   PAGE      the page to change [docs/results.md]
#   BIN       folder of the programs [bin]

PIPELINES := $(patsubst %/,%,$(dir $(lastword $(MAKEFILE_LIST))))
BIN ?= $(PIPELINES)/../bin
export PATH := $(abspath $(BIN)):$(PATH)

ZOO ?= $(PIPELINES)/../tests/golden/zoo
BACKUPS := $(wildcard $(ZOO)/backups/halves.json $(ZOO)/backups/saturated.json $(ZOO)/backups/repair.json)
PROGRAMS ?= $(sort $(basename $(notdir $(wildcard $(ZOO)/*.json))))
# The names in a list of a help text are indented by 30 blanks.
names = $(shell $(BIN)/$(1) -h | sed -n '/^ *--$(2) /,/^  *--$(3) /s/^ \{30\}\([a-z][a-z0-9-]*\) .*/\1/p')
METHODS ?= $(call names,hap-attrib,method,metric)
RECIPES ?= $(call names,hap-prune,recipe,seed) hap-rank
SEEDS ?= 1
RESULTS ?= results
PAGE ?= docs/results.md
D := $(RESULTS)/zoo

export OMP_NUM_THREADS ?= 1

.DELETE_ON_ERROR:
.PHONY: all page help

all: $(D)/table.md

help:
	@sed -n '/^#/!q; s/^# \{0,1\}//p' $(firstword $(MAKEFILE_LIST))

$(D)/%.json: $(ZOO)/%.json $(PIPELINES)/zoo-program
	@mkdir -p $(D)
	@python3 $(ZOO)/unpack.py $< $(D)/$*
	@METHODS='$(METHODS)' RECIPES='$(RECIPES)' SEEDS='$(SEEDS)' \
		$(PIPELINES)/zoo-program $< $(D)/$* > $@.part
	@mv $@.part $@
	@echo "$*: done" >&2

$(D)/backups.md: $(BACKUPS) $(PIPELINES)/zoo-backups
	@mkdir -p $(D)
	@METHODS='$(METHODS)' RECIPES='$(RECIPES)' $(PIPELINES)/zoo-backups $(D) $(BACKUPS) > $@.part
	@mv $@.part $@

$(D)/table.md: $(PROGRAMS:%=$(D)/%.json) $(D)/backups.md $(PIPELINES)/zoo-table
	@{ $(PIPELINES)/zoo-table $(PROGRAMS:%=$(D)/%.json) && printf '### Two paths\n\n' && \
		cat $(D)/backups.md; } > $@.part
	@mv $@.part $@
	@cat $@

page: $(D)/table.md
	@sed -e '/^<!-- zoo: begin -->$$/,/^<!-- zoo: end -->$$/{/<!--/!d}' \
		-e '/^<!-- zoo: begin -->$$/r $<' $(PAGE) > $(PAGE).part
	@mv $(PAGE).part $(PAGE)
