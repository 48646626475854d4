"""A register with one facility a firm that the IEA's UK projects name, to test how partners and hubs are read.

python tests/registers/make_iea_partners.py    writes iea_partners.csv and prints what the test expects
"""
import csv, re
from collections import defaultdict
rows = [r for r in csv.DictReader(open("data/iea-ccus-2025/ccus_projects.csv")) if "United Kingdom" in r["Country or economy"] and r["Project Status"] != "Cancelled"]
bare = lambda s: re.sub(r"\s*\([^()]*\)", "", s).strip()
partners = lambda s: {p.strip() for p in re.split("[,;\n]", bare(s)) if p.strip()}
firms = sorted({p for r in rows for p in partners(r["Partners"])})
with open("tests/registers/iea_partners.csv", "w", newline="") as f:
    w = csv.writer(f, lineterminator="\n"); w.writerow(["id", "operator", "cluster", "emissions"])
    w.writerows([f"F{i:03d}", firm, "uk", 1] for i, firm in enumerate(firms))
recode = {"Liverpool Bay CO2 storage": "Hynet North West", "Hynet": "Hynet North West", "Bacton Thames Net Zero Initiative": "Bacton Thames Net Zero initiative", "Peak cluster transport": "Morecambe Net Zero Cluster"}
hubs, projects = defaultdict(set), defaultdict(set)
for r in rows:
    projects[r["Project name"].strip()] |= partners(r["Partners"])
    cell = bare(r["Part of CCUS hub"])
    for part in recode.get(cell, cell).split("/"):
        if part.strip():
            hubs[recode.get(part.strip(), part.strip())] |= partners(r["Partners"])
size = lambda groups: max(len(g) for g in groups.values())
print(len(firms), "firms; largest project", size(projects), "; largest hub", size(hubs))
linked = {p for g in hubs.values() if len(g) > 1 for p in g}; print("linked by hubs", len(linked), "members of hubs", len({p for g in hubs.values() for p in g}))
