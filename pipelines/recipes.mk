# What a pruning recipe's masked runs buy: KL on test prompts against masked runs,
# for edge pruning of several lengths and batches and rank sampling of several sizes.
#
#   make -f pipelines/recipes.mk TASK=ioi SEEDS=3
#
# Writes, beside the table, results/recipes-TASK/curve.svg and, as docs/recipes.md has
# it, pivot.md. All variables of hap.mk
# may be given; with ep, edge pruning's full 3,000 steps, it takes hours.

TASK ?= ioi
SPARSITY ?= 80% 90% 94% 97%
SEEDS ?= 3
METHODS ?= ep-100 ep-300 ep-1000 ep ep-small ep-8 rank-short rank hap hap-thorough
NAME ?= recipes-$(TASK)

ep-100.prune := --recipe edge-pruning --exact-sparsity --steps 100
ep-100.title := EP, 100 steps
ep-300.prune := --recipe edge-pruning --exact-sparsity --steps 300
ep-300.title := EP, 300 steps
ep-1000.prune := --recipe edge-pruning --exact-sparsity --steps 1000
ep-1000.title := EP, 1000 steps
ep-8.prune := --recipe edge-pruning --exact-sparsity --batch 8
ep-8.title := EP, batches of 8
rank-short.prune := --recipe rank --steps 24 --batch 8 --set choose-on=8 --set finalists-on=24
rank-short.title := rank sampling, short

include $(dir $(lastword $(MAKEFILE_LIST)))hap.mk

all: $(D)/curve.svg $(D)/pivot.md
$(D)/curve.svg: $(D)/table.json
	@$(PIPELINES)/table curve $< > $@.part
	@mv $@.part $@

$(D)/pivot.md: $(D)/table.json
	@$(PIPELINES)/table pivot $< > $@.part
	@mv $@.part $@
