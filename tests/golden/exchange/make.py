#!/usr/bin/env python3
"""The edges of a model of 4 layers and 4 heads as the code of ACDC and auto-circuit names them.

Run by hand, output committed:

    python3 make.py ACDC AUTO_CIRCUIT > peers.json

ACDC is a checkout of ArthurConmy/Automatic-Circuit-Discovery, made with bc99ace;
AUTO_CIRCUIT one of UFO-101/auto-circuit, made with 98db58c. Only the graphs are built: TLACDCCorrespondence.
setup_from_model, and graph_edges of factorized nodes with separate_qkv. What else these modules
import (torch, transformer_lens, ...) is replaced by stubs.

acdc, acdc_pos: [child, index, parent, index] of every edge that can be cut, without and with
use_pos_embed. auto_circuit: [edge, module, index] of every edge, index into the module's tensor of
PruneScores.
"""
import json
import sys
import types
from unittest.mock import MagicMock

LAYERS = HEADS = 4


def stub(*names):
    for name in names:
        sys.modules[name] = MagicMock(name=name)


def acdc(root):
    sys.path.insert(0, root)
    stub("torch", "torch.nn", "torch.nn.functional", "wandb", "huggingface_hub", "numpy", "transformer_lens",
         "transformer_lens.HookedTransformer", "transformer_lens.HookedTransformerConfig")
    from acdc.TLACDCCorrespondence import TLACDCCorrespondence
    from acdc.TLACDCEdge import EdgeType
    model = types.SimpleNamespace(cfg=types.SimpleNamespace(n_layers=LAYERS, n_heads=HEADS, attn_only=False))
    for pos in (False, True):
        edges = TLACDCCorrespondence.setup_from_model(model, use_pos_embed=pos).all_edges()
        yield sorted(([child, list(i.hashable_tuple), parent, list(j.hashable_tuple)]
                      for (child, i, parent, j), edge in edges.items() if edge.edge_type == EdgeType.ADDITION),
                     key=json.dumps)


def auto_circuit(root):
    sys.path.insert(0, root)

    class HookedTransformer:
        cfg = types.SimpleNamespace(n_layers=LAYERS, n_heads=HEADS, attn_only=False, parallel_attn_mlp=False,
                                    use_attn_result=True, use_hook_mlp_in=True, use_split_qkv_input=True)

    stub("torch", "plotly", "plotly.io", "transformer_lens", "auto_circuit.data", "auto_circuit.utils.misc",
         "auto_circuit.model_utils.micro_model_utils", "auto_circuit.model_utils.sparse_autoencoders",
         "auto_circuit.model_utils.sparse_autoencoders.autoencoder_transformer",
         "auto_circuit.utils.patch_wrapper", "auto_circuit.utils.patchable_model", "auto_circuit.utils.tensor_ops")
    sys.modules["torch"].nn.Module = type("Module", (), {})
    import auto_circuit.model_utils as packages  # a stub of a part of it does not import it
    packages.micro_model_utils = sys.modules["auto_circuit.model_utils.micro_model_utils"]
    packages.sparse_autoencoders = sys.modules["auto_circuit.model_utils.sparse_autoencoders"]
    packages.sparse_autoencoders.autoencoder_transformer = sys.modules[
        "auto_circuit.model_utils.sparse_autoencoders.autoencoder_transformer"]
    for module, name in (("auto_circuit.model_utils.micro_model_utils", "MicroModel"),
                         ("auto_circuit.model_utils.sparse_autoencoders.autoencoder_transformer",
                          "AutoencoderTransformer")):
        setattr(sys.modules[module], name, type(name, (), {}))
    sys.modules["transformer_lens"].HookedTransformer = HookedTransformer
    from auto_circuit.utils.graph_utils import graph_edges
    edges = graph_edges(HookedTransformer(), True, True)[4]
    return sorted([e.name, e.dest.module_name, list(e.patch_idx)] for e in edges)


def main():
    joined, split = acdc(sys.argv[1])
    json.dump({"acdc": joined, "acdc_pos": split, "auto_circuit": auto_circuit(sys.argv[2])}, sys.stdout,
              separators=(",", ":"))
    print()


main()
