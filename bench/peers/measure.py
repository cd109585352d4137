"""Times one step of Edge-Pruning's training, or EAP-IG's attribution, on a model
and prompts of token ids. bench/peers/run calls it.

    measure.py edge-pruning CHECKOUT MODEL PROMPTS --length N [--steps N] [--threads N]
    measure.py eap-ig CHECKOUT MODEL PROMPTS --method eap|eap-ig-inputs --scores JSON ...

MODEL is a GPT-2 folder or, for eap-ig, also a GGUF file of the Llama family.
--precision bf16 runs the products in BF16 (torch's autocast).

Prints one JSON object: versions, seconds an example (the least of the steps), batch, and for
attribution the largest difference from the scores in JSON (hap-convert's lines),
as a part of the largest score.
"""
import argparse
import json
import os
import sys
import time


def fail(message):
    sys.exit(f"measure.py: {message}")


def least(step, times):
    """Seconds of the quickest of so many steps, after one that warms up."""
    seconds = []
    for _ in range(times + 1):
        start = time.perf_counter()
        step()
        seconds.append(time.perf_counter() - start)
    return min(seconds[1:])


def edge_pruning(args, prompts):
    """Their loss (full model, corrupted run, masked run), backward, clipping and
    optimiser, on padded prompts, the KL at each prompt's last token."""
    from torch.nn.utils import clip_grad_norm_

    os.chdir(args.checkout)  # where their script looks for its modules
    sys.path[:0] = [os.path.join(args.checkout, "src", name) for name in ("modeling", "prune")]
    import fpt2_ioi as theirs

    def load():
        model = theirs.FPT2LMHeadModel.from_pretrained(args.model, with_embedding_nodes=True)
        model.reset_all_log_alphas()
        return model

    model = load()
    theirs.freeze_all_except_pruning_params(model)
    model.train()
    # Their trainer without a data set: only what compute_loss looks at.
    trainer = theirs.FPT2InfoTrainer.__new__(theirs.FPT2InfoTrainer)
    trainer.gpt2_model = load().eval()
    trainer.start_edge_sparsity = trainer.start_layer_sparsity = 0.0
    trainer.target_edge_sparsity, trainer.target_layer_sparsity = 0.94, 0.72
    trainer.num_edge_sparsity_warmup_steps = trainer.num_layer_sparsity_warmup_steps = 2500
    trainer.warmup_type = "linear"
    trainer.skip_layer_loss_if_higher_sparsity = False
    trainer.state = argparse.Namespace(global_step=0)
    optimiser, schedule = theirs.get_optimizers(
        model, edges_lr=0.8, layers_lr=0.8, reg_edges_lr=0.8, reg_layers_lr=0.8,
        num_training_steps=3000, warmup_steps=200, disable_node_loss=True)

    end = len(prompts[0]["clean"])
    padding = [model.config.vocab_size - 1] * (args.length - end)
    ids = {name: torch.tensor([p[name] + padding for p in prompts])
           for name in ("clean", "corrupted")}

    def step():
        loss = trainer.compute_loss(model, {
            "input_ids": ids["clean"], "corr_input_ids": ids["corrupted"], "labels": ids["clean"],
            "start_idxes": torch.full((len(prompts),), end - 1),
            "end_idxes": torch.full((len(prompts),), end)})
        loss.backward()
        clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        optimiser.zero_grad()
        trainer.state.global_step += 1

    return {"s_per_example": least(step, args.steps) / len(prompts), "batch": len(prompts)}


class OnProcessor:
    """torch for a module that asks for 'cuda' by name."""

    def __getattr__(self, name):
        return getattr(torch, name)

    def zeros(self, *size, **options):
        return torch.zeros(*size, **{**options, "device": "cpu"})


def llama_config(c):
    """The arguments of HookedTransformerConfig for a model of the Llama family."""
    heads = c.num_attention_heads
    return {
        "n_layers": c.num_hidden_layers, "n_heads": heads, "d_model": c.hidden_size,
        "d_head": getattr(c, "head_dim", None) or c.hidden_size // heads,
        "d_mlp": c.intermediate_size, "eps": c.rms_norm_eps, "act_fn": c.hidden_act,
        "n_ctx": min(c.max_position_embeddings, 1024), "normalization_type": "RMS",
        "final_rms": True, "gated_mlp": True, "positional_embedding_type": "rotary",
        "rotary_adjacent_pairs": False, "rotary_base": int(c.rope_theta),
        "rotary_dim": c.hidden_size // heads,
        "n_key_value_heads": c.num_key_value_heads if c.num_key_value_heads != heads else None,
        "ungroup_grouped_query_attention": True}


def gpt2_config(c):
    """The same for GPT-2."""
    return {
        "n_layers": c.n_layer, "n_heads": c.n_head, "d_model": c.n_embd,
        "d_head": c.n_embd // c.n_head, "d_mlp": c.n_inner or 4 * c.n_embd,
        "eps": c.layer_norm_epsilon, "act_fn": c.activation_function,
        "n_ctx": c.n_positions, "normalization_type": "LN"}


def hooked(path):
    """The model's weights as they are, in TransformerLens."""
    from transformer_lens import HookedTransformer, HookedTransformerConfig
    from transformer_lens.pretrained import weight_conversions as convert
    from transformers import AutoModelForCausalLM

    file = {}
    if path.endswith(".gguf"):
        path, file["gguf_file"] = os.path.split(path)
    source = AutoModelForCausalLM.from_pretrained(path or ".", **file).float()
    config, weights = {
        "gpt2": (gpt2_config, convert.convert_gpt2_weights),
        "llama": (llama_config, convert.convert_llama_weights)}[source.config.model_type]
    model = HookedTransformer(HookedTransformerConfig(
        **config(source.config), d_vocab=source.config.vocab_size,
        use_attn_result=True, use_split_qkv_input=True, use_hook_mlp_in=True,
        init_weights=False, device="cpu"))
    model.load_state_dict(weights(source, model.cfg), strict=False)
    return model


def eap_ig(args, prompts):
    """attribute() of batches of 4, the loss the wrong minus the right logit."""
    sys.path.insert(0, os.path.join(args.checkout, "src"))
    import eap.attribute as theirs
    from eap.graph import Graph

    def as_ids(_, batch):  # in place of tokenize_plus: prompts are ids already
        ids = torch.tensor(batch)
        lengths = torch.full((len(batch),), ids.shape[1])
        return ids, torch.ones_like(ids), lengths, ids.shape[1]

    def loss(logits, clean_logits, lengths, label):
        rows = torch.arange(len(label))
        answers, wrongs = torch.tensor(label).T
        return (logits[rows, -1, wrongs] - logits[rows, -1, answers]).sum()

    theirs.tokenize_plus = as_ids
    theirs.torch = OnProcessor()
    model = hooked(args.model)
    batches = [([p["clean"] for p in part], [p["corrupted"] for p in part],
                [(p["answer"], p["wrong"]) for p in part])
               for part in (prompts[i:i + 4] for i in range(0, len(prompts), 4))]
    method = {"eap": "EAP", "eap-ig-inputs": "EAP-IG-inputs"}[args.method]
    graph = Graph.from_model(model)

    def step():
        theirs.attribute(model, graph, batches, loss, method, ig_steps=5, quiet=True)

    seconds = least(step, args.steps) / len(prompts)
    with open(args.scores) as lines:
        ours = {r["edge"]: r["score"] for r in map(json.loads, lines) if "edge" in r}
    if set(ours) != set(graph.edges):
        fail(f"hap has {len(ours)} edges, EAP-IG {len(graph.edges)}")
    worst = max(abs(float(e.score) - ours[name]) for name, e in graph.edges.items())
    return {"s_per_example": seconds, "batch": 4,
            "difference": worst / max(abs(s) for s in ours.values())}


def versions(what):
    import transformers

    found = {"torch": torch.__version__, "transformers": transformers.__version__}
    if what == "eap-ig":
        from importlib.metadata import version
        found["transformer_lens"] = version("transformer_lens")
    return found


def main():
    options = argparse.ArgumentParser()
    options.add_argument("what", choices=["edge-pruning", "eap-ig"])
    options.add_argument("checkout", type=os.path.abspath)
    options.add_argument("model")
    options.add_argument("prompts")
    options.add_argument("--length", type=int)
    options.add_argument("--steps", type=int, default=2)
    options.add_argument("--threads", type=int, default=1)
    options.add_argument("--method", choices=["eap", "eap-ig-inputs"])
    options.add_argument("--scores")
    options.add_argument("--precision", choices=["f32", "bf16"], default="f32")
    args = options.parse_args()
    torch.set_num_threads(args.threads)
    with open(args.prompts) as lines:
        prompts = [json.loads(line) for line in lines]
    run = edge_pruning if args.what == "edge-pruning" else eap_ig
    # EAP-IG makes its first run without gradients; a weight cached there has none later.
    with torch.autocast("cpu", torch.bfloat16, enabled=args.precision == "bf16",
                        cache_enabled=False):
        result = run(args, prompts)
    print(json.dumps({**result, "versions": versions(args.what)}))


try:
    import torch
    main()
except ModuleNotFoundError as missing:
    fail(f"{sys.executable} lacks the module '{missing.name}' (bench/peers/README.md)")
