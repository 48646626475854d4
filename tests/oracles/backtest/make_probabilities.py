"""Random probabilities and events with scikit-learn's Brier score and reliability curve of five bins:
python3 make_probabilities.py > probabilities.json"""
import json
import sys

import numpy as np
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss

random = np.random.default_rng(20)
lists = []
for trial in range(40):
    count = int(random.integers(1, 90))
    p = random.random(count)
    if trial % 4 == 1:
        p = np.round(p, 1)  # on the edges of bins
    if trial % 4 == 2:
        p = np.clip(np.round(p * 1.6 - 0.3, 2), 0, 1)  # many of 0 and 1
    happened = random.random(count) < p
    if trial % 10 == 9:
        happened[:] = trial % 20 == 9
    share, mean = calibration_curve(happened, p, n_bins=5, pos_label=True)
    lists.append({
        "p": p.tolist(), "happened": happened.astype(int).tolist(), "share": share.tolist(), "mean": mean.tolist(),
        "brier": float(brier_score_loss(happened, p, pos_label=True)),
    })
json.dump(lists, sys.stdout, indent=None)
