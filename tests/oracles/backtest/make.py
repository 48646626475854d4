"""Random lists of scores and events with scikit-learn's AUC and scipy's tau-b: python3 make.py > lists.json"""
import json
import sys

import numpy as np
from scipy.stats import kendalltau
from sklearn.metrics import roc_auc_score

random = np.random.default_rng(19)
lists = []
for trial in range(60):
    count = int(random.integers(2, 80))
    scores = random.normal(size=count)
    if trial % 3 == 1:
        scores = np.round(scores, 1)  # ties
    if trial % 3 == 2:
        scores = random.integers(0, 4, size=count).astype(float)  # many ties
    events = random.poisson(0.5, size=count)
    if trial % 10 == 9:
        events = np.zeros(count, dtype=int) if trial % 20 == 9 else np.ones(count, dtype=int)
    happened = events > 0
    auc = roc_auc_score(happened, scores) if 0 < happened.sum() < count else None
    tau = kendalltau(scores, events, variant="b").statistic
    lists.append({
        "scores": scores.tolist(), "events": events.tolist(), "auc": auc, "tau_b": None if np.isnan(tau) else float(tau),
    })
json.dump(lists, sys.stdout, indent=None)
