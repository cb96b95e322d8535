#!/usr/bin/env python3
"""ledger.py RECORD KEY [CHECKPOINT..]: is the record what its key has signed for?

A verifier that shares nothing with assize but the description of a leaf (assize-ledger(7)) and uses
nothing but Python's standard library: it reads the rows, makes the leaves and the tree, and checks the
newest checkpoint of the record and each one given, with an Ed25519 of its own (RFC 8032, section 6).
"""
import base64
import hashlib
import json
import sqlite3
import struct
import sys

MAX_TEXT = 1024
OUTCOMES = {0: "undecided", 1: "pass", 2: "warn", 3: "fail", 4: "skip"}
VOUCHED = {0: "nobody", 1: "its own key", 2: "a trusted key"}
STATES = {1: "complete", 2: "interrupted"}


def sha(data):
    return hashlib.sha256(data).digest()


# ---- canonical JSON ----

def digest_of(data):
    return {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}


def text(value):
    if value is None:
        return None
    data = value if isinstance(value, bytes) else value.encode("utf-8", "surrogateescape")
    try:
        plain = data.decode("utf-8")
    except UnicodeDecodeError:
        return digest_of(data)
    return plain if len(data) <= MAX_TEXT else digest_of(data)


def integer(value):
    return value if abs(value) <= 2**53 - 1 else str(value)


def real(value):
    """As C's %a; blobs are what SQLite would have changed: NaN and -0.0."""
    if isinstance(value, bytes):
        value = struct.unpack(">d", value)[0]
    value = float(value)
    if value != value:
        return "nan"
    if value in (float("inf"), float("-inf")):
        return "inf" if value > 0 else "-inf"
    sign, mantissa = ("-", value.hex()[1:]) if value.hex()[0] == "-" else ("", value.hex())
    whole, rest = mantissa.split("p")
    if "." in whole:
        whole = whole.rstrip("0").rstrip(".")
    return f"{sign}{whole}p{rest}"


def value_of(value):
    if isinstance(value, int):
        return integer(value)
    if isinstance(value, (float, bytes)):
        return {"real": real(value)}
    return {"text": text(value)}


def canonical(members):
    kept = {k: v for k, v in members.items() if v is not None}
    return json.dumps(kept, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode("utf-8")


def rows(items):
    listed = list(items)
    data = b"[" + b",".join(canonical(x) for x in listed) + b"]"
    return {"n": len(listed), "sha256": hashlib.sha256(data).hexdigest()}


# ---- leaves ----

class Record:
    def __init__(self, path):
        self.db = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        self.db.text_factory = lambda b: b.decode("utf-8", "surrogateescape")
        self.texts = dict(self.db.execute("SELECT id, body FROM texts"))
        # what was pruned is known by what was kept of it
        self.pruned = {t: {"sha256": d.hex(), "size": n}
                       for t, d, n in self.db.execute("SELECT text, sha256, size FROM pruned_texts")}
        self.checks = dict(self.db.execute("SELECT id, name FROM checks"))
        self.series = dict(self.db.execute("SELECT id, name FROM series"))
        self.begins = dict(self.db.execute("SELECT id, begin_ms FROM runs"))
        self.definitions = {}
        self.facts = {}
        for d in self.all("definitions"):
            self.definitions[d["id"]] = sha(canonical(self.definition(d))).hex()
        for f in self.all("facts"):
            self.facts[f["id"]] = sha(canonical(self.fact(f))).hex()

    def all(self, table, rest="", *args):
        cursor = self.db.execute(f"SELECT * FROM {table} {rest}", args)
        names = [c[0] for c in cursor.description]
        for row in cursor:
            yield dict(zip(names, row))

    def t(self, ident):
        return text(self.texts.get(ident))

    def whole(self, ident):
        if ident in self.pruned:
            return self.pruned[ident]
        body = self.texts.get(ident)
        return None if body is None else digest_of(body.encode("utf-8", "surrogateescape"))

    def definition(self, d):
        return {"check": text(self.checks[d["check_id"]]), "col": d["col"], "expects": self.t(d["expects"]),
                "file": self.t(d["file"]), "hash": d["hash"].hex(), "kind": self.t(d["kind"]), "line": d["line"],
                "owner": self.t(d["owner"]), "severity": d["severity"],
                "t": "assize/definition-content/1", "tags": self.t(d["tags"]),
                "target": self.t(d["target"]), "title": self.t(d["title"]), "why": self.t(d["why"])}

    def fact(self, f):
        return {"attempts": integer(f["attempts"]), "bound": self.t(f["bound"]), "bound_col": f["bound_col"],
                "bound_line": f["bound_line"], "definition": self.definitions[f["definition_id"]],
                "evidence": self.whole(f["evidence"]), "flaky": f["is_flaky"],
                "limit": None if f["usual_limit"] is None else real(f["usual_limit"]),
                "ordinal": f["ordinal"], "outcome": OUTCOMES[f["outcome"]], "query": self.whole(f["query"]),
                "reason": self.t(f["reason"]), "share": None if f["share"] is None else real(f["share"]),
                "t": "assize/facts/1", "unit": self.t(f["unit"]), "whole": f["is_whole"]}

    def result(self, seq, batch, row, samples, places):
        ident, facts, value, n, limit, room, at, duration = row
        leaf = {"at": integer(self.begins[batch["run"]] + at), "batch": batch["batch"],
                "duration_us": integer(duration), "facts": self.facts[facts],
                "limit": None if limit is None else real(limit), "n": n if n is None or isinstance(n, str) else integer(n),
                "place": places.get(ident), "room": None if room is None else room if isinstance(room, int) else real(room),
                "run": batch["run"], "samples": samples.get(ident),
                "seq": seq, "series": text(self.series[ident & 0xFFFFFF]), "t": "assize/result/1"}
        if value is not None:
            leaf["value"] = value_of(value)
        return leaf

    def results(self):
        samples = {r: digest_of(body) for r, body in self.db.execute("SELECT result, body FROM samples")}
        samples.update((r, {"sha256": d.hex(), "size": n})
                       for r, d, n in self.db.execute("SELECT result, sha256, size FROM pruned_samples"))
        places = dict(self.db.execute("SELECT result, place FROM places"))
        for b in self.all("batches"):
            seq = b["first_seq"]
            for part in b["members"].split():
                low, _, high = part.partition("-")
                low, high = int(low), int(high or low)
                cursor = self.db.execute(
                    "SELECT id, facts_id, value, n, own_limit, room, at_ms, duration_us FROM results "
                    "WHERE id BETWEEN ? AND ? ORDER BY id", (b["run"] << 24 | low, b["run"] << 24 | high))
                for row in cursor:
                    yield seq, self.result(seq, b, row, samples, places)
                    seq += 1

    def others(self):
        t = self.t
        origin = self.db.execute("SELECT origin FROM head").fetchone()[0]
        yield {"origin": origin.hex(), "seq": 0, "t": "assize/genesis/1"}
        for x in self.all("migrations"):
            yield {"from": x["version_from"], "migration": x["id"], "seq": x["seq"],
                   "t": "assize/migrate/1", "to": x["version_to"]}
        for x in self.all("definitions"):
            yield {"definition": self.definitions[x["id"]], "id": x["id"], "seq": x["seq"],
                   "t": "assize/definition/1"}
        for x in self.all("runs"):
            yield {"begin": x["begin_ms"], "begin_monotonic": x["begin_monotonic_ms"], "behind": x["behind"], "boot_id": t(x["boot_id"]),
                   "command": t(x["command"]), "commit": t(x["commit_id"]), "definition": x["definition_digest"].hex(),
                   "definition_file": t(x["definition_file"]), "dirty": x["is_dirty"], "host": t(x["host"]),
                   "job_url": t(x["job_url"]), "manifest": x["manifest"] and x["manifest"].hex(),
                   "merge": x["merge"], "planned": x["n_planned"], "run": x["id"], "shard": x["shard"],
                   "shards": x["shards"], "source": x["source"],
                   "selection": t(x["selection"]), "seq": x["seq"], "subject": t(x["subject"]),
                   "subject_commit": t(x["subject_commit"]), "t": "assize/run-begin/1", "user": t(x["user"]), "version": t(x["version"])}
        for x in self.all("run_ends"):
            yield {"end": x["end_ms"], "exit_status": x["exit_status"], "fail": x["n_fail"],
                   "outcome": OUTCOMES[x["outcome"]], "pass": x["n_pass"], "run": x["run"], "seq": x["seq"],
                   "skip": x["n_skip"], "state": STATES.get(x["state"], x["state"]), "t": "assize/run-end/1",
                   "undecided": x["n_undecided"], "warn": x["n_warn"]}
        for x in self.all("cursor_moves"):
            yield {"check": text(self.checks[x["check_id"]]), "move": x["id"], "run": x["run"], "seq": x["seq"],
                   "state": digest_of(x["state"].encode("utf-8", "surrogateescape")), "t": "assize/cursor/1"}
        for x in self.all("restorations"):
            steps = ({"duration_us": s["duration_us"], "finding": t(s["finding"]), "name": t(s["name"]),
                      "note": t(s["note"]), "outcome": OUTCOMES[s["outcome"]], "place": s["place"],
                      "remedy": t(s["remedy"])}
                     for s in self.all("steps", "WHERE restoration = ? ORDER BY place", x["id"]))
            built = [{"digest": t(s["digest"]), "name": t(s["name"])}
                     for s in self.all("artifacts", "WHERE restoration = ?", x["id"])]
            yield {"artifacts": rows(sorted(built, key=lambda s: (s["name"], s["digest"]))), "at": x["at_ms"],
                   "bytes": x["n_bytes"], "commit": t(x["commit_id"]), "content": t(x["content"]),
                   "files": x["n_files"], "objects": x["n_objects"], "outcome": OUTCOMES[x["outcome"]],
                   "restoration": x["id"], "restore_us": x["restore_us"], "run": x["run"], "seq": x["seq"],
                   "set": t(x["set_name"]), "steps": rows(steps), "t": "assize/restoration/1", "tag": t(x["tag"]),
                   "tag_time": x["tag_time_ms"], "tree": t(x["tree"])}
        for x in self.all("externals"):
            labels = ({"name": t(s["name"]), "place": s["place"], "value": t(s["value"])}
                      for s in self.all("external_labels", "WHERE series = ? ORDER BY place", x["series"]))
            yield {"at": x["at_ms"], "external": x["id"], "given_id": t(x["given_id"]), "host": t(x["host"]),
                   "labels": rows(labels), "merge": x["merge"], "name": t(x["name"]), "recorded": x["recorded_ms"], "seq": x["seq"],
                   "series": t(x["series"]), "t": "assize/external/1", "unit": t(x["unit"]), "user": t(x["user"]),
                   "value": value_of(x["value"])}
        for x in self.all("anchors"):
            yield {"anchor": x["id"], "at": x["at_ms"], "host": t(x["host"]), "kind": text(x["kind"]), "place": t(x["place"]),
                   "receipt": digest_of(x["receipt"]), "root": x["root"].hex(), "seq": x["seq"], "size": x["size"],
                   "t": "assize/anchor/1", "user": t(x["user"])}
        for x in self.all("overrides"):
            yield {"actor": t(x["actor"]), "at": x["at_ms"], "definition": t(x["definition"]),
                   "definition_file": t(x["definition_file"]), "gate": t(x["gate"]), "host": t(x["host"]),
                   "override": x["id"], "reason": t(x["reason"]), "seq": x["seq"], "subject": t(x["subject"]),
                   "subject_commit": t(x["subject_commit"]), "t": "assize/override/1", "until": x["until_ms"], "user": t(x["user"])}
        for x in self.all("challenges"):
            yield self.challenge(x)
        for x in self.all("notices"):
            yield self.notice(x)
        for x in self.all("notice_ends"):
            yield {"at": x["at_ms"], "attempts": x["attempts"], "delivered": x["is_delivered"],
                   "notice": x["notice"], "seq": x["seq"], "t": "assize/notice-end/1", "why": text(x["why"])}
        for x in self.all("decisions"):
            yield self.decision(x)
        for x in self.all("prunings"):
            bodies = {"samples": "SELECT result, sha256, size FROM pruned_samples WHERE pruning = ? ORDER BY result",
                      "texts": "SELECT text, sha256, size FROM pruned_texts WHERE pruning = ? ORDER BY text"}
            gone = {name: rows({name[:-1] if name == "texts" else "result": i, "sha256": d.hex(), "size": n}
                               for i, d, n in self.db.execute(sql, (x["id"],))) for name, sql in bodies.items()}
            yield {"at": x["at_ms"], "before": x["before_ms"], "host": t(x["host"]), "pruning": x["id"],
                   "samples": gone["samples"], "seq": x["seq"], "t": "assize/prune/1", "texts": gone["texts"],
                   "user": t(x["user"])}
        for x in self.all("merges"):
            yield {"at": x["at_ms"], "from": x["first"], "host": t(x["host"]), "identity": x["identity"].hex(),
                   "merge": x["id"], "note": t(x["note"]), "origin": t(x["origin"]), "root": x["root"].hex(),
                   "seq": x["seq"], "t": "assize/merge/1", "to": x["size"], "user": t(x["user"]),
                   "vouched": VOUCHED[x["vouched"]]}
        for x in self.all("keys"):
            yield {"at": x["at_ms"], "endorsement": x["endorsement"] and x["endorsement"].hex(), "host": t(x["host"]),
                   "key": x["id"], "name": t(x["name"]), "public": x["public"].hex(), "seq": x["seq"],
                   "t": "assize/key/1", "user": t(x["user"])}

    def decision(self, x):
        t = self.t
        lines = ({"check": t(s["check_name"]), "col": s["col"], "file": t(s["file"]), "is_hard": s["is_hard"],
                  "line": s["line"], "measured": s["measured_ms"], "outcome": OUTCOMES[s["outcome"]],
                  "place": s["place"], "remedy": t(s["remedy"]), "run": s["run"], "series": t(s["series"]),
                  "text": t(s["text"])}
                 for s in self.all("decision_lines", "WHERE decision = ? ORDER BY place", x["id"]))
        waivers = [{"expires": w["expires_ms"], "granted": w["granted_ms"], "owner": t(w["owner"]),
                    "place": w["place"], "reason": t(w["reason"]), "ticket": t(w["ticket"]),
                    "waiver": t(w["waiver"])}
                   for w in self.all("decision_waivers", "WHERE decision = ? ORDER BY place", x["id"])]
        return {"at": x["at_ms"], "basis": self.whole(x["basis"]), "decision": x["id"], "definition": x["definition_digest"].hex(),
                "gate": t(x["gate"]), "is_open": x["is_open"], "lines": rows(lines), "oldest": x["oldest_ms"],
                "outcome": OUTCOMES[x["outcome"]], "override": x["override"], "policy": self.whole(x["policy"]), "run": x["run"],
                "seq": x["seq"], "subject": t(x["subject"]), "t": "assize/decision/1", "waivers": rows(waivers) if waivers else None}

    def challenge(self, x):
        t = self.t
        attacks = ({"advice": t(s["advice"]), "after": t(s["became"]), "before": t(s["was"]),
                    "bound": t(s["bound"]), "duration_us": s["duration_us"], "is_control": s["is_control"],
                    "is_erratic": s["is_erratic"], "name": t(s["name"]),
                    "object": t(s["object"]), "outcome": t(s["outcome"]), "place": s["place"], "reason": t(s["reason"]),
                    "series": t(s["series"]), "turns_red": None if s["turns_red"] is None else real(s["turns_red"]),
                    "turns_red_words": t(s["turns_red_words"]), "words": t(s["words"])}
                   for s in self.all("attacks", "WHERE challenge = ? ORDER BY place", x["id"]))
        check = self.db.execute("SELECT check_id FROM definitions WHERE id = ?", (x["definition_id"],)).fetchone()
        return {"at": x["at_ms"], "attacks": rows(attacks), "behind": x["behind"], "challenge": x["id"],
                "check": check and text(self.checks[check[0]]), "check_definition": self.definitions.get(x["definition_id"]),
                "commit": t(x["commit_id"]), "definition": x["definition_digest"].hex(),
                "definition_file": t(x["definition_file"]), "dirty": x["is_dirty"], "duration_us": x["duration_us"],
                "false_alarms": x["n_false_alarms"], "help": t(x["help"]), "host": t(x["host"]), "merge": x["merge"],
                "noticed": x["n_noticed"], "reason": t(x["reason"]), "recorded": x["recorded_ms"], "seq": x["seq"],
                "steady": x["n_steady"], "subject": t(x["subject"]), "survived": x["n_survived"],
                "t": "assize/challenge/1", "uncounted": x["n_uncounted"], "user": t(x["user"]),
                "version": t(x["version"])}

    def notice(self, x):
        t = self.t
        lines = ({"at": s["at_ms"], "bound": t(s["bound"]), "check": t(s["check_name"]), "col": s["col"],
                  "file": t(s["file"]), "is_repeat": s["is_repeat"], "kind": s["kind"], "line": s["line"],
                  "number": None if s["number"] is None else real(s["number"]), "outcome": OUTCOMES[s["outcome"]],
                  "owner": t(s["owner"]), "place": s["place"], "reason": t(s["reason"]), "run": s["run"],
                  "series": t(s["series_name"]), "series_id": s["series"], "severity": s["severity"],
                  "since": s["since_ms"], "subject": t(s["subject"]), "title": t(s["title"]), "unit": t(s["unit"]),
                  "value": t(s["value"]), "was": s["was"]}
                 for s in self.all("notice_lines", "WHERE notice = ? ORDER BY place", x["id"]))
        return {"at": x["at_ms"], "lines": rows(lines), "notice": x["id"], "run": x["run"], "seq": x["seq"],
                "sink": t(x["sink"]), "t": "assize/notice/1", "total": x["n_lines"]}

    def leaves(self):
        """All of them, hashed, in the order of their numbers."""
        size = self.db.execute("SELECT next_seq FROM head").fetchone()[0]
        out = [None] * size
        for leaf in self.others():
            place(out, leaf["seq"], sha(b"\0" + canonical(leaf)))
        for seq, leaf in self.results():
            place(out, seq, sha(b"\0" + canonical(leaf)))
        if None in out:
            raise ValueError(f"record {out.index(None)} is gone")
        return out


def place(out, seq, leaf):
    if not 0 <= seq < len(out) or out[seq] is not None:
        raise ValueError(f"record {seq} is not where it should be")
    out[seq] = leaf


# ---- the tree (RFC 6962, section 2.1), by levels ----

def root_of(hashes):
    if not hashes:
        return sha(b"")
    level, right = list(hashes), None
    while len(level) > 1 or right is not None:
        # an odd one is the root of a perfect subtree, to the left of the smaller ones before it
        if len(level) % 2:
            odd = level.pop()
            right = odd if right is None else sha(b"\1" + odd + right)
        if not level:
            return right
        level = [sha(b"\1" + level[i] + level[i + 1]) for i in range(0, len(level), 2)]
    return level[0]


# ---- Ed25519 ----

P = 2**255 - 19
Q = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
I = pow(2, (P - 1) // 4, P)


def recover_x(y, sign):
    xx = (y * y - 1) * pow(D * y * y + 1, P - 2, P)
    x = pow(xx, (P + 3) // 8, P)
    if (x * x - xx) % P:
        x = x * I % P
    if (x * x - xx) % P or y >= P:
        return None
    return P - x if x & 1 != sign else x


def add(a, b):
    s = (a[1] - a[0]) * (b[1] - b[0]) % P
    t = (a[1] + a[0]) * (b[1] + b[0]) % P
    u = 2 * a[3] * b[3] * D % P
    v = 2 * a[2] * b[2] % P
    e, f, g, h = t - s, v - u, v + u, t + s
    return (e * f % P, g * h % P, f * g % P, e * h % P)


def times(n, point):
    out = (0, 1, 1, 0)
    while n:
        if n & 1:
            out = add(out, point)
        point = add(point, point)
        n >>= 1
    return out


def point_of(data):
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & (1 << 255) - 1
    x = recover_x(y, sign)
    return None if x is None else (x, y, 1, x * y % P)


BASE_Y = 4 * pow(5, P - 2, P) % P
BASE = (recover_x(BASE_Y, 0), BASE_Y, 1, recover_x(BASE_Y, 0) * BASE_Y % P)


def is_signed(public, message, signature):
    a, r = point_of(public), point_of(signature[:32])
    s = int.from_bytes(signature[32:], "little")
    if a is None or r is None or s >= Q:
        return False
    h = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % Q
    left, right = times(s, BASE), add(r, times(h, a))
    return not ((left[0] * right[2] - right[0] * left[2]) % P or (left[1] * right[2] - right[1] * left[2]) % P)


# ---- checkpoints ----

def check(note, key, hashes):
    name, ident, data = key.split("+", 2)
    public = base64.b64decode(data)[1:]
    body, _, signatures = note.rpartition("\n\n")
    body += "\n"
    for line in signatures.splitlines():
        dash, who, blob = line.split(" ")
        blob = base64.b64decode(blob)
        if dash == "\u2014" and who == name and blob[:4].hex() == ident:
            if not is_signed(public, body.encode(), blob[4:]):
                raise ValueError("the signature is wrong")
            break
    else:
        raise ValueError("not signed by the key")
    _, size, root = body.split("\n")[:3]
    if int(size) > len(hashes):
        raise ValueError(f"the record is shorter: {len(hashes)} of {size}")
    if base64.b64decode(root) != root_of(hashes[:int(size)]):
        raise ValueError(f"the first {size} records are not those that were signed for")
    return int(size)


def main(path, key, *files):
    record = Record(path)
    try:
        hashes = record.leaves()
        newest = record.db.execute("SELECT note FROM checkpoints ORDER BY size DESC LIMIT 1").fetchone()
        if newest is None:
            raise ValueError("no checkpoint")
        size = check(newest[0], key, hashes)
        for name in files:
            with open(name, encoding="utf-8") as f:
                check(f.read(), key, hashes)
    except (ValueError, KeyError, sqlite3.Error) as why:
        print(f"REJECTED: {why}")
        return 1
    print(f"accepted {size} of {len(hashes)} {root_of(hashes).hex()}")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
