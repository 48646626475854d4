#!/usr/bin/env python3
"""Tables of great-britain-2022.md and north-west-europe.md, from run folders.

tables.py --now RUNS [--before RUNS]                      all tables as Markdown
tables.py --now RUNS [--before RUNS] --into PAGE [...]    rewrites the tables between <!-- NAME --> and <!-- end --> in place

RUNS is a folder that holds great-britain, uk-clusters, north-west-europe and backtest-north-west-europe.
--before gives the runs on the older evidence; without it those columns say "-".
"""
import argparse, pathlib, re
import pandas as pd

LOC, INT = "locational_advantage", "inter_firm_linkages"


def num(value, digits=0):
    return "-" if value is None or pd.isna(value) else f"{value:,.{digits}f}"


def read(run, table):
    path = run / f"{table}.csv" if run else None
    return pd.read_csv(path) if path and path.exists() else None


def by(run, table, column="cluster_id"):
    frame = read(run, table)
    return None if frame is None else frame.set_index(column)


def cell(frame, row, column):
    return frame[column].get(row) if frame is not None and column in frame else None


def nodes(run, column):
    return read(run, "scores").pivot(index="cluster_id", columns="node", values=column)


def markdown(header, rows, left=1):
    align = ["---"] * left + ["--:"] * (len(header) - left)
    lines = [header, align] + rows
    return "\n".join("| " + " | ".join(str(x) for x in line) + " |" for line in lines)


def types(frame, row):
    value = cell(frame, row, "possible_types")
    return "-" if value is None or pd.isna(value) else str(value).removesuffix(".0").replace("|", " or ")


def scores(now, before):
    """One row a cluster: size, both scores, coverage and bounds, types; now and before."""
    new, old, part = by(now, "clusters"), by(before, "clusters"), nodes(now, "score")
    header = ["cluster", "sites", "Mt", "LA", "physical / proximity / net-zero", "linkages", "coverage", "bounds", "type", "LA before", "coverage before", "type before"]
    rows = []
    for row in new.sort_values("emissions_t", ascending=False).index:
        c = new.loc[row]
        parts = " / ".join(num(part.loc[row, n]) for n in ("physical_and_factor_conditions", "geographic_proximity", "net_zero_elements"))
        rows.append([c.cluster_name, c.facility_count, num(c.emissions_t / 1e6, 2), num(c[LOC], 1), parts, num(c[INT], 1), num(c[f"{INT}_coverage"], 2),
                     f"{num(c[INT + '_low'])}-{num(c[INT + '_high'])}", types(new, row), num(cell(old, row, LOC), 1), num(cell(old, row, f"{INT}_coverage"), 2), types(old, row)])
    return markdown(header, rows)


def kinds(now, before):
    """One row a cluster: what the linkages rest on; share of emissions observed per kind, now and before."""
    new, fig, old, part = by(now, "clusters"), by(now, "figures"), by(before, "figures"), nodes(now, "score")
    header = ["cluster", "formal", "informal", "institutions", "shared pipes"]
    header += [f"{k} observed (before)" for k in ("formal", "informal", "physical")]
    rows = []
    for row in new.sort_values("emissions_t", ascending=False).index:
        seen = [cell(fig, row, f"observed_emission_share_{k}") for k in ("formal", "informal", "physical")]
        was = [cell(old, row, f"observed_emission_share_{k}") for k in ("formal", "informal", "physical")]
        rows.append([new.cluster_name[row]] + [num(part[n].get(row)) for n in ("formal_networks", "informal_networks", "institutions", "shared_infrastructure")]
                    + [f"{num(a, 2)} ({num(b, 2)})" for a, b in zip(seen, was)])
    return markdown(header, rows)


def shares(now, before):
    """Clusters and emissions by type, now and before."""
    new, old = read(now, "types"), read(before, "types")
    name = lambda t: f"{int(t['type'])} {t['type_name']}" if pd.notna(t["type"]) else t["type_name"]
    line = lambda frame: [f"{num(t['emissions_t'] / 1e6, 2)}" + (f" ({num(t['cluster_count'])})" if pd.notna(t["cluster_count"]) else "") for _, t in frame.iterrows()]
    rows = [["now"] + line(new)] + ([["before"] + line(old)] if old is not None else [])
    return markdown(["Mt (clusters)"] + [name(t) for _, t in new.iterrows()], rows)


def short(now, before):
    """The forty: one row a cluster."""
    new, old, fig, part = by(now, "clusters"), by(before, "clusters"), by(now, "figures"), nodes(now, "score")
    header = ["cluster", "id", "sites", "Mt", "LA", "LA before", "linkages", "coverage", "bounds", "type", "formal / informal / institutions / pipes", "observed: formal / informal / physical"]
    rows = []
    for row in new.sort_values("emissions_t", ascending=False).index:
        c = new.loc[row]
        four = [part[n].get(row) for n in ("formal_networks", "informal_networks", "institutions", "shared_infrastructure")]
        seen = [cell(fig, row, f"observed_emission_share_{k}") for k in ("formal", "informal", "physical")]
        known = pd.notna(c[INT])
        rows.append([c.cluster_name, row, c.facility_count, num(c.emissions_t / 1e6, 2), num(c[LOC], 1), num(cell(old, row, LOC), 1), num(c[INT], 1),
                     num(c[f"{INT}_coverage"], 2), f"{num(c[INT + '_low'])}-{num(c[INT + '_high'])}", types(new, row),
                     " / ".join(num(v) for v in four) if known else "", " / ".join(num(v, 2) for v in seen) if any(seen) else ""])
    return markdown(header, rows, 2)


def backtest(run, _):
    rows = []
    for _, b in read(run, "backtest").iterrows():
        if b.with_event_count == 0:      # nothing to rank: the fates say so
            continue
        span = lambda stem: f"{num(b[stem], 2)} [{num(b[stem + '_low'], 2)}, {num(b[stem + '_high'], 2)}]" if pd.notna(b[stem]) else "-"
        rows.append([b.outcome, b.predictor, f"{b.with_event_count} of {b.cluster_count}", b.event_count, span("auc"), span("auc_over_emissions"), span("auc_over_sites"), num(b.tau_b, 2),
                     " / ".join(num(b[f"precision_at_{k}"], 2) for k in (3, 5, 10))])
    return markdown(["outcome", "predictor", "clusters with an event", "events", "AUC", "over emissions", "over sites", "tau-b", "precision at 3 / 5 / 10"], rows, 2)


def fates(run, _):
    t = pd.crosstab(read(run, "outcome_events").outcome, read(run, "outcome_events").fate)
    columns = ["counted", "phase", "outside", "early", "undated"]
    t = t.reindex(columns=columns, fill_value=0)
    return markdown(["outcome", "rows"] + columns, [[o, t.loc[o].sum()] + list(t.loc[o]) for o in t.index])


def ranked(run):
    """Clusters with their country and the announced events that count."""
    c, f, o = read(run, "clusters"), read(run, "facilities"), read(run, "outcome_events")
    c["country"] = c.cluster_id.map(f[f.cluster_id.notna()].groupby("cluster_id").country.agg(lambda s: s.mode()[0]))
    c["events"] = c.cluster_id.map(o[(o.outcome == "announced") & (o.fate == "counted")].groupby("cluster_id").size()).fillna(0).astype(int)
    c["size_rank"] = c.emissions_t.rank(ascending=False).astype(int)
    return c.sort_values(LOC, ascending=False).reset_index(drop=True)


def top(run, _):
    c = ranked(run)
    c = c[(c.index < 12) | (c.events > 0)]
    return markdown(["rank by LA", "cluster", "country", "LA", "rank by emissions", "announced events"],
                    [[i + 1, r.cluster_name, r.country, num(r[LOC], 1), r.size_rank, r.events] for i, r in c.iterrows()], 3)


def countries(run, _):
    """Not part of the pipeline: looked at afterwards."""
    c = ranked(run)
    auc = lambda d, p: sum((a > b) + 0.5 * (a == b) for a in d[d.events > 0][p] for b in d[d.events == 0][p]) / max(1, (d.events > 0).sum() * (d.events == 0).sum())
    rows = []
    for name, d in [("all", c), ("without Germany", c[c.country != "Germany"]), ("without the United Kingdom", c[c.country != "United Kingdom"]),
                    ("without both", c[~c.country.isin(["Germany", "United Kingdom"])])]:
        rows.append([name, len(d), (d.events > 0).sum(), d.events.sum(), num(auc(d, LOC), 2), num(auc(d, "emissions_t"), 2)])
    for name, d in c.groupby("country"):
        rows.append([name, len(d), (d.events > 0).sum(), d.events.sum(), "-", "-"])
    return markdown(["clusters", "number", "with an event", "events", "AUC of LA", "AUC of emissions"], rows)


# Rows of the register that a reader would take for one plant given twice, by name, place and amount. Read by eye, not by rule.
PAIRS = [(3304, 989), (1445, 264), (43, 1541), (36, 1544), (3332, 1046), (3378, 1073), (1371, 3562), (39, 1546), (542, 1480), (1478, 3438), (1045, 3316), (33, 1558),
         (1103, 4308), (42, 1543), (1582, 57)]


def doubles(run, _):
    f, c = read(run, "facilities").set_index("facility_id"), by(run, "clusters")
    pairs = {}
    for a, b in PAIRS:
        k = f.cluster_id.get(a)
        if isinstance(k, str) and k == f.cluster_id.get(b):
            pairs.setdefault(k, []).append(f"{f['name'][a]} ({a}, {num(f.emissions_t[a] / 1e3)}) and {b} ({num(f.emissions_t[b] / 1e3)})")
    rows = [[c.cluster_name[k], c.facility_count[k], c.facility_count[k] - len(v), "; ".join(v)] for k, v in pairs.items()]
    return markdown(["cluster", "sites", "without doubles", "rows (id, kt)"], rows)


TABLES = {
    "gb-scores": ("great-britain", scores), "gb-kinds": ("great-britain", kinds), "gb-types": ("great-britain", shares),
    "uk-scores": ("uk-clusters", scores), "uk-kinds": ("uk-clusters", kinds),
    "nwe-clusters": ("north-west-europe", short), "nwe-doubles": ("north-west-europe", doubles),
    "bt-backtest": ("backtest-north-west-europe", backtest), "bt-fates": ("backtest-north-west-europe", fates),
    "bt-top": ("backtest-north-west-europe", top), "bt-countries": ("backtest-north-west-europe", countries),
}

if __name__ == "__main__":
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("--now", required=True, type=pathlib.Path)
    args.add_argument("--before", type=pathlib.Path)
    args.add_argument("--into", nargs="*", type=pathlib.Path, default=[])
    args = args.parse_args()
    made = lambda name: TABLES[name][1](args.now / TABLES[name][0], args.before / TABLES[name][0] if args.before else None)
    if not args.into:
        for name in TABLES:
            print(f"<!-- {name} -->\n{made(name)}\n<!-- end -->\n")
    for page in args.into:
        text = page.read_text()
        text = re.sub(r"<!-- ([a-z-]+) -->\n.*?<!-- end -->", lambda m: f"<!-- {m[1]} -->\n{made(m[1])}\n<!-- end -->" if m[1] in TABLES else m[0], text, flags=re.S)
        page.write_text(text)
