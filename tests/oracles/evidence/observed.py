"""Independent count of who is observed in the seven British regions: python observed.py > observed.csv, from the repository's root.

Uses pandas, GeoPandas and DuckDB on the data alone; the rules of `status` are taken from the pipeline file, and run by DuckDB.
Output: region, kind, share of emissions of the facilities that an agreed or running tie of 2022 names, that stand within a
perimeter, or whose operator the IEA's database names.
"""
import csv
import re
import sys
import tomllib

import duckdb
import geopandas as gpd
import pandas as pd

YEAR = 2022
REGIONS = ["North West", "Teesside", "Humber", "South Wales", "Grangemouth / Scotland", "Solent", "Black Country"]
NOT_INDUSTRY = [
    "Major power producers", "Minor power producers", "Public administration", "Commercial", "Agriculture, forestry & fishing",
    "Oil & gas exploration and production", "Water & sewerage", "Miscellaneous", "Construction",
]
FORMS = {
    "ab", "ag", "and", "aps", "as", "asa", "bv", "co", "company", "corp", "corporation", "gmbh", "inc", "limited", "llc", "llp", "lp",
    "ltd", "nv", "plc", "sa", "se", "spa",
}


def key(name):
    name = name.lower().replace("&", " and ").replace("ø", "o")
    words = [word for word in re.split(r"[^0-9a-z]+", re.sub(r"[.'’]", "", name)) if word]
    while len(words) > 1 and words[-1] in FORMS:
        words.pop()
    return " ".join(words)


firms, plants = {}, {}
for row in csv.DictReader(open("data/reviewed/naei_names.csv")):
    if row["operator"]:
        firms[key(row["name"])] = key(row["operator"])
    else:
        plants[key(row["name"])] = row["facility"].split(";")


def firm(name):
    name = key(name)
    while name in firms and firms[name] != name:
        name = firms[name]
    return name


register = pd.read_csv("data/naei-2022/point_sources_CO2_2022.csv", dtype={"PlantID": str})
for row in csv.DictReader(open("data/reviewed/naei_corrections.csv")):
    register.loc[register["PlantID"] == row["id"], "Operator"] = row["value"]
register = register[~register["Sector"].isin(NOT_INDUSTRY)].copy()
register["firm"] = register["Operator"].fillna("").map(firm)
places = gpd.GeoDataFrame(register, geometry=gpd.points_from_xy(register["Easting"], register["Northing"]), crs=27700)
regions = gpd.read_file("data/uk-cluster-regions/regions.geojson").to_crs(27700)[["id", "name", "geometry"]]
within = gpd.sjoin(places, regions, predicate="intersects")


def sites(name):
    if firm(name) in plants:
        return plants[firm(name)]
    return list(register.loc[register["firm"] == firm(name), "PlantID"])


lists = tomllib.load(open("pipelines/sources/industrial-links.toml", "rb"))


def listed(table, file):
    rules = lists[table]["industrial_links"]
    columns = rules["columns"]
    columns = {ours: spec["column"] if isinstance(spec, dict) else spec for ours, spec in columns.items()}
    select = ", ".join(f'{"TRY_CAST" if ours in ("from_year", "to_year", "until_given") else ""}("{theirs}"'
                       f'{" AS INT" if ours in ("from_year", "to_year", "until_given") else ""}) AS "{ours}"'
                       for ours, theirs in columns.items())
    computed = {name: sql.replace("REGEXP_LIKE", "regexp_matches") for name, sql in rules["compute"].items()}
    more = ", ".join(f'{sql} AS "{name}"' for name, sql in computed.items())
    text = f"WITH rows AS (SELECT {select} FROM read_csv('{file}', all_varchar = true)) SELECT *, {more} FROM rows"
    return duckdb.sql(text).df()


observed = {kind: set() for kind in ("formal", "informal", "physical", "digital")}
members = listed("memberships", "data/industrial-links/memberships.csv")
links = listed("links", "data/industrial-links/links.csv")


def counts(rows):
    rows = rows[rows["region"].isin(REGIONS) & rows["status"].isin(["runs", "ran", "agreed"])]
    return rows[(rows["from_year"].isna() | (rows["from_year"] <= YEAR)) & (rows["to_year"].isna() | (rows["to_year"] >= YEAR))]


members = counts(members[~members["note"].fillna("").str.startswith("IEA database")])
for row in members.itertuples():
    observed[row.kind].update(sites(row.member))
standing = register.set_index("PlantID")["firm"].to_dict()
everyone = set(pd.read_csv("data/naei-2022/point_sources_CO2_2022.csv", dtype=str)["Operator"].dropna().map(firm)) | set(plants)
for row in counts(links).to_dict("records"):
    ends = [row["from"], row["to"]]
    if any(firm(end) not in everyone for end in ends):
        continue  # an end that the register never had
    both = [sites(end) for end in ends]
    for one in both[0]:
        for other in both[1]:
            if one == other or (standing.get(one) and standing.get(one) == standing.get(other)):
                continue  # plants of one firm
            observed[row["kind"]].update([one, other])
for row in csv.DictReader(open("data/reviewed/perimeters_naei.csv")):
    for kind in members.loc[members["organisation"] == row["organisation"], "kind"].unique():
        observed[kind].add(row["facility"])
iea = tomllib.load(open("pipelines/sources/uk-networks.toml", "rb"))["memberships"]
projects = pd.read_csv("data/iea-ccus-2025/ccus_projects.csv")
alive = projects[(projects["Project Status"] != "Cancelled") & projects["Country or economy"].str.contains("United Kingdom")
                 & ~(projects["Announcement"] > YEAR)]
for source, kind, column in (("ccus_projects", "formal", None), ("ccus_hubs", "informal", "Part of CCUS hub")):
    named = {firm(name) for name in re.findall(r"'([^']+)'", iea[source]["observed"])}
    observed[kind].update(register.loc[register["firm"].isin(named), "PlantID"])
    for row in alive[alive[column].notna()].to_dict("records") if column else alive.to_dict("records"):
        for partner in re.split(r"[,;\n]", re.sub(r"\s*\([^()]*\)", "", str(row["Partners"]))):
            if partner.strip():
                observed[kind].update(sites(partner.strip()))
out = csv.writer(sys.stdout, lineterminator="\n")
out.writerow(["cluster_id", "kind", "observed_emission_share"])
for region, rows in within.groupby("id"):
    for kind in ("formal", "informal", "physical"):
        share = rows.loc[rows["PlantID"].isin(observed[kind]), "Emission"].sum() / rows["Emission"].sum()
        out.writerow([region, kind, share])
