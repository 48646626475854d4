"""Random SQL expressions over a random register, with the answers of DuckDB in DOUBLE.

python tests/oracles/sql/make.py FOLDER SEED COUNT      (needs: pip install duckdb==1.4.5)

Writes register.csv, expressions.csv (kind, sql) and answers.csv (position, group or row, value). Our side reads whole
numbers as whole numbers; DuckDB has every number as DOUBLE, each literal and count too, so that no width can matter.
"""

import csv
import math
import os
import random
import re
import sys

import duckdb

COLUMNS = ["emissions_t", "cap", "jobs", "big", "share", "code"]
TEXTS = ["name", "sector"]


def register(rng):
    rows = []
    for at in range(60):
        rows.append({
            "id": f"f{at:02}",
            "label": rng.choice("ABCDE") if at > 4 else "ABCDE"[at],
            "emissions_t": rng.choice([rng.randint(1, 10**6), rng.randint(1, 9), 25000]),
            "cap": rng.choice([None, rng.randint(0, 50), rng.randint(0, 5)]),
            "jobs": rng.choice([None, rng.randint(-9, 2000), 0]),
            "big": rng.choice([9 * 10**18, 3 * 10**9, 1, None]),
            "share": rng.choice([None, round(rng.random(), 3), 0.5, 0.0]),
            "code": rng.randint(0, 3),
            "name": rng.choice(["Mill", "Kiln A", "Works", "Plant of Old", "a", "Ä"]),
            "sector": rng.choice([None, "steel", "cement", "glass"]),
        })
    return rows


class Expressions:
    """Each method gives a pair: as we write it, as DuckDB reads it in DOUBLE."""

    def __init__(self, rng):
        self.rng = rng

    def literal(self):
        text = self.rng.choice(["0", "1", "2", "3", "5", "10", "100", "0.5", "1.5", "0.1", "0.3", "49", "2000000000", "3000000000"])
        return text, f"({text}::DOUBLE)"

    def column(self):
        name = self.rng.choice(COLUMNS)
        return name, name

    def number(self, depth):
        rng = self.rng
        if depth <= 0:
            return self.column() if rng.random() < 0.7 else self.literal()
        a = self.number(depth - 1)
        kind = rng.randrange(16)
        if kind < 5:
            b = self.number(depth - 1)
            op = rng.choice(["+", "-", "*", "/", "%"])
            if op == "%":
                # A remainder jumps where rounding moves a computed divisor: 90 % 0.6 is 0 or 0.6.
                a, b = self.column(), self.number(0)
            if op == "-" and a[0] == "0":
                # Polars makes 0 - x of it -x, which differs in the sign of 0, and so in what is divided by it.
                a = self.column()
            return tuple(f"({x} {op} {y})" for x, y in zip(a, b))
        if kind == 5:
            return tuple(f"ABS({x})" for x in a)
        if kind == 6:
            call = rng.choice(["ROUND({})", "FLOOR({})", "CEIL({})", "ROUND({}, 1)"])
            return tuple(call.format(x) for x in a)
        if kind == 7:
            return tuple(f"SQRT(ABS({x}))" for x in a)
        if kind == 8:
            b = self.literal()
            call = rng.choice(["COALESCE", "NULLIF"])
            return tuple(f"{call}({x}, {y})" for x, y in zip(a, b))
        if kind == 9:
            b = self.number(depth - 1)
            call = rng.choice(["GREATEST", "LEAST"])
            return tuple(f"{call}({x}, {y})" for x, y in zip(a, b))
        if kind in (10, 11):
            p, b = self.predicate(depth - 1), self.number(depth - 1)
            return tuple(f"CASE WHEN {c} THEN {x} ELSE {y} END" for c, x, y in zip(p, a, b))
        if kind == 12:
            text = rng.choice(["LENGTH(name)", "STRPOS(name, 'l')", "LENGTH(SUBSTR(name, STRPOS(name, 'l') - 1, 3))", "LENGTH(SUBSTR(name, LENGTH(name) - 1))"])
            return text, f"({text}::DOUBLE)"
        if kind == 13:
            # A literal 0 has no sign here, as in DuckDB's whole numbers.
            a = self.column() if a[0] == "0" else a
            return tuple(f"(-{x})" for x in a)
        if kind == 14:
            # Not of what may be no number: its sign is 0 in DuckDB, and missing here.
            a = self.column()
            return f"SIGN({a[0]})", f"(SIGN({a[1]})::DOUBLE)"
        if kind == 15 and rng.random() < 0.5:
            a = self.column()[0]
            return self.logarithm(f"(ABS({a}) + 1)")
        return f"CAST(share * {rng.choice([3, 10, 25])} AS INTEGER)", None

    def logarithm(self, of):
        text = self.rng.choice(["LOG({})", "LOG10({})", "LOG(2, {})", "LOG2({})", "LN({})", "LOG(7, {})"]).format(of)
        return text, text

    def safe_number(self, depth):
        ours, theirs = self.number(depth)
        if theirs is None or "None" in theirs:
            theirs = re.sub(r"CAST\((share \* \d+) AS INTEGER\)", r"(CAST(\1 AS BIGINT)::DOUBLE)", ours)
            return (ours, theirs) if ours.startswith("CAST") else self.safe_number(depth)
        return ours, theirs

    def predicate(self, depth):
        rng = self.rng
        kind = rng.randrange(11)
        if kind > 8 and depth > 0:
            what = rng.choice(["TRUE", "FALSE"]) if kind == 9 else "NULL"
            told = rng.choice(["IS", "IS NOT"])
            return tuple(f"(({x}) {told} {what})" for x in self.predicate(depth - 1))
        kind %= 9
        if kind < 3 or depth <= 0 and kind > 6:
            a, b = self.safe_number(depth - 1), self.safe_number(depth - 1)
            op = rng.choice(["<", "<=", "=", "<>", ">", ">="])
            return tuple(f"({x} {op} {y})" for x, y in zip(a, b))
        if kind == 3:
            text = f"{rng.choice(COLUMNS + TEXTS)} IS {rng.choice(['', 'NOT '])}NULL"
            return text, text
        if kind == 4:
            text = rng.choice(["sector = 'steel'", "sector IN ('glass', 'cement')", "name LIKE '%l%'", "sector <> 'glass'"])
            return text, text
        if kind == 5:
            text = rng.choice(["code IN (1, 2)", "code BETWEEN 1 AND 2", "cap IN (1, 2, 3)", "code NOT IN (0)"])
            return text, text
        if kind == 6:
            a, b = self.safe_number(depth - 1), self.literal()
            return tuple(f"({x} BETWEEN 0 AND {y})" for x, y in zip(a, b))
        a, b = self.predicate(depth - 1), self.predicate(depth - 1)
        word = rng.choice(["AND", "OR"])
        if rng.random() < 0.3:
            return tuple(f"(NOT {x} {word} {y})" for x, y in zip(a, b))
        return tuple(f"({x} {word} {y})" for x, y in zip(a, b))

    def aggregate(self, depth):
        rng = self.rng
        kind = rng.randrange(14)
        if kind == 0:
            return "COUNT(*)", "(COUNT(*)::DOUBLE)"
        if kind == 1:
            name = rng.choice(COLUMNS + TEXTS)
            return f"COUNT({name})", f"(COUNT({name})::DOUBLE)"
        if kind == 2:
            name = rng.choice(COLUMNS + TEXTS)
            return f"COUNT(DISTINCT {name})", f"(COUNT(DISTINCT {name})::DOUBLE)"
        if kind == 3:
            p = self.predicate(1)
            return f"COUNT(*) FILTER (WHERE {p[0]})", f"(COUNT(*) FILTER (WHERE {p[1]})::DOUBLE)"
        if kind == 4:
            p = self.predicate(1)
            return f"SUM({p[0]})", f"(SUM(CAST({p[1]} AS INTEGER))::DOUBLE)"
        if kind == 5:
            a, p = self.safe_number(1), self.predicate(1)
            call = rng.choice(["SUM", "AVG", "MAX"])
            return tuple(f"{call}({x}) FILTER (WHERE {c})" for x, c in zip(a, p))
        if kind in (6, 7) and depth > 0:
            a, b = self.aggregate(depth - 1), self.aggregate(depth - 1)
            op = rng.choice(["+", "-", "*", "/"])
            return tuple(f"({x} {op} {y})" for x, y in zip(a, b))
        if kind == 8 and depth > 0:
            a, b = self.aggregate(depth - 1), self.literal()
            op = rng.choice(["-", "*", "/", "%", "-"])
            return tuple(f"({x} {op} {y})" for x, y in zip(a, b))
        if kind == 9:
            call = rng.choice(["MEDIAN({})", "QUANTILE_CONT({}, 0.25)"])
            return tuple(call.format(x) for x in self.safe_number(0))
        if kind == 10:
            name = rng.choice(["cap", "jobs", "share", "emissions_t"])
            call = rng.choice(["STDDEV({})", "VARIANCE({})"])
            return call.format(name), call.format(name)
        call = rng.choice(["SUM", "AVG", "MIN", "MAX", "SUM"])
        return tuple(f"{call}({x})" for x in self.safe_number(rng.choice([0, 1, 2])))


def main(folder, seed, count):
    rng = random.Random(seed)
    os.makedirs(folder, exist_ok=True)
    rows = register(rng)
    with open(f"{folder}/register.csv", "w", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys(), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    db = duckdb.connect()
    numbers = ", ".join(f"{name} DOUBLE" for name in COLUMNS)
    db.execute(f"CREATE TABLE t (id VARCHAR, label VARCHAR, {numbers}, name VARCHAR, sector VARCHAR)")
    for row in rows:
        db.execute("INSERT INTO t VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", list(row.values()))
    make = Expressions(rng)
    written, answers = [], []
    while len(written) < count:
        kind = ["aggregate", "aggregate", "predicate", "row"][len(written) % 4]
        pair = {"aggregate": lambda: make.aggregate(2), "predicate": lambda: make.predicate(3), "row": lambda: make.safe_number(3)}
        ours, theirs = pair[kind]()
        named = [name for name in COLUMNS + TEXTS if re.search(rf"\b{name}\b", ours)]
        if theirs is None or "None" in theirs or kind == "row" and not named or len(ours) > 400:
            continue
        present = " AND ".join(f"{name} IS NOT NULL" for name in named) or "TRUE"
        try:
            if kind == "aggregate":
                sql = f"SELECT label, {theirs}, COUNT(*) FILTER (WHERE {present}) FROM t GROUP BY label ORDER BY label"
            else:
                sql = f"SELECT id, {theirs}, 1 FROM t ORDER BY id"
            found = db.execute(sql).fetchall()
        except duckdb.Error as error:
            print("left out:", theirs, str(error).splitlines()[0], file=sys.stderr)
            continue
        for key, value, rests_on in found:
            if kind == "predicate":
                text = "" if value is None else str(value).lower()
            else:
                # A number that is none, or rests on no row, is missing.
                good = value is not None and math.isfinite(value) and rests_on > 0
                text = repr(float(value)) if good else ""
            answers.append((len(written), key, text))
        written.append((kind, ours))
    for name, header, lines in [("expressions", ["kind", "sql"], written), ("answers", ["position", "key", "value"], answers)]:
        with open(f"{folder}/{name}.csv", "w", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(header)
            writer.writerows(lines)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
