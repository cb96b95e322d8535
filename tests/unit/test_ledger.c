/*
 * ledger: the tree against its definition, and a record in which anything at all was changed. Every
 * column of every table is changed in every row; none of it may go unnoticed.
 */
#include "record_world.h"

#include "runner/base/buf.h"
#include "runner/history/ledger.h"
#include "runner/io/jcs.h"
#include "runner/model/definition.h"
#include "runner/model/notify.h"

/* ---- the tree ---- */

#define MAX_LEAVES 140

struct leaves {
	struct sha256 h;
	struct merkle_hash items[MAX_LEAVES];
};

/* RFC 6962, 2.1, word for word. */
static struct merkle_hash root_of(struct leaves *l, size_t from, size_t n)
{
	struct merkle_hash out, left, right;
	size_t k = 1;

	if (n == 0) {
		sha256_next(&l->h, "", 0, out.bytes);
		return out;
	}
	if (n == 1)
		return l->items[from];
	while (k * 2 < n)
		k *= 2;
	left = root_of(l, from, k);
	right = root_of(l, from + k, n - k);
	merkle_hash_node(&l->h, &left, &right, &out);
	return out;
}

static int node(void *ctx, unsigned level, uint64_t at, struct merkle_hash *out, struct err *e)
{
	(void)e;
	*out = root_of(ctx, (size_t)(at << level), (size_t)1 << level);
	return 0;
}

static void make_leaves(struct leaves *l)
{
	sha256_init(&l->h);
	for (size_t i = 0; i < MAX_LEAVES; i++) {
		char leaf[8] = {MERKLE_LEAF_PREFIX};
		int n = snprintf(leaf + 1, sizeof(leaf) - 1, "%zu", i);

		merkle_hash_leaf(&l->h, leaf, (size_t)n + 1, &l->items[i]);
	}
}

static bool is_same(const struct merkle_hash *a, const struct merkle_hash *b)
{
	return memcmp(a->bytes, b->bytes, SHA256_BYTES) == 0;
}

static void test_tree_grows_as_defined(void **state)
{
	struct leaves l;
	struct merkle m, again;

	(void)state;
	make_leaves(&l);
	merkle_init(&m);
	for (size_t n = 0; n < MAX_LEAVES; n++) {
		unsigned char saved[MERKLE_LEVELS * SHA256_BYTES];
		struct merkle_hash root, path[MERKLE_LEVELS], expected = root_of(&l, 0, n);

		merkle_root(&m, &l.h, &root);
		assert_true(is_same(&root, &expected));
		assert_int_equal(merkle_load(&again, n, saved, merkle_save(&m, saved)), 0);
		merkle_root(&again, &l.h, &root);
		assert_true(is_same(&root, &expected));
		assert_int_equal(merkle_load(&again, n, saved, merkle_save(&m, saved) + 32), -1);
		for (unsigned i = 0, top = merkle_add(&m, &l.h, &l.items[n], path); i <= top; i++) {
			expected = root_of(&l, (n >> i) << i, (size_t)1 << i);
			assert_true(is_same(&path[i], &expected));
		}
	}
	sha256_release(&l.h);
}

static void flip(struct merkle_hash *h)
{
	h->bytes[7] ^= 4;
}

static void test_inclusion_is_proven_and_nothing_else(void **state)
{
	struct leaves l;
	struct merkle_nodes nodes = {node, &l};

	(void)state;
	make_leaves(&l);
	for (uint64_t size = 1; size < MAX_LEAVES; size++) {
		struct merkle_hash root = root_of(&l, 0, size);

		for (uint64_t i = 0; i < size; i++) {
			struct merkle_proof p;
			struct err e = {0};

			assert_int_equal(merkle_prove_inclusion(&nodes, &l.h, i, size, &p, &e), 0);
			assert_true(merkle_includes(&l.h, &l.items[i], i, size, &p, &root));
			assert_false(merkle_includes(&l.h, &l.items[i], i ^ 1, size, &p, &root) &&
				     size > 1);
			assert_false(merkle_includes(&l.h, &l.items[i], size, size, &p, &root));
			if (p.n > 0) {
				flip(&p.items[p.n / 2]);
				assert_false(
					merkle_includes(&l.h, &l.items[i], i, size, &p, &root));
				flip(&p.items[p.n / 2]);
				p.n--;
				assert_false(
					merkle_includes(&l.h, &l.items[i], i, size, &p, &root));
				p.n++;
			}
			p.items[p.n++] = root;
			assert_false(merkle_includes(&l.h, &l.items[i], i, size, &p, &root));
		}
	}
	sha256_release(&l.h);
}

static void test_extension_is_proven_and_nothing_else(void **state)
{
	struct leaves l;
	struct merkle_nodes nodes = {node, &l};

	(void)state;
	make_leaves(&l);
	for (uint64_t size = 1; size < MAX_LEAVES; size++) {
		struct merkle_hash root = root_of(&l, 0, size);

		for (uint64_t old = 1; old <= size; old++) {
			struct merkle_hash old_root = root_of(&l, 0, old);
			struct merkle_proof p;
			struct err e = {0};

			assert_int_equal(merkle_prove_consistency(&nodes, &l.h, old, size, &p, &e),
					 0);
			assert_true(merkle_is_consistent(&l.h, old, &old_root, size, &root, &p));
			flip(&old_root);
			assert_false(merkle_is_consistent(&l.h, old, &old_root, size, &root, &p));
			flip(&old_root);
			assert_false(merkle_is_consistent(&l.h, 0, &old_root, size, &root, &p));
			if (old == size)
				continue;
			flip(&p.items[p.n / 2]);
			assert_false(merkle_is_consistent(&l.h, old, &old_root, size, &root, &p));
			flip(&p.items[p.n / 2]);
			p.n--;
			assert_false(merkle_is_consistent(&l.h, old, &old_root, size, &root, &p));
		}
	}
	sha256_release(&l.h);
}

/* ---- a record with one of everything ---- */

static struct restoration_step steps[] = {
	{"identity", OUTCOME_PASS, 11, NULL, NULL, "a note"},
	{"objects", OUTCOME_FAIL, 12, "one is gone", "git fetch", NULL}};
static struct artifact_digest artifacts[] = {{"app.tar.gz", "aa11"}, {"image", "bb22"}};
static const struct waived waived = {"W-1", "ann", "known", "T-7", 5, 6};
static const double samples[] = {1.5, -0.0, 2.25};

static void add_run(struct world *w, int64_t number, const char *subject)
{
	const struct check_info *c[] = {world_check(w, "a/b"), world_check(w, "a/c"),
					world_check(w, "d/e")};
	struct value reals[] = {
		{.type = VALUE_REAL, .real = -0.0},	  {.type = VALUE_REAL, .real = NAN},
		{.type = VALUE_REAL, .real = INFINITY},	  {.type = VALUE_REAL, .real = 0.1},
		{.type = VALUE_TEXT, .text = "degraded"}, {.type = VALUE_NONE},
	};
	struct result r[] = {
		world_result(w, c[0], "z", OUTCOME_PASS, world_int(number)),
		world_result(w, c[0], "y", OUTCOME_WARN, reals[number % 6]),
		world_result(w, c[1], "", number % 3 == 0 ? OUTCOME_FAIL : OUTCOME_PASS,
			     reals[(number + 1) % 6]),
		world_result(w, c[2], "", OUTCOME_SKIP, reals[5]),
	};
	struct restoration restoration = {.set = "releases",
					  .tag = "v1",
					  .commit = "c0ffee",
					  .tree = "7ee",
					  .content = "beef",
					  .outcome = OUTCOME_FAIL,
					  .steps = steps,
					  .n_steps = 2,
					  .artifacts = artifacts,
					  .n_artifacts = 2};
	struct decision_line lines[] = {
		{"a/b", "y", OUTCOME_PASS, true, "3", "run", "f", 1, 2, 3, 4, NULL},
		{"a/c", "", OUTCOME_FAIL, true, "4", NULL, "f", 5, 6, 7, 8, &waived}};
	struct decision d = {.gate = "release", .subject = subject, .lines = lines, .n_lines = 2};
	struct label label = {"shop", "paris"};
	struct external x = {.name = "score",
			     .labels = &label,
			     .n_labels = 1,
			     .series = "{shop=\"paris\"}",
			     .value = reals[3],
			     .unit = "",
			     .host = "h",
			     .user = "u"};
	struct run_info run = world_begin(w, subject);
	struct err e = {0};

	r[0].samples = samples;
	r[0].n_samples = 3;
	r[0].has_limit = true;
	r[0].limit = 5.5;
	r[0].room = 0.3;
	r[1].n = 7;
	r[1].n_total = 9;
	r[1].reason = "a reason that is not short";
	r[1].evidence = "row 8\nrow 9";
	r[2].n = r[2].n_total = 12;
	r[2].query = "SELECT 1";
	r[2].cursor = arena_printf(w->arena, "at %lld", (long long)number);
	world_add(w, &run, r, 3);
	assert_ok(record_results(w->record, run.id, &r[3], 1, &restoration, 1, &e), e);
	world_end(w, &run, OUTCOME_PASS);
	d.run_id = run.id;
	d.at_ms = d.oldest_ms = w->now_ms;
	assert_ok(record_decision(w->record, &d, &e), e);
	x.at_ms = x.recorded_ms = w->now_ms;
	assert_ok(record_external(w->record, &x, &e), e);
}

/* Past the first node that is kept; the series of one check not in the order of their ids. */
static void add_many(struct world *w)
{
	const struct check_info *c = world_check(w, "bulk/many");
	struct run_info run = world_begin(w, "v2");
	struct result r[300];

	for (size_t i = 0; i < 300; i++)
		r[i] = world_result(w, c, arena_printf(w->arena, "{n=\"%zu\"}", i), OUTCOME_PASS,
				    world_int((int64_t)i));
	world_add(w, &run, r, 300);
	r[0] = r[299];
	world_end(w, &run, OUTCOME_PASS);
	run = world_begin(w, "v2");
	r[0].series = "{n=\"9\"}";
	r[1].series = "{n=\"8\"}";
	world_add(w, &run, r, 2);
	world_end(w, &run, OUTCOME_PASS);
}

static struct sign_key *make_key(struct world *w, const char *name)
{
	const char *path = arena_printf(w->arena, "%s/%s", w->dir, name);
	struct sign_key *key;
	struct err e = {0};

	assert_ok(sign_key_make(path, &e), e);
	assert_ok(sign_key_load(path, &key, &e), e);
	return key;
}

/* Somebody to be told: one notice is delivered, one waits. */
static void add_notices(struct world *w)
{
	static struct notify_sink ops = {.name = "ops", .on = TRANSITION_ALL};
	static struct notify_sink *const sinks[] = {&ops};
	struct notify_sink **list = arena_array(w->arena, 1, sizeof(*list));
	struct definition *d = arena_alloc(w->arena, sizeof(*d));
	struct check_info *c = world_check(w, "told/late");
	struct transition *late = arena_alloc(w->arena, sizeof(*late));
	struct override o = {.gate = "release",
			     .subject = "v2",
			     .actor = "ann",
			     .reason = "fire",
			     .host = "h",
			     .user = "u"};
	struct notice *items;
	struct err e = {0};
	size_t n;

	list[0] = sinks[0];
	*d = (struct definition){.arena = w->arena, .sinks = list, .n_sinks = 1};
	(void)world_run(w, "v2", world_result(w, c, "", OUTCOME_PASS, world_int(1)));
	*late = (struct transition){.kind = TRANSITION_OVERDUE,
				    .check = "told/late",
				    .series = "",
				    .subject = "v2",
				    .value = "",
				    .unit = "",
				    .bound = "",
				    .since_ms = w->now_ms,
				    .at_ms = w->now_ms};
	record_tell(w->record, w->arena, d, late, 1);
	(void)world_run(w, "v2", world_result(w, c, "x", OUTCOME_FAIL, world_int(1)));
	assert_ok(record_notices_take(w->record, w->arena, w->now_ms, 0, &items, &n, &e), e);
	assert_int_equal(n, 1);
	items[0].why = "refused";
	assert_ok(record_notice_end(w->record, &items[0], w->now_ms, true, &e), e);
	(void)world_run(w, "v2", world_result(w, c, "y", OUTCOME_FAIL, world_int(1)));
	o.at_ms = w->now_ms;
	o.until_ms = w->now_ms + WORLD_HOUR;
	assert_ok(record_override(w->record, &o, &e), e);
	record_tell(w->record, w->arena, NULL, NULL, 0);
}

/* Three runs, two keys, a checkpoint of each, a lock that is held. */
static void fill(struct world *w)
{
	struct sign_key *first = make_key(w, "first"), *second = make_key(w, "second");
	struct ledger_new_key k = {
		.name = "shop.example", .key = first, .at_ms = w->now_ms, .host = "h", .user = "u"};
	const char *note, *holder;
	struct err e = {0};

	add_run(w, 1, "v1");
	assert_ok(ledger_add_key(w->record, w->arena, &k, &e), e);
	assert_ok(ledger_checkpoint_make(w->record, w->arena, k.key, &note, &e), e);
	add_run(w, 2, "v2");
	k.former = first;
	k.key = second;
	assert_ok(ledger_add_key(w->record, w->arena, &k, &e), e);
	add_run(w, 3, "v1"); /* a subject that was not the newest */
	add_many(w);
	add_notices(w);
	assert_ok(ledger_checkpoint_make(w->record, w->arena, second, &note, &e), e);
	assert_int_equal(record_lock(w->record, "nightly", w->arena, &holder, &e), 0);
	sign_key_free(first);
	sign_key_free(second);
}

static struct ledger_verification verify(struct world *w, const char *path,
					 const struct ledger_trust *trust)
{
	static const struct ledger_trust nothing = {.keys = NULL};
	struct ledger_verification v = {.n_broken = 0};
	struct record *r;
	struct err e = {0};

	assert_ok(record_open(path, RECORD_READ, &r, &e), e);
	assert_ok(ledger_verify(r, w->arena, trust != NULL ? trust : &nothing, &v, &e), e);
	record_close(r);
	return v;
}

static void show(const struct ledger_verification *v)
{
	for (size_t i = 0; i < v->n_findings; i++)
		print_message("%d %s\n", (int)v->findings[i].grade, v->findings[i].text);
}

static void sql(const char *path, const char *text)
{
	sqlite3 *db;
	char *why = NULL;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	if (sqlite3_exec(db, text, NULL, NULL, &why) != SQLITE_OK)
		fail_msg("%s: %s", text, why);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void test_honest_record_raises_nothing(void **state)
{
	struct world *w = *state;
	struct ledger_verification v;

	v = verify(w, w->path, NULL);
	assert_int_equal(v.n_broken + v.n_doubts, 0);
	fill(w);
	v = verify(w, w->path, NULL);
	show(&v);
	assert_int_equal(v.n_broken + v.n_doubts, 0);
	assert_int_equal(v.n_checkpoints, 2);
	assert_int_equal(v.n_signed, 2);
	assert_int_equal(v.signed_size, v.head.size);
	assert_true(v.head.size > 256);
	needs_file("the rest is its pages");
	record_close(w->record);
	w->record = NULL;
	sql(w->path, "VACUUM; REINDEX; ANALYZE");
	v = verify(w, w->path, NULL);
	show(&v);
	assert_int_equal(v.n_broken + v.n_doubts, 0);
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
		"CAST(x'5a' || substr(\"%w\", 2) AS BLOB) ELSE %s END WHERE (%s) = (SELECT %s FROM "
		"\"%w\" LIMIT 1 OFFSET %s)",
		c->table, c->name, c->name, c->name, step, c->name, c->name, c->name, other, c->key,
		c->key, c->table, row);
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
	size_t n, n_changed = 0, n_missed = 0;

	needs_file("its columns are changed behind its back");
	fill(w);
	record_close(w->record);
	w->record = NULL;
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
			v = verify(w, copy, NULL);
			if (v.n_broken + v.n_doubts == 0) {
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

	fill(w);
	assert_ok(ledger_leaves(w->record, 0, INT64_MAX, take, &t, &e), e);
	assert_ok(ledger_head(w->record, w->arena, &head, &e), e);
	assert_int_equal(t.n, head.size);
}

static void test_every_record_can_be_proven(void **state)
{
	struct world *w = *state;
	struct ledger_head head;
	struct merkle_proof extension;
	struct sha256 h;
	struct err e = {0};

	fill(w);
	sha256_init(&h);
	assert_ok(ledger_head(w->record, w->arena, &head, &e), e);
	for (uint64_t i = 0; i < head.size; i++) {
		struct ledger_proof p;

		assert_ok(ledger_prove(w->record, w->arena, i, 0, &p, &e), e);
		assert_true(is_same(&p.root, &head.root));
		assert_true(merkle_includes(&h, &p.leaf_hash, i, head.size, &p.proof, &head.root));
		if (i == 0)
			continue;
		assert_ok(ledger_prove(w->record, w->arena, i - 1, i, &p, &e), e);
		assert_ok(ledger_prove_extension(w->record, w->arena, i, 0, &extension, &e), e);
		assert_true(
			merkle_is_consistent(&h, i, &p.root, head.size, &head.root, &extension));
	}
	sha256_release(&h);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tree_grows_as_defined),
		cmocka_unit_test(test_inclusion_is_proven_and_nothing_else),
		cmocka_unit_test(test_extension_is_proven_and_nothing_else),
		TEST(test_honest_record_raises_nothing),
		TEST(test_every_changed_column_is_noticed),
		TEST(test_leaves_are_canonical),
		TEST(test_every_record_can_be_proven),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
