# The paper's table on the embedded model: indirect object identification by
# edge attribution patching (EAP), edge pruning (EP) and the hybrid (HAP), which
# prunes what EAP leaves: by EP as in the paper, and by hap-prune's own recipes.
#
#   make -f pipelines/table1.mk SPARSITY='90% 94%' SEEDS=5
#
# All variables of hap.mk may be given.

MODEL ?= models/demo
TASK ?= ioi
SPARSITY ?= 90% 94%
SEEDS ?= 5
METHODS ?= eap ep hap-ep hap hap-thorough
NAME ?= table1

include $(dir $(lastword $(MAKEFILE_LIST)))hap.mk
