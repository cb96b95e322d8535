/*
 * The tables, and how a file comes to have them. Each migration is one version's SQL, run in one
 * transaction with its user_version (migrate.c), so a file is always wholly of one version.
 *
 * Rows are only ever inserted, except in `head` (the next sequence number), `states`, `latest` and
 * `days` (caches that can be recomputed from the rest), `locks`, `told`, `gaps` and
 * `outbox`. Every record of its own (run begin, definition, result, run end, restoration, decision,
 * override, external, challenge, notice and its end) has a number in one gapless sequence that
 * starts at 1 (0 is the file itself): its place in the ledger (leaf.h). The results of a batch take
 * consecutive numbers in the order of their id, from batches.first_seq on.
 *
 * A year of 1,000 checks an hour is 8.76 million results, so `results` is what the file's size is.
 * Everything a result shares with its neighbours in time (outcome, bound, reason, query, ...) is
 * one row of `facts`, found again by its digest. own_limit is NULL where it is the usual one (only
 * `within` bounds move); room is a code where it follows from value and limit (row.c). Which batch
 * a result came in is kept once for the batch.
 *
 * The key of a result is one integer, run << 24 | series. As a WITHOUT ROWID table keyed (run,
 * series) the same rows take 11 % more room: pages of an index tree split in halves, those of an
 * integer tree are filled to the end when keys ascend. run and series are there as columns too.
 */
#include <string.h>

#include "runner/base/err.h"
#include "runner/history/store.h"

/* In parts, since a compiler need not take a literal of more than 4,095 characters. */
static const char *const version_1[] = {
	"CREATE TABLE head(\n"
	"	one INTEGER PRIMARY KEY CHECK (one = 1),\n"
	"	origin BLOB NOT NULL, -- random: tells this record from every other\n"
	"	next_seq INTEGER NOT NULL\n"
	") STRICT;\n"
	"INSERT INTO head VALUES (1, randomblob(16), 1);\n"
	"CREATE TABLE texts(\n"
	"	id INTEGER PRIMARY KEY,\n"
	"	hash INTEGER NOT NULL, -- first 8 bytes of SHA-256 of body, big endian\n"
	"	body TEXT NOT NULL\n"
	") STRICT;\n"
	"CREATE INDEX texts_hash ON texts(hash);\n"
	"CREATE TABLE runs(\n"
	"	id INTEGER PRIMARY KEY,\n"
	"	seq INTEGER NOT NULL,\n"
	"	begin_ms INTEGER NOT NULL,\n"
	"	begin_monotonic_ms INTEGER NOT NULL,\n"
	"	subject INTEGER NOT NULL,\n"
	"	selection INTEGER NOT NULL,\n"
	"	command INTEGER NOT NULL,\n"
	"	definition_file INTEGER NOT NULL,\n"
	"	definition_digest BLOB NOT NULL,\n"
	"	commit_id INTEGER NOT NULL,\n"
	"	is_dirty INTEGER NOT NULL,\n"
	"	host INTEGER NOT NULL,\n"
	"	user INTEGER NOT NULL,\n"
	"	version INTEGER NOT NULL,\n"
	"	job_url INTEGER NOT NULL,\n"
	"	boot_id INTEGER NOT NULL,\n"
	"	n_planned INTEGER NOT NULL\n"
	") STRICT;\n"
	"CREATE INDEX runs_kind ON runs(command, selection);\n"
	"CREATE INDEX runs_time ON runs(begin_ms);\n"
	"CREATE TABLE run_ends(\n"
	"	run INTEGER PRIMARY KEY,\n"
	"	seq INTEGER NOT NULL,\n"
	"	end_ms INTEGER NOT NULL,\n"
	"	state INTEGER NOT NULL,\n"
	"	outcome INTEGER NOT NULL,\n"
	"	n_pass INTEGER NOT NULL,\n"
	"	n_warn INTEGER NOT NULL,\n"
	"	n_fail INTEGER NOT NULL,\n"
	"	n_undecided INTEGER NOT NULL,\n"
	"	n_skip INTEGER NOT NULL,\n"
	"	exit_status INTEGER NOT NULL\n"
	") STRICT;\n"
	"CREATE TABLE checks(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;\n"
	"CREATE TABLE series(\n"
	"	id INTEGER PRIMARY KEY,\n"
	"	check_id INTEGER NOT NULL,\n"
	"	name TEXT NOT NULL,\n"
	"	UNIQUE (check_id, name)\n"
	") STRICT;\n"
	"CREATE TABLE definitions(\n"
	"	id INTEGER PRIMARY KEY,\n"
	"	seq INTEGER NOT NULL,\n"
	"	digest BLOB NOT NULL UNIQUE, -- of the row's content\n"
	"	check_id INTEGER NOT NULL,\n"
	"	hash BLOB NOT NULL, -- of the resolved check, computed by the loader\n"
	"	kind INTEGER NOT NULL,\n"
	"	title INTEGER, why INTEGER, owner INTEGER, target INTEGER,\n"
	"	file INTEGER NOT NULL, line INTEGER NOT NULL, col INTEGER NOT NULL,\n"
	"	severity INTEGER NOT NULL,\n"
	"	tags INTEGER NOT NULL\n"
	") STRICT;\n"
	"CREATE TABLE facts(\n"
	"	id INTEGER PRIMARY KEY,\n"
	"	digest BLOB NOT NULL UNIQUE, -- of the content but usual_limit\n"
	"	definition_id INTEGER NOT NULL,\n"
	"	ordinal INTEGER NOT NULL,\n"
	"	outcome INTEGER NOT NULL,\n"
	"	unit INTEGER NOT NULL, bound INTEGER NOT NULL,\n"
	"	usual_limit ANY, -- NULL = the bound has no number\n"
	"	bound_line INTEGER NOT NULL, bound_col INTEGER NOT NULL,\n"
	"	reason INTEGER, evidence INTEGER, query INTEGER,\n"
	"	attempts INTEGER NOT NULL, is_flaky INTEGER NOT NULL,\n"
	"	is_whole INTEGER NOT NULL, -- n_total is n\n"
	"	share ANY -- NULL = value / n_total\n"
	") STRICT;\n", /* next part */
	"CREATE TABLE results(\n"
	"	id INTEGER PRIMARY KEY, -- run << 24 | series\n"
	"	facts_id INTEGER NOT NULL,\n"
	"	value ANY, -- NULL = no measurement\n"
	"	n ANY, -- NULL = does not apply; text 'n/n_total' where they differ\n"
	"	own_limit ANY,\n"
	"	room ANY,\n"
	"	at_ms INTEGER NOT NULL, -- since runs.begin_ms\n"
	"	duration_us INTEGER NOT NULL,\n"
	"	run INTEGER GENERATED ALWAYS AS (id >> 24) VIRTUAL,\n"
	"	series INTEGER GENERATED ALWAYS AS (id & 16777215) VIRTUAL\n"
	") STRICT;\n"
	"CREATE TABLE batches(\n"
	"	run INTEGER NOT NULL, batch INTEGER NOT NULL,\n"
	"	first_seq INTEGER NOT NULL, n_results INTEGER NOT NULL,\n"
	"	members TEXT NOT NULL, -- its series: '1-250 253'\n"
	"	PRIMARY KEY (run, batch)\n"
	") STRICT, WITHOUT ROWID;\n"
	"CREATE TABLE places( -- where series of a check were not given in the order of their id\n"
	"	result INTEGER PRIMARY KEY, place INTEGER NOT NULL\n"
	") STRICT;\n"
	"CREATE TABLE states( -- cache: where each check stands\n"
	"	check_id INTEGER PRIMARY KEY,\n"
	"	run INTEGER NOT NULL, subject INTEGER NOT NULL,\n"
	"	outcome INTEGER NOT NULL, measured_ms INTEGER NOT NULL,\n"
	"	since_ms INTEGER NOT NULL, -- begin of the present stretch of outcome\n"
	"	finished_ms INTEGER NOT NULL -- last measured_ms but of skips; -1 = never\n"
	") STRICT;\n"
	"CREATE TABLE latest( -- cache: the same about a subject the newest run is not about\n"
	"	subject INTEGER NOT NULL, check_id INTEGER NOT NULL, run INTEGER NOT NULL,\n"
	"	PRIMARY KEY (subject, check_id)\n"
	") STRICT, WITHOUT ROWID;\n"
	"CREATE TABLE restorations(\n"
	"	id INTEGER PRIMARY KEY,\n"
	"	seq INTEGER NOT NULL, run INTEGER NOT NULL, at_ms INTEGER NOT NULL,\n"
	"	set_name INTEGER NOT NULL, tag INTEGER NOT NULL,\n"
	"	commit_id INTEGER, tree INTEGER,\n"
	"	outcome INTEGER NOT NULL, tag_time_ms INTEGER NOT NULL,\n"
	"	n_objects INTEGER NOT NULL, n_files INTEGER NOT NULL, n_bytes INTEGER NOT NULL,\n"
	"	restore_us INTEGER NOT NULL\n"
	") STRICT;\n"
	"CREATE INDEX restorations_tag ON restorations(set_name, tag);\n"
	"CREATE INDEX restorations_run ON restorations(run);\n"
	"CREATE TABLE steps(\n"
	"	restoration INTEGER NOT NULL, place INTEGER NOT NULL,\n"
	"	name INTEGER NOT NULL, outcome INTEGER NOT NULL, duration_us INTEGER NOT NULL,\n"
	"	finding INTEGER, remedy INTEGER,\n"
	"	PRIMARY KEY (restoration, place)\n"
	") STRICT, WITHOUT ROWID;\n"
	"CREATE TABLE pins( -- cache: first restoration that knew what the tag is\n"
	"	set_name INTEGER NOT NULL, tag INTEGER NOT NULL, restoration INTEGER NOT NULL,\n"
	"	PRIMARY KEY (set_name, tag)\n"
	") STRICT, WITHOUT ROWID;\n"
	"CREATE TABLE decisions(\n"
	"	id INTEGER PRIMARY KEY,\n"
	"	seq INTEGER NOT NULL,\n"
	"	gate INTEGER NOT NULL, subject INTEGER NOT NULL,\n"
	"	at_ms INTEGER NOT NULL, run INTEGER NOT NULL,\n"
	"	is_open INTEGER NOT NULL, outcome INTEGER NOT NULL,\n"
	"	definition_digest BLOB NOT NULL, oldest_ms INTEGER NOT NULL\n"
	") STRICT;\n"
	"CREATE INDEX decisions_gate ON decisions(gate);\n"
	"CREATE INDEX decisions_run ON decisions(run);\n"
	"CREATE TABLE decision_lines(\n"
	"	decision INTEGER NOT NULL, place INTEGER NOT NULL,\n"
	"	check_name INTEGER NOT NULL, series INTEGER NOT NULL,\n"
	"	outcome INTEGER NOT NULL, is_hard INTEGER NOT NULL,\n"
	"	text INTEGER NOT NULL, remedy INTEGER, file INTEGER,\n"
	"	line INTEGER NOT NULL, col INTEGER NOT NULL,\n"
	"	run INTEGER NOT NULL, measured_ms INTEGER NOT NULL,\n"
	"	PRIMARY KEY (decision, place)\n"
	") STRICT, WITHOUT ROWID;\n"
	"CREATE TABLE locks(\n"
	"	name TEXT PRIMARY KEY,\n"
	"	host TEXT NOT NULL, boot_id TEXT NOT NULL, pid_space TEXT NOT NULL,\n"
	"	pid INTEGER NOT NULL, start_ticks INTEGER NOT NULL\n"
	") STRICT, WITHOUT ROWID;\n",
	NULL,
};

/* What others measured. The index is what a check reads: a name's series, newest first. */
static const char *const version_2[] = {
	"CREATE TABLE externals(\n"
	"	id INTEGER PRIMARY KEY,\n"
	"	seq INTEGER NOT NULL,\n"
	"	name INTEGER NOT NULL,\n"
	"	series INTEGER NOT NULL, -- of all labels\n"
	"	given_id INTEGER, -- NULL = none\n"
	"	value ANY NOT NULL,\n"
	"	unit INTEGER NOT NULL,\n"
	"	at_ms INTEGER NOT NULL,\n"
	"	recorded_ms INTEGER NOT NULL,\n"
	"	host INTEGER NOT NULL,\n"
	"	user INTEGER NOT NULL\n"
	") STRICT;\n"
	"CREATE INDEX externals_time ON externals(name, series, at_ms);\n"
	"CREATE UNIQUE INDEX externals_given ON externals(name, given_id)\n"
	"	WHERE given_id IS NOT NULL;\n"
	"CREATE TABLE external_labels(\n"
	"	series INTEGER NOT NULL, place INTEGER NOT NULL,\n"
	"	name INTEGER NOT NULL, value INTEGER NOT NULL,\n"
	"	PRIMARY KEY (series, place)\n"
	") STRICT, WITHOUT ROWID;\n",
	NULL,
};

/*
 * The repetitions behind a result, for those results that have some. A result's row has them or has
 * them not: they are part of it and have no number of their own in the sequence.
 */
static const char *const version_3[] = {
	"CREATE TABLE samples(\n"
	"	result INTEGER PRIMARY KEY, -- results.id\n"
	"	body BLOB NOT NULL -- doubles as measured, in order; IEEE 754, big endian\n"
	") STRICT;\n",
	NULL,
};

/* How far each check of a kind that reads on has read: moved by the batch its results are in. */
static const char *const version_4[] = {
	"CREATE TABLE cursors(\n"
	"	check_id INTEGER PRIMARY KEY,\n"
	"	run INTEGER NOT NULL, -- that moved it last\n"
	"	state TEXT NOT NULL -- what it means is the kind's business\n"
	") STRICT;\n",
	NULL,
};

/* What a step of a restoration found that decides nothing. */
static const char *const version_5[] = {
	"ALTER TABLE steps ADD COLUMN note INTEGER;\n",
	NULL,
};

/* The first good digest of everything that was built of a tag: what a pin is to its commit. */
static const char *const version_6[] = {
	"CREATE TABLE artifacts(\n"
	"	set_name INTEGER NOT NULL, tag INTEGER NOT NULL, name INTEGER NOT NULL,\n"
	"	digest INTEGER NOT NULL, -- SHA-256, hex\n"
	"	restoration INTEGER NOT NULL, -- that found it so\n"
	"	PRIMARY KEY (set_name, tag, name)\n"
	") STRICT, WITHOUT ROWID;\n",
	NULL,
};

/* What all objects under a tag were, proven by name: a digest, so that the next look is shorter. */
static const char *const version_7[] = {
	"ALTER TABLE restorations ADD COLUMN content INTEGER;\n",
	NULL,
};

/*
 * The ledger: a Merkle tree over everything numbered (ledger.h). Of its nodes those of every eighth
 * level are kept, which is what a proof needs but the leaves of one subtree of 256. Cursors become
 * records of their own, so that how far a check has read cannot be changed unnoticed.
 */
static const char *const version_8[] = {
	"ALTER TABLE head ADD COLUMN frontier BLOB;\n"
	"ALTER TABLE head ADD COLUMN root BLOB;\n"
	"ALTER TABLE definitions ADD COLUMN leaf BLOB;\n"
	"ALTER TABLE facts ADD COLUMN leaf BLOB;\n"
	"ALTER TABLE head ADD COLUMN working BLOB;\n"
	"CREATE TABLE nodes(\n"
	"	level INTEGER NOT NULL, at INTEGER NOT NULL, -- leaves at << level on\n"
	"	hash BLOB NOT NULL,\n"
	"	PRIMARY KEY (level, at)\n"
	") STRICT, WITHOUT ROWID;\n"
	"CREATE TABLE migrations(\n"
	"	id INTEGER PRIMARY KEY, seq INTEGER NOT NULL,\n"
	"	version_from INTEGER NOT NULL, version_to INTEGER NOT NULL\n"
	") STRICT;\n"
	"CREATE TABLE cursor_moves(\n"
	"	id INTEGER PRIMARY KEY, seq INTEGER NOT NULL,\n"
	"	check_id INTEGER NOT NULL, run INTEGER NOT NULL, state TEXT NOT NULL\n"
	") STRICT;\n"
	"CREATE TABLE keys(\n"
	"	id INTEGER PRIMARY KEY, seq INTEGER NOT NULL,\n"
	"	name INTEGER NOT NULL,\n"
	"	public BLOB NOT NULL, -- Ed25519\n"
	"	endorsement BLOB, -- by the key before it; NULL = the first\n"
	"	at_ms INTEGER NOT NULL, host INTEGER NOT NULL, user INTEGER NOT NULL\n"
	") STRICT;\n"
	"CREATE TABLE checkpoints(\n"
	"	size INTEGER PRIMARY KEY, note TEXT NOT NULL\n"
	") STRICT;\n", /* next part */
	"CREATE UNIQUE INDEX runs_seq ON runs(seq);\n"
	"CREATE UNIQUE INDEX run_ends_seq ON run_ends(seq);\n"
	"CREATE UNIQUE INDEX definitions_seq ON definitions(seq);\n"
	"CREATE UNIQUE INDEX batches_seq ON batches(first_seq);\n"
	"CREATE UNIQUE INDEX restorations_seq ON restorations(seq);\n"
	"CREATE UNIQUE INDEX decisions_seq ON decisions(seq);\n"
	"CREATE UNIQUE INDEX externals_seq ON externals(seq);\n"
	"CREATE UNIQUE INDEX migrations_seq ON migrations(seq);\n"
	"CREATE UNIQUE INDEX cursor_moves_seq ON cursor_moves(seq);\n"
	"CREATE UNIQUE INDEX keys_seq ON keys(seq);\n"
	"CREATE INDEX artifacts_restoration ON artifacts(restoration);\n",
	NULL,
};

/* What let a failing line of a decision through: part of the line, without a number of its own. */
static const char *const version_9[] = {
	"CREATE TABLE decision_waivers(\n"
	"	decision INTEGER NOT NULL, place INTEGER NOT NULL,\n"
	"	waiver INTEGER NOT NULL, -- its id in the definition\n"
	"	owner INTEGER NOT NULL, reason INTEGER NOT NULL, ticket INTEGER NOT NULL,\n"
	"	granted_ms INTEGER NOT NULL, expires_ms INTEGER NOT NULL,\n"
	"	PRIMARY KEY (decision, place)\n"
	") STRICT, WITHOUT ROWID;\n",
	NULL,
};

/*
 * Who is told of what. `told` has what was told of a series and is not over, `gaps` the last moment
 * a scheduled check missed that was told; both move in the transaction that writes the notices, so
 * that two runs cannot tell the same. A notice waits in `outbox` until it has its end.
 */
static const char *const version_10[] = {
	"CREATE TABLE told(\n"
	"	series INTEGER PRIMARY KEY,\n"
	"	open INTEGER NOT NULL, -- bits: see notify.h\n"
	"	since_ms INTEGER NOT NULL, -- it stopped to pass\n"
	"	run INTEGER NOT NULL -- that moved it last\n"
	") STRICT;\n"
	"CREATE TABLE gaps(\n"
	"	check_id INTEGER PRIMARY KEY,\n"
	"	due_ms INTEGER NOT NULL, run INTEGER NOT NULL, is_open INTEGER NOT NULL\n"
	") STRICT;\n"
	"CREATE TABLE notices(\n"
	"	id INTEGER PRIMARY KEY,\n"
	"	seq INTEGER NOT NULL,\n"
	"	sink INTEGER NOT NULL, at_ms INTEGER NOT NULL,\n"
	"	run INTEGER NOT NULL, -- 0 = none\n"
	"	n_lines INTEGER NOT NULL -- that there were; no more than a bound are kept\n"
	") STRICT;\n"
	"CREATE TABLE notice_lines(\n"
	"	notice INTEGER NOT NULL, place INTEGER NOT NULL,\n"
	"	kind INTEGER NOT NULL, was INTEGER NOT NULL, is_repeat INTEGER NOT NULL,\n"
	"	series INTEGER NOT NULL, -- 0 = none\n"
	"	outcome INTEGER NOT NULL, severity INTEGER NOT NULL,\n"
	"	line INTEGER NOT NULL, col INTEGER NOT NULL, run INTEGER NOT NULL,\n"
	"	since_ms INTEGER NOT NULL, at_ms INTEGER NOT NULL,\n"
	"	check_name INTEGER NOT NULL, series_name INTEGER NOT NULL,\n"
	"	subject INTEGER NOT NULL, value INTEGER NOT NULL, unit INTEGER NOT NULL,\n"
	"	bound INTEGER NOT NULL,\n"
	"	title INTEGER, owner INTEGER, reason INTEGER, file INTEGER,\n"
	"	number ANY,\n"
	"	PRIMARY KEY (notice, place)\n"
	") STRICT, WITHOUT ROWID;\n"
	"CREATE INDEX notice_lines_series ON notice_lines(series);\n"
	"CREATE TABLE notice_ends(\n"
	"	notice INTEGER PRIMARY KEY,\n"
	"	seq INTEGER NOT NULL, at_ms INTEGER NOT NULL,\n"
	"	is_delivered INTEGER NOT NULL, attempts INTEGER NOT NULL,\n"
	"	why TEXT -- it could not be delivered the last time; NULL = it never failed\n"
	") STRICT;\n"
	"CREATE UNIQUE INDEX notices_seq ON notices(seq);\n"
	"CREATE UNIQUE INDEX notice_ends_seq ON notice_ends(seq);\n"
	"CREATE TABLE outbox(\n"
	"	notice INTEGER PRIMARY KEY,\n"
	"	attempts INTEGER NOT NULL, tried_ms INTEGER NOT NULL, next_ms INTEGER NOT NULL,\n"
	"	why TEXT\n"
	") STRICT;\n",
	NULL,
};

/*
 * What a decision was a function of, and what was expected of a check's values: both can be judged
 * again from the record alone.
 */
static const char *const version_11[] = {
	"ALTER TABLE decisions ADD COLUMN policy INTEGER;\n"
	"ALTER TABLE decisions ADD COLUMN basis INTEGER;\n"
	"ALTER TABLE definitions ADD COLUMN expects INTEGER;\n",
	NULL,
};

/* Who opened which gate for which subject against what it said. */
static const char *const version_12[] = {
	"CREATE TABLE overrides(\n"
	"	id INTEGER PRIMARY KEY, seq INTEGER NOT NULL,\n"
	"	gate INTEGER NOT NULL, subject INTEGER NOT NULL,\n"
	"	actor INTEGER NOT NULL, reason INTEGER NOT NULL,\n"
	"	host INTEGER NOT NULL, user INTEGER NOT NULL,\n"
	"	at_ms INTEGER NOT NULL, until_ms INTEGER NOT NULL\n"
	") STRICT;\n"
	"CREATE UNIQUE INDEX overrides_seq ON overrides(seq);\n"
	"CREATE INDEX overrides_until ON overrides(until_ms);\n"
	"ALTER TABLE decisions ADD COLUMN override INTEGER; -- that opened it; NULL = none\n",
	NULL,
};

/* Where checkpoints were put that the keeper of the record cannot change, and what was given for
 * it. */
static const char *const version_13[] = {
	"CREATE TABLE anchors(\n"
	"	id INTEGER PRIMARY KEY, seq INTEGER NOT NULL,\n"
	"	kind TEXT NOT NULL, place INTEGER NOT NULL,\n"
	"	size INTEGER NOT NULL, root BLOB NOT NULL,\n"
	"	receipt BLOB NOT NULL,\n"
	"	at_ms INTEGER NOT NULL, host INTEGER NOT NULL, user INTEGER NOT NULL\n"
	") STRICT;\n"
	"CREATE UNIQUE INDEX anchors_seq ON anchors(seq);\n",
	NULL,
};

/*
 * What was taken over from other records: a row for each time, and of each run and measurement by
 * which of them it came. behind: the newest run made here that had begun before a run that was
 * merged, 0 = none; it stands right after that one (store.h).
 *
 * Runs that are one part of several: which, of how many, and the digest of what all of them had to
 * agree on (runner/shard.h). A run by itself has none of it.
 */
static const char *const version_14[] = {
	"ALTER TABLE runs ADD COLUMN shard INTEGER;\n"
	"ALTER TABLE runs ADD COLUMN shards INTEGER;\n"
	"ALTER TABLE runs ADD COLUMN manifest BLOB;\n"
	"CREATE INDEX runs_manifest ON runs(manifest, shard) WHERE manifest IS NOT NULL;\n"
	"CREATE INDEX runs_sharded ON runs(selection, subject) WHERE manifest IS NOT NULL;\n"
	"CREATE TABLE merges(\n"
	"	id INTEGER PRIMARY KEY, seq INTEGER NOT NULL,\n"
	"	identity BLOB NOT NULL, -- head.origin of the other record\n"
	"	origin INTEGER, -- of its checkpoints; NULL = it has no key\n"
	"	first INTEGER NOT NULL, size INTEGER NOT NULL, -- its records from first on, size "
	"in all\n"
	"	root BLOB NOT NULL, -- of those `size`\n"
	"	vouched INTEGER NOT NULL, -- 0 nobody, 1 its own key, 2 a key that is trusted "
	"here\n"
	"	note INTEGER, -- the checkpoint that vouches for them\n"
	"	at_ms INTEGER NOT NULL, host INTEGER NOT NULL, user INTEGER NOT NULL\n"
	") STRICT;\n"
	"CREATE UNIQUE INDEX merges_seq ON merges(seq);\n"
	"CREATE INDEX merges_identity ON merges(identity);\n"
	"ALTER TABLE runs ADD COLUMN merge INTEGER;\n"
	"ALTER TABLE runs ADD COLUMN source INTEGER; -- its number in the other record\n"
	"ALTER TABLE runs ADD COLUMN behind INTEGER;\n"
	"ALTER TABLE externals ADD COLUMN merge INTEGER;\n"
	"CREATE INDEX runs_source ON runs(source) WHERE source IS NOT NULL;\n"
	"CREATE INDEX runs_own ON runs(begin_ms) WHERE merge IS NULL;\n",
	NULL,
};

/* Bodies that were let go of, by their digests, and who did so (prune.h). */
static const char *const version_15[] = {
	"CREATE TABLE prunings(\n"
	"	id INTEGER PRIMARY KEY, seq INTEGER NOT NULL,\n"
	"	at_ms INTEGER NOT NULL,\n"
	"	before_ms INTEGER NOT NULL, -- of what was measured before\n"
	"	host INTEGER NOT NULL, user INTEGER NOT NULL\n"
	") STRICT;\n"
	"CREATE UNIQUE INDEX prunings_seq ON prunings(seq);\n"
	"CREATE TABLE pruned_texts(\n"
	"	text INTEGER PRIMARY KEY, pruning INTEGER NOT NULL,\n"
	"	sha256 BLOB NOT NULL, size INTEGER NOT NULL\n"
	") STRICT;\n"
	"CREATE INDEX pruned_texts_pruning ON pruned_texts(pruning);\n"
	"CREATE TABLE pruned_samples(\n"
	"	result INTEGER PRIMARY KEY, pruning INTEGER NOT NULL,\n"
	"	sha256 BLOB NOT NULL, size INTEGER NOT NULL\n"
	") STRICT;\n"
	"CREATE INDEX pruned_samples_pruning ON pruned_samples(pruning);\n",
	NULL,
};

/* Outcomes by day: a cache, because rates of months are asked for and results are read run by run.
 */
static const char *const version_16[] = {
	"CREATE TABLE days(\n"
	"	id INTEGER PRIMARY KEY, -- days since 1970 (UTC) of measured_ms << 24 | series\n"
	"	n_undecided INTEGER NOT NULL, n_pass INTEGER NOT NULL, n_warn INTEGER NOT NULL,\n"
	"	n_fail INTEGER NOT NULL, n_skip INTEGER NOT NULL\n"
	") STRICT;\n"
	"INSERT INTO days SELECT (max(0, r.begin_ms + x.at_ms) / 86400000 << 24) | (x.id & "
	"16777215), "
	"sum(f.outcome = 0), sum(f.outcome = 1), sum(f.outcome = 2), sum(f.outcome = 3), "
	"sum(f.outcome = 4) FROM results x JOIN runs r ON r.id = x.id >> 24 JOIN facts f ON f.id = "
	"x.facts_id GROUP BY 1;\n",
	NULL,
};

/*
 * The commit that a tag stood for when something was measured, or let through, for the release it
 * names; NULL = no tag, or none that could be read. How far a check has read is looked up among all
 * moves of its cursor: the newest is not always the one that counts (cursors.c).
 */
static const char *const version_17[] = {
	"ALTER TABLE runs ADD COLUMN subject_commit INTEGER;\n"
	"ALTER TABLE overrides ADD COLUMN subject_commit INTEGER;\n"
	"DROP TABLE cursors;\n"
	"CREATE INDEX cursor_moves_check ON cursor_moves(check_id, run);\n",
	NULL,
};

/* Under which definition a gate was overridden: others may have a gate of that name. */
static const char *const version_18[] = {
	"ALTER TABLE overrides ADD COLUMN definition INTEGER;\n"
	"ALTER TABLE overrides ADD COLUMN definition_file INTEGER;\n",
	NULL,
};

/*
 * What checks noticed when what they look at was damaged (challenges.h). An attack is part of its
 * challenge, without a number of its own. merge and behind are what they are of runs; behind is the
 * newest challenge made here that had begun before one that was merged.
 */
static const char *const version_19[] = {
	"CREATE TABLE challenges(\n"
	"	id INTEGER PRIMARY KEY, seq INTEGER NOT NULL,\n"
	"	definition_id INTEGER NOT NULL, -- of the check\n"
	"	at_ms INTEGER NOT NULL, recorded_ms INTEGER NOT NULL,\n"
	"	duration_us INTEGER NOT NULL,\n"
	"	subject INTEGER NOT NULL,\n"
	"	reason INTEGER, help INTEGER, -- why it was not challenged; NULL = it was\n"
	"	n_noticed INTEGER NOT NULL, n_survived INTEGER NOT NULL,\n"
	"	n_uncounted INTEGER NOT NULL, n_steady INTEGER NOT NULL,\n"
	"	n_false_alarms INTEGER NOT NULL,\n"
	"	definition_file INTEGER NOT NULL, definition_digest BLOB NOT NULL,\n"
	"	commit_id INTEGER NOT NULL, is_dirty INTEGER NOT NULL,\n"
	"	host INTEGER NOT NULL, user INTEGER NOT NULL, version INTEGER NOT NULL,\n"
	"	merge INTEGER, behind INTEGER\n"
	") STRICT;\n"
	"CREATE UNIQUE INDEX challenges_seq ON challenges(seq);\n"
	"CREATE TABLE attacks(\n"
	"	challenge INTEGER NOT NULL, place INTEGER NOT NULL,\n"
	"	name INTEGER NOT NULL, object INTEGER NOT NULL, words INTEGER NOT NULL,\n"
	"	outcome INTEGER NOT NULL, -- its name\n"
	"	reason INTEGER, series INTEGER, was INTEGER, became INTEGER, bound INTEGER,\n"
	"	advice INTEGER, turns_red ANY, turns_red_words INTEGER,\n"
	"	is_control INTEGER NOT NULL, is_erratic INTEGER NOT NULL,\n"
	"	duration_us INTEGER NOT NULL,\n"
	"	PRIMARY KEY (challenge, place)\n"
	") STRICT, WITHOUT ROWID;\n",
	NULL,
};

/* store_migrations[i] leads from version i to version i + 1 */
const char *const *const store_migrations[STORE_VERSION] = {
	version_1,  version_2,	version_3,  version_4,	version_5,  version_6,	version_7,
	version_8,  version_9,	version_10, version_11, version_12, version_13, version_14,
	version_15, version_16, version_17, version_18, version_19};
