# From a task to a table of circuits:
#
#   make -f pipelines/hap.mk MODEL=models/demo TASK=ioi SPARSITY='90% 94%' SEEDS=3
#
# task -> cache -> scores -> subgraph -> circuit -> report. Each is a stream that is
# kept under results/NAME. It is made again only if its inputs or its options change.
# FILE.seconds contains the processor time of the stage that made FILE. The rules are in
# results/NAME/Makefile; make -n prints the commands that would run.
#
# make -j2 runs two stages side by side, for example two prunings. Each of N jobs gets
# 1/N of the processors as threads, unless OMP_NUM_THREADS is set.
# A pruning that is interrupted resumes from FILE.checkpoint at the next make.
#
# Targets:
#   all       the table, as text and Markdown, and pictures of the best HAP circuits
#   circuits  the circuits only
#   table     the table as JSON only
#   curve     the metrics against the share of edges that is kept, as a picture, curve.svg
#   roles     the heads' roles by hap-eval --roles, and which of them each circuit keeps
#   help      print this text
#
# Variables [default]:
#   MODEL     a folder or a .gguf file [models/demo]
#   TASK      a task of hap-task, or with PROMPTS a name for your own prompts [ioi, or
#             the name of the folder PROMPTS]
#   PROMPTS   a folder with your own train.jsonl, validation.jsonl and test.jsonl
#   SPARSITY  one or more sparsities, in percent of all edges [94%]
#   SEEDS     number of seeds of each method that draws random numbers [1]
#             METHOD.seeds=N gives one method another number, and no samples
#   TRAIN, VALIDATION, TEST
#             number of prompts of each split [200, 200, 1000; all with PROMPTS]
#   METRICS   metrics of hap-eval; must contain kl [kl,logit-diff,accuracy,exact-match]
#   METHODS   any of the following [hap]
#             eap, eap-ig  the best edges by attribution score
#             ep           edge pruning of the whole graph
#             ep-small     the same with 2 prompts a step instead of 32, and without EP
#             hap-ep       edge pruning of the subgraph that attribution selects, as in
#                          the paper
#             hap          the default recipe. Circuits of 128 edges and more are searched
#                          for in the whole graph, from AtP*'s scores of 16 prompts,
#                          smaller ones in the subgraph of eap, from its scores
#             hap-thorough the thorough recipe, in the same way
#             atp          the best edges by AtP*'s scores of 16 prompts
#             hap-atp, hap-eap
#                          the default recipe from these or those scores at any size
#             rank         the default recipe on the whole graph, without attribution
#             hap-as-ep    hap with as many edges as ep's own threshold leaves with the
#                          same seed, to compare the two at equal size
#   EP        further options of edge pruning, such as --steps 300
#   ATTRIB    options of hap-attrib for eap and for the subgraph [--method eap]. With
#             other options the table's row is called attribution instead of EAP, and
#             hap starts from these scores at any size.
#             Prompts without wrong answers need other options, and other METRICS:
#             ATTRIB='--method eap-ig-inputs --metric kl'
#             METRICS=kl,accuracy,exact-match
#   BOOTSTRAP number of a bootstrap sample of the training prompts to train on
#   SAMPLES   number of bootstrap samples, two or more, to measure how much circuits
#             depend on the prompts; they have seed 1 and the last SPARSITY [0]
#   LOADINGS  number of edges of which the target roles shows the loadings [10]
#   POSITIONS names of positions at which edges are told apart, as in hap-forward;
#             SPARSITY is then of all edges at all positions
#   KEEP      size of the subgraph, N edges or P% [70%]
#   NAME      folder under RESULTS [MODEL-TASK]
#   RESULTS   where to write [results]
#   BIN       folder of the programs [bin]
#
# File names must not contain spaces, because make does not allow them.

INCLUDER := $(filter-out %hap.mk,$(firstword $(MAKEFILE_LIST)))
PIPELINES := $(patsubst %/,%,$(dir $(lastword $(MAKEFILE_LIST))))
BIN ?= $(PIPELINES)/../bin
export PATH := $(abspath $(BIN)):$(PATH)

MODEL ?= models/demo
TASK ?= $(if $(PROMPTS),$(notdir $(PROMPTS:%/=%)),ioi)
SPARSITY ?= 94%
SEEDS ?= 1
TRAIN ?= $(if $(PROMPTS),,200)
VALIDATION ?= $(if $(PROMPTS),,200)
TEST ?= $(if $(PROMPTS),,1000)
KEEP ?= 70%
METHODS ?= hap
EP ?=
ATTRIB ?= --method eap
POSITIONS ?=
BOOTSTRAP ?=
SAMPLES ?= 0
LOADINGS ?= 10
METRICS ?= kl,logit-diff,accuracy,exact-match
NAME ?= $(basename $(notdir $(MODEL:%/=%)))-$(TASK)
RESULTS ?= results
PROMPTS ?=
D := $(RESULTS)/$(NAME)

# The methods. METHOD.title is the name in the tables. A method has one of
#   METHOD.attrib     options of hap-attrib; the circuit has the best edges by these scores
#   METHOD.prune      options of hap-prune
# and a method that prunes may have
#   METHOD.from       the method whose scores and subgraph it starts from; without it,
#                     pruning starts from the whole graph
#   METHOD.start      the method whose scores it starts from, in the whole graph; with
#                     METHOD.from too, only circuits of LARGE edges and more
#   METHOD.threshold  the title of a second circuit: the one that edge pruning's own
#                     threshold leaves
#   METHOD.size-of    the method whose threshold circuits give the number of edges
# From here on the default recipe refines a circuit; smaller ones are sampled.
LARGE := 128

OTHER_ATTRIB := $(subst --method eap,,$(strip $(ATTRIB)))
eap.title := $(if $(OTHER_ATTRIB),attribution,EAP)
eap.attrib := $(ATTRIB)

eap-ig.title := EAP-IG
eap-ig.attrib := --method eap-ig-inputs --steps 5

ep.title := EP
ep.prune := --recipe edge-pruning --exact-sparsity $(EP)
ep.threshold := EP, own threshold

ep-small.title := EP, batches of 2
ep-small.prune := --recipe edge-pruning --exact-sparsity --batch 2

hap-ep.title := HAP by EP
hap-ep.prune := --recipe hap --exact-sparsity $(EP)
hap-ep.from := eap
hap-ep.threshold := HAP by EP, own threshold

hap.title := HAP
hap.prune := --recipe rank
hap.from := eap
hap.start := $(if $(OTHER_ATTRIB),,atp)

hap-eap.title := HAP from EAP
hap-eap.prune := --recipe rank
hap-eap.from := eap

hap-thorough.title := HAP, thorough
hap-thorough.prune := --recipe rank-thorough
hap-thorough.from := eap
hap-thorough.start := $(hap.start)

atp.title := AtP*, 16 prompts
atp.attrib := --method atp-star --prompts 16

hap-atp.title := HAP from AtP*
hap-atp.prune := --recipe rank
hap-atp.start := atp

rank.title := rank sampling
rank.prune := --recipe rank

hap-as-ep.title := HAP at the size of EP, own
hap-as-ep.prune := --recipe rank
hap-as-ep.from := eap
hap-as-ep.start := $(hap.start)
hap-as-ep.size-of := ep

.DELETE_ON_ERROR:
.PHONY: all circuits table curve roles help
.SUFFIXES:

all:

# The opening comments of the file that includes this one and of this file.
help:
	@for file in $(firstword $(MAKEFILE_LIST)) $(if $(INCLUDER),$(PIPELINES)/hap.mk); do \
		sed -n '/^#/!q; s/^# \{0,1\}//p' "$$file"; echo; done

# pipelines/plan checks the variables and writes the rules to $(D)/Makefile. It prints
# what is wrong with a variable.
ifeq ($(filter help,$(MAKECMDGOALS)),)
ifeq ($(filter grouped-target,$(.FEATURES)),)
$(error GNU make 4.3 or newer is needed, this is $(MAKE_VERSION))
endif
PROPERTIES := $(filter %.title %.attrib %.prune %.from %.start %.threshold %.size-of %.seeds,$(.VARIABLES))
quoted = '$(subst ','\'',$(1)=$($(1)))'
PROBLEM := $(shell PATH='$(PATH)' $(PIPELINES)/plan $(foreach v,MODEL TASK PROMPTS SPARSITY \
	SEEDS TRAIN VALIDATION TEST METRICS METHODS EP ATTRIB BOOTSTRAP SAMPLES LOADINGS POSITIONS KEEP \
	LARGE NAME RESULTS $(PROPERTIES),$(call quoted,$(v))) 2>&1)
ifneq ($(.SHELLSTATUS)$(PROBLEM),0)
$(error $(PROBLEM))
endif
include $(D)/Makefile
endif
