"""Rank intervals of the ASEM index as COINr's get_sensitivity draws them, computed with numpy alone from raw.csv, units.csv and tree.csv.

python make_rank_intervals.py > rank_intervals.csv

Weights of the pillars and of the sub-indexes (levels 2 and 3) each times 1 + U(-0.25, 0.25), as get_noisy_weights with NoiseFactor 0.25; arithmetic or geometric
means at all levels, one as likely as the other; nothing else is drawn. Indicators are denominated, treated by COINr's defaults, and normalised by min-max to
1..100. 20,000 replicates, seed 1; rank 1 is the best, ties at the best.
"""
import csv
import os

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
ASEM = os.path.join(HERE, "..", "..", "..", "data", "reference", "asem")
NOISE, REPLICATES = 0.25, 20_000


def read(path):
    with open(path) as file:
        return list(csv.DictReader(file))


def skewness(x):
    n, d = len(x), x - x.mean()
    return np.sqrt(n) * (d**3).sum() / (d**2).sum() ** 1.5 * np.sqrt(n * (n - 1)) / (n - 2)


def kurtosis(x):
    n, d = len(x), x - x.mean()
    return ((n + 1) * (n * (d**4).sum() / (d**2).sum() ** 2 - 3) + 6) * (n - 1) / ((n - 2) * (n - 3))


def passes(x):
    return abs(skewness(x)) < 2 or kurtosis(x) < 3.5


def treated(column):
    known = column[~np.isnan(column)]
    if passes(known):
        return column
    x = column.copy()
    for _ in range(5):
        own = x[~np.isnan(x)]
        if passes(own):
            return x
        end = own.max() if skewness(own) >= 0 else own.min()
        rest = own[own != end]
        x[x == end] = rest.max() if end == own.max() else rest.min()
    own = x[~np.isnan(x)]
    return x if passes(own) else np.log(column - known.min() + 0.01 * (known.max() - known.min()))


def mean(scores, weights, geometric):
    known = ~np.isnan(scores)
    read = np.log(np.where(known, scores, 1.0)) if geometric else np.where(known, scores, 0.0)
    found = (read * weights * known).sum(axis=1) / (weights * known).sum(axis=1)
    return np.exp(found) if geometric else found


def main():
    rows, units = read(f"{ASEM}/raw.csv"), {row["uCode"]: row for row in read(f"{ASEM}/units.csv")}
    posts = {row["iCode"]: int(row["direction"]) for row in read(f"{HERE}/goalposts.csv")}
    parents, denominators = {}, {}
    with open(f"{HERE}/tree.csv") as file:
        for row in list(csv.reader(file))[1:]:
            # Some names of the published file hold a comma that is not quoted: what follows is counted from the end.
            if row[0] in "1234" and row[0]:
                parents[row[1]] = row[-2]
                denominators[row[1]] = row[-3] if row[0] == "1" else ""

    def number(text):
        return float(text) if text not in ("", "NA") else np.nan

    names = list(posts)
    columns = []
    for name in names:
        column = np.array([number(row[name]) for row in rows])
        if denominators[name]:
            column = column / np.array([number(units[row["uCode"]][denominators[name]]) for row in rows])
        column = treated(column) * posts[name]
        low, high = np.nanmin(column), np.nanmax(column)
        columns.append(1 + 99 * (column - low) / (high - low))
    pillars = [node for node in dict.fromkeys(parents[name] for name in names)]
    tops = list(dict.fromkeys(parents[pillar] for pillar in pillars))
    ones = {geometric: {} for geometric in (False, True)}
    for geometric, scores in ones.items():
        for pillar in pillars:
            own = np.column_stack([column for name, column in zip(names, columns) if parents[name] == pillar])
            scores[pillar] = mean(own, np.ones(own.shape[1]), geometric)
    random = np.random.default_rng(1)
    ranks = np.empty((REPLICATES, len(rows)))
    for replicate in range(REPLICATES):
        geometric = bool(random.integers(2))
        above = []
        for top in tops:
            own = [pillar for pillar in pillars if parents[pillar] == top]
            weights = 1 + NOISE * (2 * random.random(len(own)) - 1)
            above.append(mean(np.column_stack([ones[geometric][pillar] for pillar in own]), weights, geometric))
        index = mean(np.column_stack(above), 1 + NOISE * (2 * random.random(len(tops)) - 1), geometric)
        ranks[replicate] = 1 + (index[None, :] > index[:, None]).sum(axis=1)
    print("uCode,q05,q50,q95,mean")
    for at, row in enumerate(rows):
        low, middle, high = np.quantile(ranks[:, at], [0.05, 0.5, 0.95])
        print(f"{row['uCode']},{low:g},{middle:g},{high:g},{ranks[:, at].mean():.4f}")


main()
