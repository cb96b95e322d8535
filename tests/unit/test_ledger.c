/*
 * ledger: a record in which anything at all was changed. Every column of every table is changed in
 * every row; none of it may go unnoticed.
 */
#include "full_record.h"

#include "runner/base/buf.h"
#include "runner/io/jcs.h"

static bool is_same(const struct merkle_hash *a, const struct merkle_hash *b)
{
	return memcmp(a->bytes, b->bytes, SHA256_BYTES) == 0;
}

/* One of its merges is. */
static void raises_what_is_unsigned(const struct ledger_verification *v)
{
	full_show(v);
	assert_int_equal(v->n_broken, 0);
	assert_int_equal(v->n_doubts, 1);
	assert_string_equal(v->findings[0].text,
			    "nobody vouched for merge 2 of a record without a key");
}

static void test_honest_record_raises_nothing(void **state)
{
	struct world *w = *state;
	struct ledger_verification v;

	v = full_verify(w, w->path, NULL);
	assert_int_equal(v.n_broken + v.n_doubts, 0);
	full_fill(w);
	v = full_verify(w, w->path, NULL);
	raises_what_is_unsigned(&v);
	assert_int_equal(v.n_checkpoints, 2);
	assert_int_equal(v.n_signed, 2);
	assert_int_equal(v.signed_size, v.head.size);
	assert_true(v.head.size > 256);
	needs_file("the rest is its pages");
	record_close(w->record);
	w->record = NULL;
	full_sql(w->path, "VACUUM; REINDEX; ANALYZE");
	v = full_verify(w, w->path, NULL);
	raises_what_is_unsigned(&v);
}

/* ---- every column of every table ---- */

static void copy_file(const char *from, const char *to)
{
	FILE *in = fopen(from, "rb"), *out = fopen(to, "wb");
	char block[65536];
	size_t n;

	assert_non_null(in);
	assert_non_null(out);
	while ((n = fread(block, 1, sizeof(block), in)) > 0)
		assert_int_equal(fwrite(block, 1, n, out), n);
	assert_int_equal(fclose(in) + fclose(out), 0);
}

struct column {
	const char *table, *name, *type;
	const char *key; /* columns that tell rows apart */
};

static size_t columns_of(struct world *w, struct column *out, size_t max)
{
	sqlite3 *db;
	sqlite3_stmt *s;
	size_t n = 0;

	assert_int_equal(sqlite3_open(w->path, &db), SQLITE_OK);
	assert_int_equal(
		sqlite3_prepare_v2(
			db,
			"SELECT m.name, c.name, c.type, CASE WHEN m.sql LIKE '%WITHOUT ROWID%' "
			"THEN (SELECT group_concat(name) FROM pragma_table_info(m.name) WHERE pk > "
			"0) ELSE 'rowid' END FROM sqlite_schema m, pragma_table_info(m.name) c "
			"WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite%' ORDER BY 1, c.cid",
			-1, &s, NULL),
		SQLITE_OK);
	while (sqlite3_step(s) == SQLITE_ROW && n < max)
		out[n++] = (struct column){
			.table = arena_strdup(w->arena, (const char *)sqlite3_column_text(s, 0)),
			.name = arena_strdup(w->arena, (const char *)sqlite3_column_text(s, 1)),
			.type = arena_strdup(w->arena, (const char *)sqlite3_column_text(s, 2)),
			.key = arena_strdup(w->arena, (const char *)sqlite3_column_text(s, 3)),
		};
	(void)sqlite3_finalize(s);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	return n;
}

/*
 * Something else of the same type, or of any where there was nothing. 1 = changed, 0 = a constraint
 * refused it, or there is no such row.
 */
static int change_row(const char *path, const struct column *c, const char *row)
{
	const char *other = strcmp(c->type, "BLOB") == 0   ? "x'07'"
			    : strcmp(c->type, "TEXT") == 0 ? "'x'"
							   : "7";
	/* Dense ids have a neighbour: only a far one is free. */
	const char *step =
		strstr(c->name, "id") != NULL || strcmp(c->name, "result") == 0 ? "10007" : "1";
	sqlite3 *db;
	char *text = sqlite3_mprintf(
		"UPDATE \"%w\" SET \"%w\" = CASE typeof(\"%w\") WHEN 'integer' THEN \"%w\" + %s "
		"WHEN "
		"'real' THEN \"%w\" * 1.25 + 1 WHEN 'text' THEN \"%w\" || 'x' WHEN 'blob' THEN "
		"CAST(CASE substr(\"%w\", 1, 1) WHEN x'5a' THEN x'a5' ELSE x'5a' END || "
		"substr(\"%w\", 2) AS BLOB) ELSE %s END WHERE (%s) = (SELECT %s FROM "
		"\"%w\" LIMIT 1 OFFSET %s)",
		c->table, c->name, c->name, c->name, step, c->name, c->name, c->name, c->name,
		other, c->key, c->key, c->table, row);
	int n = 0;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	if (sqlite3_exec(db, text, NULL, NULL, NULL) == SQLITE_OK)
		n = sqlite3_changes(db);
	sqlite3_free(text);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	return n;
}

static void test_every_changed_column_is_noticed(void **state)
{
	struct world *w = *state;
	struct column columns[400];
	char copy[128];
	size_t n, n_changed = 0, n_missed = 0, n_honest;
	struct ledger_verification honest;

	needs_file("its columns are changed behind its back");
	full_fill(w);
	record_close(w->record);
	w->record = NULL;
	honest = full_verify(w, w->path, NULL);
	n_honest = honest.n_broken + honest.n_doubts; /* one of its merges is unsigned */
	(void)snprintf(copy, sizeof(copy), "%s/copy.db", w->dir);
	n = columns_of(w, columns, 400);
	assert_true(n > 150 && n < 400);
	for (size_t i = 0; i < n; i++) {
		int n_here = 0;

		for (int k = 0; k < 3; k++) {
			const char *row =
				k == 0	 ? "0"
				: k == 1 ? "1"
					 : arena_printf(w->arena,
							"max(2, (SELECT count(*) FROM \"%s\") - 1)",
							columns[i].table);
			struct ledger_verification v;

			copy_file(w->path, copy);
			if (change_row(copy, &columns[i], row) == 0)
				continue;
			n_here++;
			v = full_verify(w, copy, NULL);
			if (v.n_broken + v.n_doubts <= n_honest) {
				print_message("missed: %s.%s of row %s\n", columns[i].table,
					      columns[i].name, row);
				n_missed++;
			}
		}
		/* one head there can be, and a record made today was never migrated */
		if (n_here == 0 && strcmp(columns[i].table, "migrations") != 0 &&
		    strcmp(columns[i].name, "one") != 0)
			fail_msg("never changed: %s.%s", columns[i].table, columns[i].name);
		n_changed += (size_t)n_here;
	}
	print_message("%zu columns, %zu changes, %zu missed\n", n, n_changed, n_missed);
	assert_int_equal(n_missed, 0);
	assert_int_equal(unlink(copy), 0);
}

/* ---- leaves ---- */

struct taken {
	size_t n;
};

static int take(void *ctx, uint64_t seq, const char *json, size_t n)
{
	struct taken *t = ctx;
	struct buf canonical;
	struct err e = {0};

	assert_int_equal(seq, t->n++);
	buf_init(&canonical, BUF_UNBOUNDED);
	assert_ok(jcs_of_json(json, n, &canonical, &e), e);
	if (canonical.len != n || memcmp(canonical.data, json, n) != 0)
		fail_msg("not canonical: %.*s", (int)n, json);
	assert_true(n <= 65535);
	buf_release(&canonical);
	return 0;
}

static void test_leaves_are_canonical(void **state)
{
	struct world *w = *state;
	struct ledger_head head;
	struct taken t = {0};
	struct err e = {0};

	full_fill(w);
	assert_ok(ledger_leaves(w->record, 0, INT64_MAX, take, &t, &e), e);
	assert_ok(ledger_head(w->record, w->arena, &head, &e), e);
	assert_int_equal(t.n, head.size);
}

static void test_every_record_can_be_proven(void **state)
{
	struct world *w = *state;
	struct ledger_head head;
	struct merkle_proof extension;
	struct err e = {0};

	full_fill(w);
	assert_ok(ledger_head(w->record, w->arena, &head, &e), e);
	for (uint64_t i = 0; i < head.size; i++) {
		struct ledger_proof p;

		assert_ok(ledger_prove(w->record, w->arena, i, 0, &p, &e), e);
		assert_true(is_same(&p.root, &head.root));
		assert_true(merkle_includes(&p.leaf_hash, i, head.size, &p.proof, &head.root));
		if (i == 0)
			continue;
		assert_ok(ledger_prove(w->record, w->arena, i - 1, i, &p, &e), e);
		assert_ok(ledger_prove_extension(w->record, w->arena, i, 0, &extension, &e), e);
		assert_true(merkle_is_consistent(i, &p.root, head.size, &head.root, &extension));
	}
}

/* Findings are cut at 200: what is broken is never what is left out. */
static void test_what_is_broken_is_told_before_any_doubt(void **state)
{
	struct world *w = *state;
	struct ledger_kept kept[250];
	const struct ledger_trust trust = {
		.kept = kept, .n_kept = 250, .origin = "another.example.com/audits"};
	struct ledger_verification v;

	for (size_t i = 0; i < 250; i++)
		kept[i] = (struct ledger_kept){.from = "there", .why = "it does not answer"};
	v = full_verify(w, w->path, &trust);
	assert_int_equal(v.n_doubts, 250);
	assert_int_equal(v.n_broken, 1);
	assert_int_equal(v.n_findings, 200);
	assert_true(v.is_cut);
	assert_int_equal(v.findings[0].grade, LEDGER_BROKEN);
	assert_non_null(strstr(v.findings[0].text, "this is another record"));
	assert_int_equal(v.findings[1].grade, LEDGER_DOUBT);
}

#define N_LONG 70000 /* that it takes for a word about progress */

static void record_meanwhile(void *ctx, uint64_t done, uint64_t size)
{
	struct world *w = ctx;
	struct external x = {.name = "backlog",
			     .series = "",
			     .unit = "",
			     .value = world_int((int64_t)done),
			     .host = "alpha",
			     .user = "audit"};
	struct err e = {0};

	assert_true(done < size);
	assert_ok(record_external(w->record, &x, &e), e);
}

/* Who commits while a record is verified does not wait for that. */
static void test_verifying_keeps_nobody_from_recording(void **state)
{
	struct world *w = *state;
	const struct ledger_trust trust = {.progress = record_meanwhile, .progress_ctx = w};
	struct result *results = arena_array(w->arena, N_LONG, sizeof(*results));
	const struct check_info *c = world_check(w, "a/b");
	struct ledger_verification v;
	struct ledger_head head;
	struct run_info run;
	struct err e = {0};

	needs_file("a server keeps nobody waiting");
	run = world_begin(w, "");
	for (size_t i = 0; i < N_LONG; i++)
		results[i] = world_result(w, c, arena_printf(w->arena, "{x=\"%zu\"}", i),
					  OUTCOME_PASS, world_int(1));
	world_add(w, &run, results, N_LONG);
	world_end(w, &run, OUTCOME_PASS);
	v = full_verify(w, w->path, &trust);
	assert_int_equal(v.n_broken, 0);
	assert_ok(ledger_head(w->record, w->arena, &head, &e), e);
	assert_true(head.size > v.head.size);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_honest_record_raises_nothing),
		TEST(test_every_changed_column_is_noticed),
		TEST(test_leaves_are_canonical),
		TEST(test_every_record_can_be_proven),
		TEST(test_what_is_broken_is_told_before_any_doubt),
		TEST(test_verifying_keeps_nobody_from_recording),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
