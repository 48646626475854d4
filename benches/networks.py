"""Firm networks at scale, side by side: `forerunner run` against networkx on a hundredth of the same network (synthetic, seeded: for timing
only).

    cargo build --release
    pip install numpy networkx
    python benches/networks.py

1,000,000 operators with a site each in 20,000 clusters, 3,000,000 links between operators, four of five within a cluster, and
memberships of bodies of 25. networkx gets 10,000 operators, 30,000 links, 200 clusters, and computes the same figures: per cluster
linked share, density, degree, clustering, reciprocity, centralisation, mean path, components, bridges, articulation points, E-I index,
sector assortativity; overall modularity and communities (Louvain). Its time is for the figures alone, once the graph stands;
forerunner's is its stage `measure`, which also resolves names, and the whole process beside it.

--one-body times a cluster of 20,000 sites that are all members of one body.
"""
import argparse, json, os, resource, statistics, subprocess, sys, time

HERE = os.path.dirname(os.path.abspath(__file__))
DATA = os.path.join(HERE, "..", "target", "bench-data")
BINARY = os.path.join(HERE, "..", "target", "release", "forerunner")

PIPELINE = """name = "networks"
[facilities]
path = "sites.csv"
columns = { id = "id", operator = "operator", sector = "sector", label = "cluster", emissions_t = "t" }
[links.trade]
path = "links.csv"
kind = "formal"
between = "operator"
directed = true
columns = { from = "seller", to = "buyer" }
[memberships.bodies]
path = "members.csv"
kind = "informal"
between = "operator"
columns = { member = "operator", organisation = "body" }
[delineate]
method = "label"
[[dimensions]]
id = "size"
[[components]]
id = "c"
parent = "size"
[[indicators]]
id = "i"
parent = "c"
over = "clusters"
expr = "linked_share_formal"
worst = 0
best = 1
[outputs]
tables = ["parquet"]
layers = []
report = false
"""


def generate(folder, operators, links, clusters, seed=1):
    import numpy as np
    random = np.random.default_rng(seed)
    os.makedirs(folder, exist_ok=True)
    cluster = np.sort(random.integers(0, clusters, operators))
    first, last = np.searchsorted(cluster, np.arange(clusters)), np.searchsorted(cluster, np.arange(clusters), "right")
    sector, tonnes = random.integers(0, 12, operators), random.lognormal(10, 1, operators)
    with open(os.path.join(folder, "sites.csv"), "w") as file:
        file.write("id,operator,sector,cluster,t\n")
        file.writelines(f"s{i},firm {i},sector {sector[i]},c{cluster[i]},{tonnes[i]:.0f}\n" for i in range(operators))
    seller, buyer = random.integers(0, operators, links), random.integers(0, operators, links)
    near = random.random(links) < 0.8
    home = cluster[seller]
    own = (first[home] + random.random(links) * (last[home] - first[home])).astype(int)
    buyer = np.where(near, own, buyer)
    keep = np.unique(np.stack([seller, buyer], 1)[seller != buyer], axis=0)
    with open(os.path.join(folder, "links.csv"), "w") as file:
        file.write("seller,buyer\n")
        file.writelines(f"firm {a},firm {b}\n" for a, b in keep)
    with open(os.path.join(folder, "members.csv"), "w") as file:
        file.write("operator,body\n")
        file.writelines(f"firm {i},body {i // 25}\n" for i in range(0, operators, 2))
    with open(os.path.join(folder, "pipeline.toml"), "w") as file:
        file.write(PIPELINE)


def one_body(folder, sites):
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "sites.csv"), "w") as file:
        file.write("id,operator,sector,cluster,t\n")
        file.writelines(f"s{i},firm {i},sector {i % 12},one,{i % 100 + 1}\n" for i in range(sites))
    with open(os.path.join(folder, "links.csv"), "w") as file:
        file.write("seller,buyer\nfirm 0,firm 1\n")
    with open(os.path.join(folder, "members.csv"), "w") as file:
        file.write("operator,body\n")
        file.writelines(f"firm {i},everybody\n" for i in range(sites))
    with open(os.path.join(folder, "pipeline.toml"), "w") as file:
        file.write(PIPELINE)


PEER = '''
import csv, sys, time
import networkx as nx
folder = sys.argv[1]
sites = list(csv.DictReader(open(folder + "/sites.csv")))
cluster = {row["operator"]: row["cluster"] for row in sites}
D = nx.DiGraph(); D.add_nodes_from((row["operator"], {"sector": row["sector"]}) for row in sites)
D.add_edges_from((row["seller"], row["buyer"]) for row in csv.DictReader(open(folder + "/links.csv")))
bodies = {}
for row in csv.DictReader(open(folder + "/members.csv")): bodies.setdefault(row["body"], []).append(row["operator"])
M = nx.Graph(); M.add_nodes_from(D.nodes(data=True))
for members in bodies.values():
    for i, a in enumerate(members):
        for b in members[:i]:
            M.add_edge(a, b, weight=M.get_edge_data(a, b, {"weight": 0})["weight"] + 1 / (len(members) - 1))
groups = {}
for name, of in cluster.items(): groups.setdefault(of, []).append(name)
began = time.perf_counter()
for G, directed in ((D.to_undirected(), D), (M, None)):
    for members in groups.values():
        H = G.subgraph(members).copy(); n = len(H)
        degree = dict(H.degree()); sum(d > 0 for d in degree.values()) / n; nx.density(H); sum(degree.values()) / n
        nx.average_clustering(H)
        if n > 2: sum(max(degree.values()) - d for d in degree.values()) / ((n - 1) * (n - 2))
        parts = sorted(nx.connected_components(H), key=len)
        if parts and len(parts[-1]) > 1: nx.average_shortest_path_length(H.subgraph(parts[-1]))
        list(nx.bridges(H)); list(nx.articulation_points(H))
        out = sum(cluster[b] != cluster[a] for a in members for b in G[a]); i = H.number_of_edges(); (out - i) / max(1, out + i)
        if i: nx.attribute_assortativity_coefficient(H, "sector")
        if directed is not None and i: nx.overall_reciprocity(directed.subgraph(members))
    if G.number_of_edges():
        nx.community.modularity(G, groups.values()); nx.community.louvain_communities(G, seed=1)
print(time.perf_counter() - began)
'''


def run(command):
    began = time.perf_counter()
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    _, status, usage = os.wait4(child.pid, 0)
    if status:
        sys.exit(child.stderr.read())
    return time.perf_counter() - began, usage.ru_maxrss / 1e6, child.stdout.read()


def ours(folder):
    out = os.path.join(folder, "run")
    seconds, gigabytes, _ = run([BINARY, "run", os.path.join(folder, "pipeline.toml"), "--out", out, "-q"])
    timing = json.load(open(os.path.join(out, "manifest.json")))["timing"]
    return dict(timing if isinstance(timing, dict) else {name: lap for name, lap in timing})["measure"], seconds, gigabytes


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--operators", type=int, default=1_000_000)
    parser.add_argument("--one-body", action="store_true")
    parser.add_argument("--times", type=int, default=1)
    asked = parser.parse_args()
    if asked.one_body:
        folder = os.path.join(DATA, "one-body")
        one_body(folder, 20_000)
        measure, seconds, gigabytes = ours(folder)
        print(f"one body of 20,000: measure {measure:.2f} s, process {seconds:.2f} s, {gigabytes:.2f} GB")
        sys.exit()
    large, small = os.path.join(DATA, "networks"), os.path.join(DATA, "networks-1")
    generate(large, asked.operators, 3 * asked.operators, asked.operators // 50)
    generate(small, asked.operators // 100, 3 * asked.operators // 100, asked.operators // 5000)
    pairs = [(ours(large), float(run([sys.executable, "-c", PEER, small])[2])) for _ in range(asked.times)]
    middle = lambda values: statistics.median(values)
    print(f"forerunner, {asked.operators} operators: measure {middle([p[0][0] for p in pairs]):.2f} s, "
          f"process {middle([p[0][1] for p in pairs]):.2f} s, {max(p[0][2] for p in pairs):.2f} GB")
    print(f"networkx, a hundredth: {middle([p[1] for p in pairs]):.2f} s")
