/* What is hashed of each kind of record: its members, in order, and where they stand. */
#include "runner/history/leaf.h"

static const struct leaf_child restoration_children[] = {
	{"artifacts", "SELECT x.digest AS \"$digest\", x.name AS \"$name\" FROM artifacts x WHERE "
		      "x.restoration = ?1 ORDER BY (SELECT body FROM texts WHERE id = x.name), 1"},
	{"steps",
	 "SELECT x.duration_us AS duration_us, x.finding AS \"$finding\", x.name AS \"$name\", "
	 "x.note AS \"$note\", x.outcome AS \"!outcome\", x.place AS place, x.remedy AS "
	 "\"$remedy\" FROM steps x WHERE x.restoration = ?1 ORDER BY x.place"},
	{NULL, NULL},
};

static const struct leaf_child decision_children[] = {
	{"lines",
	 "SELECT x.check_name AS \"$check\", x.col AS col, x.file AS \"$file\", x.is_hard AS "
	 "is_hard, x.line AS line, x.measured_ms AS measured, x.outcome AS \"!outcome\", x.place "
	 "AS place, x.remedy AS \"$remedy\", x.run AS run, x.series AS \"$series\", x.text AS "
	 "\"$text\" FROM decision_lines x WHERE x.decision = ?1 ORDER BY x.place"},
	{"waivers",
	 "SELECT x.expires_ms AS expires, x.granted_ms AS granted, x.owner AS \"$owner\", x.place "
	 "AS place, x.reason AS \"$reason\", x.ticket AS \"$ticket\", x.waiver AS \"$waiver\" FROM "
	 "decision_waivers x WHERE x.decision = ?1 ORDER BY x.place"},
	{NULL, NULL},
};

static const struct leaf_child external_children[] = {
	{"labels",
	 "SELECT x.name AS \"$name\", x.place AS place, x.value AS \"$value\" FROM external_labels "
	 "x WHERE x.series = ?1 ORDER BY x.place"},
	{NULL, NULL},
};

static const struct leaf_child notice_children[] = {
	{"lines",
	 "SELECT x.at_ms AS at, x.bound AS \"$bound\", x.check_name AS \"$check\", x.col AS col, "
	 "x.file AS \"$file\", x.is_repeat AS is_repeat, x.kind AS kind, x.line AS line, x.number "
	 "AS \"%number\", x.outcome AS \"!outcome\", x.owner AS \"$owner\", x.place AS place, "
	 "x.reason AS \"$reason\", x.run AS run, x.series_name AS \"$series\", x.series AS "
	 "series_id, x.severity AS severity, x.since_ms AS since, x.subject AS \"$subject\", "
	 "x.title AS \"$title\", x.unit AS \"$unit\", x.value AS \"$value\", x.was AS was FROM "
	 "notice_lines x WHERE x.notice = ?1 ORDER BY x.place"},
	{NULL, NULL},
};

static const struct leaf_child challenge_children[] = {
	{"attacks",
	 "SELECT x.advice AS \"$advice\", x.became AS \"$after\", x.was AS \"$before\", x.bound "
	 "AS \"$bound\", x.duration_us AS duration_us, x.is_control AS is_control, x.is_erratic AS "
	 "is_erratic, x.name AS \"$name\", x.object AS \"$object\", x.outcome AS \"$outcome\", "
	 "x.place AS place, x.reason AS \"$reason\", x.series AS \"$series\", x.turns_red AS "
	 "\"%turns_red\", x.turns_red_words AS \"$turns_red_words\", x.words AS \"$words\" FROM "
	 "attacks x WHERE x.challenge = ?1 ORDER BY x.place"},
	{NULL, NULL},
};

static const struct leaf_child pruning_children[] = {
	{"samples", "SELECT x.result AS result, x.sha256 AS sha256, x.size AS size FROM "
		    "pruned_samples x WHERE x.pruning = ?1 ORDER BY x.result"},
	{"texts", "SELECT x.sha256 AS sha256, x.size AS size, x.text AS text FROM pruned_texts x "
		  "WHERE x.pruning = ?1 ORDER BY x.text"},
	{NULL, NULL},
};

#define RANGE " WHERE x.seq >= ?1 AND x.seq < ?2 ORDER BY x.seq"

static const char genesis[] = "SELECT x.origin AS origin, 0 AS seq, 'assize/genesis/1' AS t FROM "
			      "head x WHERE ?1 <= 0 AND ?2 > 0";

static const char migrate[] = "SELECT x.version_from AS \"from\", x.id AS migration, x.seq AS seq, "
			      "'assize/migrate/1' AS t, x.version_to AS \"to\" FROM migrations "
			      "x" RANGE;

static const char definition[] = "SELECT x.leaf AS definition, x.id AS id, x.seq AS seq, "
				 "'assize/definition/1' AS t FROM definitions x" RANGE;

static const char run_begin[] =
	"SELECT x.begin_ms AS begin, x.begin_monotonic_ms AS begin_monotonic, x.behind AS behind, "
	"x.boot_id AS \"$boot_id\", x.command AS \"$command\", x.commit_id AS \"$commit\", "
	"x.definition_digest AS definition, x.definition_file AS \"$definition_file\", x.is_dirty "
	"AS dirty, x.host AS \"$host\", x.job_url AS \"$job_url\", x.manifest AS manifest, x.merge "
	"AS merge, x.n_planned AS planned, x.id AS run, x.selection AS \"$selection\", x.seq AS "
	"seq, x.shard AS shard, x.shards AS shards, x.source AS source, x.subject AS "
	"\"$subject\", x.subject_commit AS \"$subject_commit\", 'assize/run-begin/1' AS t, x.user "
	"AS \"$user\", x.version AS \"$version\" "
	"FROM runs x" RANGE;

static const char run_end[] =
	"SELECT x.end_ms AS \"end\", x.exit_status AS exit_status, x.n_fail AS fail, x.outcome AS "
	"\"!outcome\", x.n_pass AS pass, x.run AS run, x.seq AS seq, x.n_skip AS skip, CASE "
	"x.state WHEN 1 THEN 'complete' WHEN 2 THEN 'interrupted' ELSE x.state END AS state, "
	"'assize/run-end/1' AS t, x.n_undecided AS undecided, x.n_warn AS warn FROM run_ends "
	"x" RANGE;

static const char cursor[] =
	"SELECT (SELECT name FROM checks WHERE id = x.check_id) AS \"check\", x.id AS move, x.run "
	"AS run, x.seq AS seq, x.state AS \"#state\", 'assize/cursor/1' AS t FROM cursor_moves "
	"x" RANGE;

static const char restoration[] =
	"SELECT x.id AS \"*artifacts\", x.at_ms AS at, x.n_bytes AS bytes, x.commit_id AS "
	"\"$commit\", x.content AS \"$content\", x.n_files AS files, x.n_objects AS objects, "
	"x.outcome AS \"!outcome\", x.id AS restoration, x.restore_us AS restore_us, x.run AS run, "
	"x.seq AS seq, x.set_name AS \"$set\", x.id AS \"*steps\", 'assize/restoration/1' AS t, "
	"x.tag AS \"$tag\", x.tag_time_ms AS tag_time, x.tree AS \"$tree\" FROM restorations "
	"x" RANGE;

static const char decision[] =
	"SELECT x.at_ms AS at, x.basis AS \"&basis\", x.id AS decision, x.definition_digest AS "
	"definition, x.gate AS "
	"\"$gate\", x.is_open AS is_open, x.id AS \"*lines\", x.oldest_ms AS oldest, x.outcome AS "
	"\"!outcome\", x.override AS override, x.policy AS \"&policy\", x.run AS run, x.seq AS "
	"seq, x.subject AS "
	"\"$subject\", 'assize/decision/1' "
	"AS t, (SELECT max(w.decision) FROM decision_waivers w WHERE w.decision = x.id) AS "
	"\"*waivers\" FROM decisions x" RANGE;

static const char external[] =
	"SELECT x.at_ms AS at, x.id AS external, x.given_id AS \"$given_id\", x.host AS \"$host\", "
	"x.series AS \"*labels\", x.merge AS merge, x.name AS \"$name\", x.recorded_ms AS "
	"recorded, x.seq AS seq, "
	"x.series AS \"$series\", 'assize/external/1' AS t, x.unit AS \"$unit\", x.user AS "
	"\"$user\", x.value AS \"=value\" FROM externals x" RANGE;

static const char override[] =
	"SELECT x.actor AS \"$actor\", x.at_ms AS at, x.definition AS \"$definition\", "
	"x.definition_file AS \"$definition_file\", x.gate AS \"$gate\", x.host AS \"$host\", "
	"x.id AS override, x.reason AS \"$reason\", x.seq AS seq, x.subject AS \"$subject\", "
	"x.subject_commit AS \"$subject_commit\", 'assize/override/1' AS t, x.until_ms AS until, "
	"x.user AS \"$user\" FROM overrides x" RANGE;

static const char challenge[] =
	"SELECT x.at_ms AS at, x.id AS \"*attacks\", x.behind AS behind, x.id AS challenge, "
	"(SELECT "
	"name FROM checks WHERE id = (SELECT check_id FROM definitions WHERE id = "
	"x.definition_id)) AS \"check\", (SELECT leaf FROM definitions WHERE id = "
	"x.definition_id) AS check_definition, x.commit_id AS \"$commit\", x.definition_digest AS "
	"definition, x.definition_file AS \"$definition_file\", x.is_dirty AS dirty, x.duration_us "
	"AS duration_us, x.n_false_alarms AS false_alarms, x.help AS \"$help\", x.host AS "
	"\"$host\", x.merge AS merge, x.n_noticed AS noticed, x.reason AS \"$reason\", "
	"x.recorded_ms AS recorded, x.seq AS seq, x.n_steady AS steady, x.subject AS "
	"\"$subject\", x.n_survived AS survived, 'assize/challenge/1' AS t, x.n_uncounted AS "
	"uncounted, x.user AS \"$user\", x.version AS \"$version\" FROM challenges x" RANGE;

static const char merge[] =
	"SELECT x.at_ms AS at, x.first AS \"from\", x.host AS \"$host\", x.identity AS identity, "
	"x.id AS \"merge\", x.note AS \"$note\", x.origin AS \"$origin\", x.root AS root, x.seq AS "
	"seq, 'assize/merge/1' AS t, x.size AS \"to\", x.user AS \"$user\", CASE x.vouched WHEN 0 "
	"THEN 'nobody' WHEN 1 THEN 'its own key' WHEN 2 THEN 'a trusted key' ELSE x.vouched END AS "
	"vouched FROM merges x" RANGE;

static const char key[] =
	"SELECT x.at_ms AS at, x.endorsement AS endorsement, x.host AS \"$host\", x.id AS \"key\", "
	"x.name AS \"$name\", x.public AS public, x.seq AS seq, 'assize/key/1' AS t, x.user AS "
	"\"$user\" FROM keys x" RANGE;

static const char pruning[] =
	"SELECT x.at_ms AS at, x.before_ms AS before, x.host AS \"$host\", x.id AS pruning, x.id "
	"AS \"*samples\", x.seq AS seq, 'assize/prune/1' AS t, x.id AS \"*texts\", x.user AS "
	"\"$user\" FROM prunings x" RANGE;

static const char notice[] =
	"SELECT x.at_ms AS at, x.id AS \"*lines\", x.id AS notice, x.run AS run, x.seq AS seq, "
	"x.sink AS \"$sink\", 'assize/notice/1' AS t, x.n_lines AS total FROM notices x" RANGE;

static const char notice_end[] =
	"SELECT x.at_ms AS at, x.attempts AS attempts, x.is_delivered AS delivered, x.notice AS "
	"notice, x.seq AS seq, 'assize/notice-end/1' AS t, x.why AS why FROM notice_ends x" RANGE;

static const char anchor[] =
	"SELECT x.id AS anchor, x.at_ms AS at, x.host AS \"$host\", x.kind AS kind, x.place AS "
	"\"$place\", x.receipt AS \"#receipt\", x.root AS root, x.seq AS seq, x.size AS size, "
	"'assize/anchor/1' AS t, x.user AS \"$user\" FROM anchors x" RANGE;

const struct leaf_kind leaf_kinds[] = {
	{"assize/genesis/1", "head", genesis, NULL},
	{"assize/migrate/1", "migrations", migrate, NULL},
	{"assize/definition/1", "definitions", definition, NULL},
	{"assize/run-begin/1", "runs", run_begin, NULL},
	{"assize/run-end/1", "run_ends", run_end, NULL},
	{"assize/cursor/1", "cursor_moves", cursor, NULL},
	{"assize/restoration/1", "restorations", restoration, restoration_children},
	{"assize/decision/1", "decisions", decision, decision_children},
	{"assize/override/1", "overrides", override, NULL},
	{"assize/external/1", "externals", external, external_children},
	{"assize/challenge/1", "challenges", challenge, challenge_children},
	{"assize/key/1", "keys", key, NULL},
	{"assize/anchor/1", "anchors", anchor, NULL},
	{"assize/merge/1", "merges", merge, NULL},
	{"assize/prune/1", "prunings", pruning, pruning_children},
	{"assize/notice/1", "notices", notice, notice_children},
	{"assize/notice-end/1", "notice_ends", notice_end, NULL},
	{NULL, NULL, NULL, NULL},
};

/* By far the most rows that have texts: theirs are fetched along. */

const char leaf_facts_sql[] =
	"SELECT x.attempts AS attempts, (SELECT body FROM texts WHERE id = x.bound) AS bound, "
	"x.bound_col AS bound_col, x.bound_line AS bound_line, (SELECT leaf FROM definitions "
	"WHERE id = x.definition_id) AS definition, coalesce((SELECT text FROM pruned_texts "
	"WHERE text = x.evidence), (SELECT body FROM texts WHERE id = x.evidence)) AS "
	"\"#evidence\", x.is_flaky AS flaky, x.usual_limit AS \"%limit\", "
	"x.ordinal AS ordinal, x.outcome AS \"!outcome\", coalesce((SELECT text FROM pruned_texts "
	"WHERE "
	"text = x.query), (SELECT body FROM texts WHERE id = x.query)) AS \"#query\", (SELECT body "
	"FROM texts WHERE id = x.reason) AS reason, "
	"x.share AS \"%share\", 'assize/facts/1' AS t, (SELECT body FROM texts WHERE id = "
	"x.unit) AS unit, x.is_whole AS whole FROM facts x WHERE x.id = ?1";

const char leaf_definition_sql[] =
	"SELECT (SELECT name FROM checks WHERE id = x.check_id) AS \"check\", x.col AS col, "
	"(SELECT body FROM texts WHERE id = x.expects) AS expects, (SELECT body FROM texts "
	"WHERE id = x.file) AS file, x.hash AS hash, (SELECT body FROM texts WHERE id = "
	"x.kind) AS kind, x.line AS line, (SELECT body FROM texts WHERE id = x.owner) AS "
	"owner, x.severity AS severity, 'assize/definition-content/1' AS t, (SELECT body FROM "
	"texts WHERE id = x.tags) AS tags, (SELECT body FROM texts WHERE id = x.target) AS "
	"target, (SELECT body FROM texts WHERE id = x.title) AS title, (SELECT body FROM "
	"texts WHERE id = x.why) AS why FROM definitions x WHERE x.id = ?1";
