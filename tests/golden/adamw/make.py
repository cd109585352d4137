"""Steps of torch.optim.AdamW under a linear schedule with warm-up, for
tests/unit/optimiser.c. Needs torch and transformers; writes adamw.json."""
import json
import os

import torch
from transformers import get_linear_schedule_with_warmup

STEPS, WARMUP = 12, 4
generator = torch.Generator().manual_seed(7)
start = torch.tensor([10.0, -3.0, 0.25, 0.0])
gradients = torch.randn(STEPS, 4, generator=generator) * torch.tensor([1e-3, 1.0, 30.0, 0.1])
gradients[3:6, 0] = 0.0  # as where a mask is clipped


def run(maximise, limit):
    value = torch.nn.Parameter(start.clone())
    optimiser = torch.optim.AdamW([{"params": [value], "maximize": maximise}], lr=0.8)
    schedule = get_linear_schedule_with_warmup(optimiser, WARMUP, STEPS)
    values, rates = [], []
    for gradient in gradients:
        value.grad = gradient.clone()
        if limit:
            torch.nn.utils.clip_grad_norm_([value], limit)
        rates.append(optimiser.param_groups[0]["lr"])
        optimiser.step()
        schedule.step()
        values.append(value.detach().tolist())
    return {"maximise": maximise, "limit": limit, "rates": rates, "values": values}


out = {
    "source": "torch %s, torch.optim.AdamW(lr=0.8), everything else default" % torch.__version__.split("+")[0],
    "steps": STEPS, "warmup": WARMUP, "rate": 0.8,
    "start": start.tolist(), "gradients": gradients.tolist(),
    "runs": [run(False, 0.0), run(True, 0.0), run(False, 1.0)],
}
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "adamw.json"), "w") as f:
    json.dump(out, f, indent=1)
    f.write("\n")
