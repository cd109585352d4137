# From a task to a table of circuits:
#
#   make -f pipelines/hap.mk MODEL=models/demo TASK=ioi SPARSITY='90% 94%' SEEDS=3
#
# task -> cache -> scores -> subgraph -> circuit -> report, each a stream that is
# kept under results/NAME and not made again as long as what it is made from and
# the options it is made with stay the same. The processor time that a stage took
# stands beside its product, in FILE.seconds.
#
#   MODEL     folder or .gguf file
#   TASK      a task of hap-task, or with PROMPTS=DIR a name for one's own
#             prompts, DIR/train.jsonl, validation.jsonl and test.jsonl: by default
#             the folder's
#   SPARSITY  one or more, in percent of all edges
#   SEEDS     how many seeds each method that draws random numbers gets
#             METHOD.seeds=N on the command line gives one of them another number,
#             and no samples
#   TRAIN, VALIDATION, TEST   how many prompts of each split; of one's own all there are
#   METRICS   what hap-eval measures, kl among it
#   METHODS   any of
#             eap, eap-ig  the first of the ranking by attribution
#             ep           edge pruning of the whole graph
#             ep-small     the same with 2 prompts a step instead of 32, and without EP
#             hap-ep       edge pruning of the subgraph that attribution leaves,
#                          as in the paper
#             hap          the default recipe on that subgraph, from its scores
#             hap-thorough the thorough recipe there
#             rank         the default recipe on the whole graph, without attribution
#             hap-as-ep    hap with as many edges as ep's own threshold leaves with
#                          that seed: the two at equal size
#   EP        further options of edge pruning, such as --steps 300
#   ATTRIB    the attribution of eap and of the subgraph, as options of hap-attrib, by
#             default --method eap; another is a row 'attribution' instead of EAP.
#             Prompts without wrong answers need one, and METRICS without logit-diff:
#             ATTRIB='--method eap-ig-inputs --metric kl'
#             METRICS=kl,accuracy,exact-match
#   BOOTSTRAP a number: train on that bootstrap sample of the training prompts
#   SAMPLES   how many such samples, two or more, the pipeline runs itself for, to
#             tell how much circuits owe to the prompts; with seed 1 and the last
#             SPARSITY
#   POSITIONS names of positions that edges are told apart by, as hap-forward takes
#             them; sparsity then is of all edges at all positions
#   KEEP      size of that subgraph, N edges or P%
#   NAME      folder under RESULTS, by default results
#
# No name of a file may hold a space, as everywhere in make.

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
METRICS ?= kl,logit-diff,accuracy,exact-match
NAME ?= $(basename $(notdir $(MODEL:%/=%)))-$(TASK)
RESULTS ?= results
D := $(RESULTS)/$(NAME)

comma := ,
ifeq ($(filter grouped-target,$(.FEATURES)),)
$(error GNU make 4.3 or newer is needed, this is $(MAKE_VERSION))
endif

# A method either cuts the ranking of its scores, or prunes: all edges, or those
# of the subgraph that the scores named leave.
eap.attrib := $(ATTRIB)
eap-ig.attrib := --method eap-ig-inputs --steps 5
# EP's own threshold leaves a circuit too, of another size than asked for.
ep.prune := --recipe edge-pruning --exact-sparsity $(EP)
ep.own := ep-own
ep-small.prune := --recipe edge-pruning --exact-sparsity --batch 2
hap-ep.prune := --recipe hap --exact-sparsity $(EP)
hap-ep.own := hap-ep-own
hap-ep.from := eap
hap.prune := --recipe rank
hap.from := eap
hap-thorough.prune := --recipe rank-thorough
hap-thorough.from := eap
rank.prune := --recipe rank
hap-as-ep.prune := --recipe rank
hap-as-ep.from := eap
hap-as-ep.size-of := ep-own
eap.title := $(if $(subst --method eap,,$(strip $(eap.attrib))),attribution,EAP)
eap-ig.title := EAP-IG
ep.title := EP
ep-own.title := EP, own threshold
ep-small.title := EP, batches of 2
hap-ep.title := HAP by EP
hap-ep-own.title := HAP by EP, own threshold
hap.title := HAP
hap-thorough.title := HAP, thorough
rank.title := rank sampling
hap-as-ep.title := HAP at the size of EP, own

ALL_METHODS := $(sort $(filter-out %-own,$(patsubst %.title,%,$(filter %.title,$(.VARIABLES)))))
ifneq ($(filter-out $(ALL_METHODS),$(METHODS)),)
$(error no method '$(filter-out $(ALL_METHODS),$(METHODS))': there are $(ALL_METHODS))
endif
# The method from whose circuits a method takes its sizes.
sizer = $($(1).size-of:%-own=%)
$(foreach m,$(METHODS),$(if $(filter-out $(METHODS),$(call sizer,$(m))),\
	$(error METHODS holds $(m), which needs $(call sizer,$(m)) beside it)))
$(foreach v,MODEL TASK NAME RESULTS PROMPTS,$(if $(word 2,$($(v))),\
	$(error $(v) is '$($(v))', and make knows no names with spaces)))
$(foreach f,$(if $(PROMPTS),$(addprefix $(PROMPTS)/,train.jsonl validation.jsonl test.jsonl)),\
	$(if $(wildcard $(f)),,$(error PROMPTS: there is no $(f))))
ifeq ($(filter kl,$(subst $(comma), ,$(METRICS))),)
$(error METRICS must hold kl, by which circuits are compared)
endif
SAMPLE_LIST := $(if $(filter-out 0,$(SAMPLES)),$(shell seq $(SAMPLES)))
ifeq ($(if $(filter-out 0,$(SAMPLES)),$(word 2,$(SAMPLE_LIST)),none),)
$(error SAMPLES is '$(SAMPLES)', but to compare takes two samples or more, 0 for none)
endif
ifeq ($(shell PATH='$(PATH)' command -v hap-task),)
$(error the programs are not built yet: run make first)
endif

SEED_LIST := $(shell seq $(SEEDS))
ifeq ($(and $(strip $(SPARSITY)),$(SEED_LIST)),)
$(error SPARSITY and SEEDS must name at least one sparsity and one seed)
endif

# Without its sign one below 1 would more likely be meant as a share of 1.
is_percentage = $(shell printf %s '$(1)' | \
	grep -E '^(([0-9]{1,2}([.][0-9]*)?|[.][0-9]+)%|[1-9][0-9]?([.][0-9]*)?)$$')
$(foreach s,$(SPARSITY),$(if $(call is_percentage,$(s)),,\
	$(error SPARSITY holds '$(s)', which is no percentage below 100, such as 94%)))

# What is named twice is made once, or it would count as another seed: 94%, 94 and
# 94.0 are one sparsity.
once = $(if $(1),$(strip $(firstword $(1)) $(call once,$(filter-out $(firstword $(1)),$(1)))))
SPARSITIES := $(call once,$(shell printf '%s\n' $(SPARSITY) | \
	sed -E 's/%$$//; s/^[.]/0./; s/^0+([0-9])/\1/; s/([.][0-9]*[1-9])0+$$/\1/; s/[.]0*$$//'))
override METHODS := $(call once,$(METHODS))

TIMED = @$(PIPELINES)/timed $@.seconds
# The model's files, so that another model makes everything anew.
MODEL_FILES := $(filter-out %.md %.py,$(wildcard $(MODEL)/*.* $(MODEL)/tasks/*.jsonl \
	$(filter %.gguf,$(MODEL))))
prompts = $(TASK) $(if $(PROMPTS),--from $(PROMPTS)/$(1).jsonl,--split $(1))$(if $(2), -n $(2))
keep_of = $(shell awk 'BEGIN { print 100 - $(1) }')%

CUTS := $(foreach m,$(METHODS),$(if $($(m).attrib),$(m)))
PRUNES := $(foreach m,$(METHODS),$(if $($(m).prune),$(m)))
SCORES := $(sort $(CUTS) $(foreach m,$(PRUNES),$($(m).from)))

seeds_of = $(if $($(1).seeds),$(shell seq $($(1).seeds)),$(SEED_LIST))
$(foreach m,$(METHODS),$(if $(call sizer,$(m)),\
	$(if $(filter-out $(call seeds_of,$(call sizer,$(m))),$(call seeds_of,$(m))),\
	$(error $(m) takes the size of $(call sizer,$(m)) seed by seed, and $(call sizer,$(m)) has fewer seeds: set $(m).seeds too))))
circuit_names = $(if $($(1).attrib),$(1)-$(2),$(foreach n,$(call seeds_of,$(1:-own=)),$(1)-$(2)-$(n)))
WRITTEN := $(foreach m,$(METHODS),$(m) $($(m).own))
NAMES := $(foreach m,$(WRITTEN),$(foreach s,$(SPARSITIES),$(call circuit_names,$(m),$(s))))
CIRCUITS := $(NAMES:%=$(D)/%.circuit)
PICTURES := $(if $(filter hap,$(METHODS)),$(SPARSITIES:%=$(D)/hap-%.svg))

.NOTPARALLEL:
.DELETE_ON_ERROR:
.PHONY: all circuits table force
.SUFFIXES:

all: $(D)/table.txt $(D)/table.md $(PICTURES)
	@cat $(D)/table.txt
	@printf '\n'
	@printf 'written: %s\n' $^

circuits: $(CIRCUITS)
table: $(D)/table.json

# .options/NAME changes when the options do, and with it what depends on it.
# $(call options,NAME,TEXT)
define options
$(D)/.options/$(1): force
	@mkdir -p $$(@D)
	@printf '%s\n' '$(subst ','\'',$(2))' | cmp -s - $$@ || printf '%s\n' '$(subst ','\'',$(2))' > $$@
endef

define task_rule # split, number, further options
$(eval $(call options,$(1),$(MODEL) $(call prompts,$(1),$(2)) $(3)))
$(D)/$(1).task: $(D)/.options/$(1) $(MODEL_FILES) $(if $(PROMPTS),$(PROMPTS)/$(1).jsonl)
	$$(TIMED) hap-task -m $(MODEL) $(call prompts,$(1),$(2)) $(3) -o $$@
endef
$(eval $(call task_rule,train,$(TRAIN),$(if $(BOOTSTRAP),--bootstrap $(BOOTSTRAP))))
$(eval $(call task_rule,validation,$(VALIDATION)))
$(eval $(call task_rule,test,$(TEST)))

positions := $(if $(POSITIONS),--positions $(POSITIONS))
$(eval $(call options,train.cache,$(positions)))
$(D)/train.cache: $(D)/train.task $(D)/.options/train.cache
	$(TIMED) hap-forward -m $(MODEL) $(positions) -o $@ $<

define scores_rule # method
$(eval $(call options,$(1).scores,$($(1).attrib)))
$(D)/$(1).scores: $(D)/train.cache $(D)/.options/$(1).scores
	$$(TIMED) hap-attrib -m $(MODEL) $($(1).attrib) -o $$@ $$<

$(D)/$(1).subgraph: $(D)/$(1).scores $(D)/.options/$(1).subgraph
	$$(TIMED) hap-select --keep $(KEEP) -o $$@ $$<
$(eval $(call options,$(1).subgraph,$(KEEP)))
endef
$(foreach m,$(SCORES),$(eval $(call scores_rule,$(m))))

# Dead edges stay in a circuit that is cut from a ranking, so that it has the
# sparsity asked for; hap-eval leaves them out.
define cut_rule # method, sparsity
$(D)/$(1)-$(2).circuit: $(D)/$(1).scores
	$$(TIMED) hap-select --keep $(call keep_of,$(2)) --keep-dead -o $$@ $$<
endef
$(foreach m,$(CUTS),$(foreach s,$(SPARSITIES),$(eval $(call cut_rule,$(m),$(s)))))

sized_by = $(if $($(1).size-of),$(D)/$($(1).size-of)-$(2)-$(3).circuit)
size_for = $(if $($(1).size-of),--edges "$$$$edges",--sparsity $(2)%)
# What has no edges is no size to prune to.
find_size = $(if $($(1).size-of),edges="$$$$($(PIPELINES)/table size $(sized_by))" || exit; \
	[ "$$$$edges" -gt 0 ] || { echo "hap.mk: $(1) cannot take its size from '$(sized_by)': it has no edges;" \
		"give EP more steps (EP) or take $(1) out of METHODS" >&2; exit 1; };)
define prune_rule # method, sparsity, seed
$(D)/$(1)-$(2)-$(3).circuit $(if $($(1).own),$(D)/$($(1).own)-$(2)-$(3).circuit )&: \
		$(D)/train.cache \
		$(if $($(1).from),$(D)/$($(1).from).subgraph $(D)/$($(1).from).scores) \
		$(sized_by) $(D)/.options/$(1)
	@$(call find_size,$(1),$(2),$(3)) $(PIPELINES)/timed $(D)/$(1)-$(2)-$(3).circuit.seconds \
		hap-prune -m $(MODEL) $($(1).prune) $(call size_for,$(1),$(2),$(3)) --seed $(3) \
		$(if $($(1).own),--threshold-circuit $(D)/$($(1).own)-$(2)-$(3).circuit) \
		-o $(D)/$(1)-$(2)-$(3).circuit \
		$$(filter-out $(D)/.options/% $(sized_by),$$^)
endef
$(foreach m,$(PRUNES),$(eval $(call options,$(m),$($(m).prune))) \
	$(foreach s,$(SPARSITIES),$(foreach n,$(call seeds_of,$(m)),$(eval $(call prune_rule,$(m),$(s),$(n))))))

$(eval $(call options,metrics,$(METRICS)))
define report_rule # split
$(D)/%.$(1).report: $(D)/%.circuit $(D)/$(1).task $(D)/.options/metrics
	$$(TIMED) hap-eval -m $(MODEL) --metric $(METRICS) -o $$@ $(D)/$(1).task $$<

$(D)/full.$(1).report: $(D)/$(1).task $(D)/.options/metrics
	$$(TIMED) hap-eval -m $(MODEL) --metric $(METRICS) --full -o $$@ $$<

$(D)/empty.$(1).report: $(D)/$(1).task $(D)/.options/metrics
	$$(TIMED) hap-eval -m $(MODEL) --metric $(METRICS) --empty -o $$@ $$<
endef
$(eval $(call report_rule,test))
$(eval $(call report_rule,validation))

# How alike the circuits are that seeds, and bootstrap samples, give.
SAMPLED_AT := $(lastword $(SPARSITIES))
SAMPLED_METHODS := $(foreach m,$(METHODS),\
	$(if $($(m).seeds)$($(call sizer,$(m)).seeds),,$(m)))
SAMPLED := $(foreach m,$(SAMPLED_METHODS),$(foreach w,$(m) $($(m).own),$(w)-$(SAMPLED_AT)$(if $($(m).attrib),,-1).circuit))
of_samples = $(foreach k,$(SAMPLE_LIST),$(D)/sample-$(k)/$(1)-$(2)$(if $($(1).attrib),,-1).circuit)

# The same pipeline, which knows what it has to make again: all that says what a
# circuit is made of goes to it.
export MODEL TASK PROMPTS TRAIN KEEP METHODS EP ATTRIB POSITIONS RESULTS BIN
define sample_rule # number; the file is as new as the newest of its circuits
$(D)/sample-$(1)/.made: force
	+@$(MAKE) --no-print-directory -f $(firstword $(MAKEFILE_LIST)) NAME=$(NAME)/sample-$(1) \
		BOOTSTRAP=$(1) SEEDS=1 SAMPLES=0 SPARSITY=$(SAMPLED_AT) \
		METHODS='$(SAMPLED_METHODS)' circuits
	@test -e $$@ && test -z "$$$$(find $(SAMPLED:%=$(D)/sample-$(1)/%) -newer $$@)" || touch $$@
endef
$(foreach k,$(SAMPLE_LIST),$(eval $(call sample_rule,$(k))))

$(eval $(call options,overlap,$(foreach m,$(METHODS),$(m): $(call seeds_of,$(m))) / $(SAMPLE_LIST)))
define overlap_rule # method, sparsity
$(D)/$(1)-$(2).seeds.overlap: $(foreach c,$(call circuit_names,$(1),$(2)),$(D)/$(c).circuit) \
		$(D)/.options/overlap
	@$(PIPELINES)/table overlap $$(filter %.circuit,$$^) > $$@.part
	@mv $$@.part $$@

$(D)/$(1)-$(2).samples.overlap: $(SAMPLE_LIST:%=$(D)/sample-%/.made) $(D)/.options/overlap
	@$(PIPELINES)/table overlap $(call of_samples,$(1),$(2)) > $$@.part
	@mv $$@.part $$@
endef
$(foreach m,$(WRITTEN),$(foreach s,$(SPARSITIES),$(eval $(call overlap_rule,$(m),$(s)))))
overlap = --overlap '$($(1).title)' '$(2)' $(3) $(D)/$(1)-$(2).$(3).overlap
overlaps_of = $(if $(word 2,$(call circuit_names,$(1),$(2))),$(call overlap,$(1),$(2),seeds)) \
	$(if $(and $(SAMPLE_LIST),$(filter $(2),$(SAMPLED_AT)),\
		$(filter $(1:-own=),$(SAMPLED_METHODS))),$(call overlap,$(1),$(2),samples))

# What a circuit cost: the stages that it alone, or with others, came from.
costs = $(D)/train.cache.seconds \
	$(if $($(1).attrib),$(D)/$(1).scores.seconds) \
	$(if $($(1).from),$(D)/$($(1).from).scores.seconds $(D)/$($(1).from).subgraph.seconds)
row = --row $(1) '$(2)' '$(3)' '$(strip $(4))'
rows_of = $(foreach c,$(call circuit_names,$(1),$(2)),\
	$(call row,$(D)/$(c),$($(1).title),$(2),$(call costs,$(1)) $(D)/$(c).circuit.seconds)) \
	$(if $($(1).own),$(foreach c,$(call circuit_names,$($(1).own),$(2)),\
	$(call row,$(D)/$(c),$($($(1).own).title),$(2),)))
ROWS = $(call row,$(D)/full,full model,,) $(call row,$(D)/empty,empty circuit,,) \
	$(foreach s,$(SPARSITIES),$(foreach m,$(METHODS),$(call rows_of,$(m),$(s)))) \
	$(foreach s,$(SPARSITIES),$(foreach m,$(WRITTEN),$(call overlaps_of,$(m),$(s))))
REPORTED := full empty $(NAMES)
REPORTS := $(foreach n,$(REPORTED),$(D)/$(n).test.report $(D)/$(n).validation.report)

$(eval $(call options,table,$(ROWS)))
# First what needs no circuit: what is wrong with prompts or metrics shows at once.
$(D)/table.json: $(filter $(D)/full.%,$(REPORTS)) $(CIRCUITS) $(REPORTS) $(filter %.overlap,$(ROWS)) $(D)/.options/table $(PIPELINES)/table
	@$(PIPELINES)/table collect $(ROWS) > $@.part
	@mv $@.part $@

$(D)/table.txt: $(D)/table.json
	@$(PIPELINES)/table text $< > $@.part
	@mv $@.part $@

$(D)/table.md: $(D)/table.json
	@$(PIPELINES)/table markdown $< > $@.part
	@mv $@.part $@

# The picture is of the seed whose circuit is best on the validation prompts.
define picture_rule # sparsity
$(D)/hap-$(1).svg: $(D)/table.json
	@best=$$$$($(PIPELINES)/table best HAP $(1) $$<) && \
		echo "hap-show --svg -o $$@ $$$$best" >&2 && hap-show --svg -o $$@ "$$$$best"
endef
$(foreach s,$(SPARSITIES),$(eval $(call picture_rule,$(s))))

# Programs and prompts stay as they are; only options are looked at each time.
force:
$(MODEL_FILES):
