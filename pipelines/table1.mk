# The table of the HAP paper on the embedded model: indirect object identification by
# edge attribution patching (EAP), edge pruning (EP) and the hybrid (HAP), which prunes
# the subgraph that EAP selects: by EP as in the paper, and by hap-prune's own recipes.
#
#   make -f pipelines/table1.mk SPARSITY='90% 94%' SEEDS=5
#
# All variables of hap.mk can be set. These have another default:
#   SPARSITY  [90% 94%]
#   SEEDS     [5]
#   METHODS   [eap ep hap-ep hap hap-thorough]
#   NAME      [table1]

MODEL ?= models/demo
TASK ?= ioi
SPARSITY ?= 90% 94%
SEEDS ?= 5
METHODS ?= eap ep hap-ep hap hap-thorough
NAME ?= table1

include $(dir $(lastword $(MAKEFILE_LIST)))hap.mk
