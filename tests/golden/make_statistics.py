"""Golden values of intervals, tails and tests, from scipy. Run by hand, output committed:

    python make_statistics.py > statistics.json

Made with scipy 1.17.1 and numpy 2. `values` are skewed on purpose; intervals are those of
scipy.stats.bootstrap with a million resamples, so that ours differ by the noise of sampling
only. The sign-flip p-value counts all 2^12 sign patterns.
"""
import itertools
import json

import numpy as np
from scipy import stats

rng = np.random.default_rng(1)
x = np.round(rng.exponential(size=24) ** 1.5, 3)
y = np.round(x * 0.8 + rng.normal(size=24) * 0.4, 3)


def interval(data, statistic, **how):
    r = stats.bootstrap(data, statistic, n_resamples=1_000_000, confidence_level=0.95, batch=20_000,
                        rng=np.random.default_rng(2), method="BCa", vectorized=True, **how)
    return {"low": r.confidence_interval.low, "high": r.confidence_interval.high,
            "se": r.standard_error}


d = (x - y)[:12]
patterns = np.array(list(itertools.product((1, -1), repeat=12)))
means = np.abs(patterns @ d)
out = {
    "x": x.tolist(), "y": y.tolist(),
    "mean": interval((x,), lambda a, axis=-1: a.mean(axis)),
    "difference": interval((x, y), lambda a, b, axis=-1: a.mean(axis) - b.mean(axis), paired=True),
    "ratio": interval((x, y), lambda a, b, axis=-1: a.mean(axis) / b.mean(axis), paired=True),
    "sign_flip_12": float((means >= abs(d.sum()) - 1e-9).mean()),
    "normal_quantile": [[p, float(stats.norm.ppf(p))] for p in (1e-9, 0.025, 0.3, 0.5, 0.975)],
    "binomial": [{"n": n, "p": p, "k": k, "at_least": float(stats.binom.sf(k - 1, n, p)),
                  "at_most": float(stats.binom.cdf(k, n, p))}
                 for n, p, k in ((100, 0.5, 60), (100, 0.9, 81), (36084, 0.6, 21500), (7, 0.2, 0))],
    "clopper_pearson": [{"n": n, "k": k, "low": ci.low, "high": ci.high}
                        for n, k in ((10, 8), (200, 0), (1000, 1000), (300, 141))
                        for ci in [stats.binomtest(k, n).proportion_ci(0.95, "exact")]],
}
print(json.dumps(out, indent=1))
