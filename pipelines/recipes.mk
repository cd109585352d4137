# KL on test prompts against the number of masked runs, for edge pruning of several
# lengths and batch sizes and for rank sampling of several sizes:
#
#   make -f pipelines/recipes.mk TASK=ioi SEEDS=3
#
# Besides the table it writes curve.svg and, for docs/recipes.md, pivot.md, under
# results/recipes-TASK. With ep, which is edge pruning with its full 3,000 steps, it takes
# hours.
#
# All variables of hap.mk can be set. These have another default:
#   SPARSITY  [80% 90% 94% 97%]
#   SEEDS     [3]
#   METHODS   [ep-100 ep-300 ep-1000 ep ep-small ep-8 rank-short rank hap hap-thorough]
#             ep-100, ep-300, ep-1000  edge pruning with this number of steps
#             ep-8                     edge pruning with 8 prompts a step
#             rank-short               rank sampling with half the steps and prompts
#   NAME      [recipes-TASK]

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
rank-short.prune := --recipe rank --steps 24 --batch 8 --set choose-on=8 --set finalists-on=24 --set rounds=0
rank-short.title := rank sampling, short

include $(dir $(lastword $(MAKEFILE_LIST)))hap.mk

all: $(D)/curve.svg $(D)/pivot.md
$(D)/curve.svg: $(D)/table.json
	@$(PIPELINES)/table curve $< > $@.part
	@mv $@.part $@

$(D)/pivot.md: $(D)/table.json
	@$(PIPELINES)/table pivot $< > $@.part
	@mv $@.part $@
