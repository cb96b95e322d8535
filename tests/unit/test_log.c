/*
 * test_log: looks at logs in a directory of their own, each with the place the one before gave.
 *
 * Rotations are made by hand here, by logrotate(8) in tests/kinds/log.t.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "audits/kinds.h"
#include "audits/log_count.h"
#include "audits/log_place.h"
#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/base/redact.h"
#include "runner/io/clock.h"
#include "runner/load.h"
#include "runner/model/definition.h"
#include "runner/model/kind.h"
#include "runner/model/pattern.h"

struct world {
	struct arena *arena;
	char dir[64];
	const struct definition *definition;
	struct clock clock;
	const char *cursor; /* what the last look recorded */
	const char *reason; /* why it measured nothing; NULL = it did */
	struct probe probe; /* of the last look */
};

static int set_up(void **state)
{
	struct arena *a = arena_new();
	struct world *w = arena_alloc(a, sizeof(*w));

	w->arena = a;
	w->clock = clock_fixed(INT64_C(1795383603000));
	strcpy(w->dir, "/tmp/assize-log-XXXXXX");
	*state = w;
	return mkdtemp(w->dir) ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

static int tear_down(void **state)
{
	struct world *w = *state;

	(void)nftw(w->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS); /* scratch of ours */
	arena_free(w->arena);
	return 0;
}

static const char *at(struct world *w, const char *name)
{
	return arena_printf(w->arena, "%s/%s", w->dir, name);
}

static void put(struct world *w, const char *name, const char *mode, const char *text, size_t n)
{
	FILE *f = fopen(at(w, name), mode);

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
}

static void add(struct world *w, const char *name, const char *text)
{
	put(w, name, "a", text, strlen(text));
}

static void cut(struct world *w, const char *name, const char *text)
{
	put(w, name, "w", text, strlen(text));
}

static void rename_to(struct world *w, const char *from, const char *to)
{
	assert_int_equal(rename(at(w, from), at(w, to)), 0);
}

/* A copy in another inode, plain or as gzip(1) makes it; the original stays. */
static void copy_to(struct world *w, const char *from, const char *to, bool is_packed)
{
	FILE *f = fopen(at(w, from), "r");
	char text[4096];
	size_t n;

	assert_non_null(f);
	n = fread(text, 1, sizeof(text), f);
	assert_int_equal(fclose(f), 0);
	if (!is_packed) {
		put(w, to, "w", text, n);
		return;
	}
	gzFile z = gzopen(at(w, to), "wb");

	assert_non_null(z);
	assert_int_equal(gzwrite(z, text, (unsigned)n), (int)n);
	assert_int_equal(gzclose(z), Z_OK);
}

static void erase(struct world *w, const char *name)
{
	assert_int_equal(unlink(at(w, name)), 0);
}

/* How long ago a file was written to, in hours. */
static void age(struct world *w, const char *name, long hours)
{
	struct timespec times[2] = {{.tv_sec = 1700000000 - 3600 * hours},
				    {.tv_sec = 1700000000 - 3600 * hours}};

	assert_int_equal(utimensat(AT_FDCWD, at(w, name), times, 0), 0);
}

static const char *no_env(void *ctx, const char *name)
{
	(void)ctx;
	(void)name;
	return NULL;
}

/* The log a world is about. */
static void define(struct world *w, const char *spec)
{
	struct load_options o = {.path = "assize.yaml", .cwd = w->dir, .env = no_env};
	struct definition *d;
	struct diags diags;

	cut(w, "assize.yaml",
	    arena_printf(w->arena,
			 "assize: 1\naudits:\n  l:\n    checks:\n      - { id: a, log: %s }\n",
			 spec));
	diags_init(&diags, w->arena);
	if (definition_load(w->arena, &o, &d, &diags) != 0) {
		definition_print_diags(stderr, d, &diags);
		fail();
	}
	w->definition = d;
	w->cursor = NULL;
}

/* One look; what it recorded is where the next one begins. */
static void look(struct world *w)
{
	const struct check *c = w->definition->checks[0];
	struct past_cursor cursor = {c->name, w->cursor};
	struct past past = {.cursors = &cursor, .n_cursors = 1};
	struct probe_world world = {.clock = &w->clock, .definition = w->definition, .past = &past};
	struct err e = {.class = ERR_NONE};

	w->probe = (struct probe){
		.world = &world,
		.arena = w->arena,
		.checks = &c,
		.n_checks = 1,
		.deadline_ms = clock_monotonic_ms(&w->clock) + 20000,
	};
	w->reason = NULL;
	if (c->kind->probe(&w->probe, &e) < 0)
		w->reason = arena_strdup(w->arena, e.message);
	if (w->probe.cursor)
		w->cursor = w->probe.cursor;
}

static const struct measurement *value(struct world *w, const char *name)
{
	for (size_t i = 0; i < w->probe.n_emitted; i++)
		if (strcmp(w->probe.emitted[i].measurement.name, name) == 0)
			return &w->probe.emitted[i].measurement;
	fail_msg("no %s: %s", name, w->reason);
	return NULL;
}

static int64_t number(struct world *w, const char *name)
{
	const struct measurement *m = value(w, name);

	if (m->value.type != VALUE_INT)
		fail_msg("%s is no integer: %s", name, m->reason);
	return m->value.integer;
}

#define expect_look(w, n_lines, n_matches, n_lost)                                                 \
	do {                                                                                       \
		look(w);                                                                           \
		if (number(w, "lines") != (n_lines) || number(w, "matches") != (n_matches) ||      \
		    number(w, "lost") != (n_lost))                                                 \
			fail_msg("%d lines, %d match, %d lost", (int)number(w, "lines"),           \
				 (int)number(w, "matches"), (int)number(w, "lost"));               \
	} while (0)

static void expect_evidence(struct world *w, const char *name, const char *part)
{
	const char *evidence = value(w, name)->evidence;

	if (!evidence || !strstr(evidence, part))
		fail_msg("\"%s\" is not in \"%s\"", part, evidence ? evidence : "");
}

#define APP "{ path: app.log, from: begin, pattern: ERROR, min_lines: 0 }"

/* A log of three lines, read to its end. */
static void intact(struct world *w)
{
	define(w, APP);
	add(w, "app.log", "one\ntwo\nERROR three\n");
	expect_look(w, 3, 1, 0);
}

/* ---- looking on ---- */

static void test_log_measures_nothing_at_the_first_look(void **state)
{
	struct world *w = *state;

	define(w, "{ path: app.log, pattern: ERROR }");
	add(w, "app.log", "ERROR\nhal");
	look(w);
	assert_int_equal(w->probe.n_emitted, 6);
	for (size_t i = 0; i < 6; i++)
		assert_int_equal(w->probe.emitted[i].measurement.value.type, VALUE_NONE);
	assert_non_null(strstr(value(w, "lost")->reason, "this is the first look at it"));
	add(w, "app.log", "f\nERROR\n");
	expect_look(w, 2, 1, 0);
}

static void test_log_reads_each_line_once(void **state)
{
	struct world *w = *state;
	const char *before;

	intact(w);
	expect_look(w, 0, 0, 0);
	add(w, "app.log", "ERROR with");
	before = w->cursor;
	expect_look(w, 0, 0, 0);
	add(w, "app.log", "out end\n");
	expect_look(w, 1, 1, 0);
	w->cursor = before; /* what was not recorded is read again */
	expect_look(w, 1, 1, 0);
	expect_evidence(w, "matches", "app.log, byte 20: ERROR without end");
}

static void test_log_takes_silence_for_no_answer(void **state)
{
	struct world *w = *state;

	define(w, "{ path: app.log, from: begin, pattern: ERROR, min_lines: 2 }");
	add(w, "app.log", "one\ntwo\n");
	expect_look(w, 2, 0, 0);
	add(w, "app.log", "three\n");
	look(w);
	assert_string_equal(value(w, "matches")->reason, "1 new lines, fewer than min_lines: 2");
	assert_int_equal(value(w, "rate")->value.type, VALUE_NONE);
	assert_int_equal(number(w, "lines"), 1);
}

static void test_log_reckons_rates(void **state)
{
	struct world *w = *state;

	intact(w);
	assert_string_equal(value(w, "rate")->reason, "there was no look before this one");
	add(w, "app.log", "ERROR\nERROR\nfine\nfine\n");
	w->clock.fixed_ms += 4000;
	expect_look(w, 4, 2, 0);
	assert_true(value(w, "rate")->value.real == 0.5);
	assert_true(value(w, "matches")->share == 0.5);
	assert_int_equal(number(w, "bytes"), 22);
	add(w, "app.log", "fine\n");
	w->clock.fixed_ms -= 1;
	look(w);
	assert_string_equal(value(w, "rate")->reason, "the clock was set back since the last look");
}

static void test_log_refuses_a_place_that_cannot_be_read(void **state)
{
	static const char *const states[] = {
		"",
		"{}",
		"[]",
		"{\"version\":2}",
		"{\"version\":1,\"path\":\"app.log\",\"at\":1}",
		"{\"version\":1,\"path\":\"app.log\",\"at\":1,\"files\":[{}]}"};
	struct world *w = *state;
	const char *whole;
	int n_anew = 0;

	intact(w);
	whole = w->cursor;
	for (size_t i = 0; i < sizeof(states) / sizeof(*states); i++) {
		w->cursor = states[i];
		expect_look(w, 3, 1, 1);
		expect_evidence(w, "lost", "cannot be read in the record");
	}
	/* Whatever byte of it is another: the place still holds, or all is read anew. */
	for (size_t i = 0; whole[i]; i++) {
		char *torn = arena_strdup(w->arena, whole);

		torn[i] = torn[i] == '1' ? '2' : '1';
		w->cursor = torn;
		look(w);
		n_anew += number(w, "lines") == 3;
		if (number(w, "lines") != 3 && (number(w, "lines") || number(w, "lost")))
			fail_msg("%s", torn);
	}
	assert_true(n_anew > 150); /* the digests alone are 64 */
}

static void test_log_of_another_path_is_another_log(void **state)
{
	struct world *w = *state;
	const char *cursor;

	intact(w);
	cursor = w->cursor;
	rename_to(w, "app.log", "other.log");
	define(w, "{ path: other.log, pattern: ERROR }");
	w->cursor = cursor;
	look(w);
	assert_non_null(strstr(value(w, "lost")->reason, "the last look was at another log, "
							 "\"app.log\": nothing was measured"));
}

/* ---- rotation ---- */

static void test_log_follows_a_renamed_file(void **state)
{
	struct world *w = *state;

	intact(w);
	add(w, "app.log", "ERROR unread\n");
	rename_to(w, "app.log", "app.log.1");
	add(w, "app.log", "new\nnew\n");
	expect_look(w, 3, 1, 0);
	expect_evidence(w, "lines",
			"app.log is now app.log.1: 13 bytes more in it\n"
			"app.log is new: 8 bytes in it");
	add(w, "app.log.1", "ERROR late\n"); /* its writer does not know yet */
	add(w, "app.log", "new\n");
	expect_look(w, 2, 1, 0);
	expect_look(w, 0, 0, 0);
	erase(w, "app.log.1"); /* done with: nothing is lost */
	expect_look(w, 0, 0, 0);
}

static void test_log_follows_a_copied_and_cut_file(void **state)
{
	struct world *w = *state;

	intact(w);
	add(w, "app.log", "ERROR unread\n");
	copy_to(w, "app.log", "app.log.1", false);
	cut(w, "app.log", "new\n");
	expect_look(w, 2, 1, 0);
	expect_look(w, 0, 0, 0);
	/* And when it has grown beyond the place before the next look. */
	copy_to(w, "app.log", "app.log.1", false);
	cut(w, "app.log", "longer than what there was, by far\nERROR\n");
	expect_look(w, 2, 1, 0);
}

static void test_log_follows_a_packed_file(void **state)
{
	struct world *w = *state;

	intact(w);
	add(w, "app.log", "unread\nERROR half");
	copy_to(w, "app.log", "app.log.1.gz", true);
	erase(w, "app.log");
	add(w, "app.log", "new\n");
	expect_look(w, 3, 1, 0); /* nothing is added to a packed file: its last line is one */
	expect_look(w, 0, 0, 0);
	rename_to(w, "app.log.1.gz", "app.log.2.gz");
	expect_look(w, 0, 0, 0);
	copy_to(w, "app.log", "app.log.1.gz", true);
	erase(w, "app.log");
	add(w, "app.log", "newer\n");
	expect_look(w, 1, 0, 0);
	erase(w, "app.log.1.gz");
	erase(w, "app.log.2.gz");
	expect_look(w, 0, 0, 0);
}

static void test_log_waits_for_a_file_that_is_being_packed(void **state)
{
	struct world *w = *state;

	intact(w);
	add(w, "app.log", "unread\n");
	rename_to(w, "app.log", "app.log.1");
	add(w, "app.log", "new\n");
	copy_to(w, "app.log.1", "app.log.1.gz", true);
	assert_int_equal(truncate(at(w, "app.log.1.gz"), 20), 0);
	expect_look(w, 2, 0, 0);
	add(w, "app.log.1", "ERROR late\n");
	copy_to(w, "app.log.1", "app.log.1.gz", true);
	erase(w, "app.log.1");
	expect_look(w, 1, 1, 0);
}

static void test_log_reads_what_it_never_saw_before(void **state)
{
	struct world *w = *state;

	define(w, APP);
	add(w, "app.log.7", "ERROR before the first look\n");
	copy_to(w, "app.log.7", "app.log.8.gz", true);
	add(w, "app.log", "one\ntwo\nERROR three\n");
	expect_look(w, 3, 1, 0);
	add(w, "app.log", "unread\n");
	rename_to(w, "app.log", "app.log.2");
	add(w, "app.log.1", "ERROR between two looks\n");
	copy_to(w, "app.log.1", "app.log.0.gz", true);
	add(w, "app.log.0.gz", "");
	add(w, "app.log", "new\n");
	expect_look(w, 4, 2, 0);
	expect_look(w, 0, 0, 0);
}

static void test_log_keeps_the_end_of_a_line_for_the_renamed_file(void **state)
{
	struct world *w = *state;

	intact(w);
	add(w, "app.log", "ERROR ha");
	rename_to(w, "app.log", "app.log.1");
	add(w, "app.log", "new\n");
	expect_look(w, 1, 0, 0);
	add(w, "app.log.1", "lf\nERROR no end");
	expect_look(w, 1, 1, 0);
	expect_look(w, 1, 1, 0); /* it does not grow any more */
	expect_look(w, 0, 0, 0);
}

static void test_log_knows_a_reused_inode(void **state)
{
	struct world *w = *state;
	const struct log_mark *m;
	struct log_place place;
	struct err e = {.class = ERR_NONE};
	struct stat st;

	intact(w);
	add(w, "app.log", "unread\n");
	copy_to(w, "app.log", "app.log.1.gz", true);
	cut(w, "app.log", "ERROR, in the same inode\n"); /* as if it had been made anew there */
	expect_look(w, 2, 1, 0);
	assert_int_equal(log_place_parse(w->arena, w->cursor, &place, &e), 0);
	assert_int_equal(place.n, 2);
	m = &place.marks[1]; /* what is live is behind what is not */
	assert_int_equal(stat(at(w, "app.log"), &st), 0);
	assert_true(m->inode == (uint64_t)st.st_ino && m->role == LOG_IS_LIVE);
	assert_int_equal(m->offset, 25);
	assert_int_equal(place.marks[0].role, LOG_IS_PACKED);
}

static void test_log_waits_for_a_log_that_is_gone(void **state)
{
	struct world *w = *state;

	intact(w);
	rename_to(w, "app.log", "app.log.1");
	look(w);
	assert_string_equal(w->reason, "there is no \"app.log\", only files it was rotated to");
	add(w, "app.log.1", "ERROR late\n");
	add(w, "app.log", "new\n");
	expect_look(w, 2, 1, 0);
}

/* ---- losses ---- */

static void test_log_tells_what_is_lost(void **state)
{
	struct world *w = *state;

	intact(w);
	cut(w, "app.log", "ERROR\n");
	expect_look(w, 1, 1, 1);
	expect_evidence(w, "lost",
			"app.log was cut or written anew: it was read as far as byte "
			"20, and no copy of that was found");
	expect_look(w, 0, 0, 0); /* said once */
	cut(w, "app.log", "longer than before, without a copy\n");
	expect_look(w, 1, 0, 1);
	cut(w, "app.log", "");
	expect_look(w, 0, 0, 1);
	add(w, "app.log", "x\n"); /* nothing had been read of it */
	expect_look(w, 1, 0, 0);
	cut(w, "new", "another\n");
	rename_to(w, "new", "app.log");
	expect_look(w, 1, 0, 1);
	expect_evidence(w, "lost",
			"app.log is another file than the one that was read as far as "
			"byte 2, and that was not found");
}

static void test_log_tells_a_rotated_file_that_is_gone_too_soon(void **state)
{
	struct world *w = *state;

	intact(w);
	rename_to(w, "app.log", "app.log.1");
	add(w, "app.log", "new\n");
	expect_look(w, 1, 0, 0);
	erase(w, "app.log.1"); /* its writer may have gone on */
	expect_look(w, 0, 0, 1);
	expect_evidence(w, "lost", "app.log.1, read as far as byte 20, is gone");
}

static void test_log_refuses_a_packed_file_that_is_not_whole(void **state)
{
	struct world *w = *state;
	const char *before;

	intact(w);
	before = w->cursor;
	add(w, "app.log", "unread\n");
	copy_to(w, "app.log", "app.log.1.gz", true);
	assert_int_equal(truncate(at(w, "app.log.1.gz"), 30), 0);
	erase(w, "app.log");
	add(w, "app.log", "new\n");
	look(w);
	assert_non_null(strstr(w->reason, "app.log.1.gz: its gzip stream is not whole"));
	assert_ptr_equal(w->cursor, before);
}

static void test_log_follows_several_files(void **state)
{
	struct world *w = *state;

	define(w, "{ path: 'w-*.log', from: begin, pattern: ERROR, min_lines: 0 }");
	add(w, "w-1.log", "one\n");
	add(w, "w-2.log", "two\n");
	age(w, "w-1.log", 2);
	age(w, "w-2.log", 1);
	expect_look(w, 2, 0, 0);
	add(w, "w-1.log", "ERROR\n");
	add(w, "w-3.log", "three\n");
	age(w, "w-1.log", 3);
	expect_look(w, 2, 1, 0);
	expect_look(w, 0, 0, 0);
	erase(w, "w-1.log"); /* an old one that did not grow */
	expect_look(w, 0, 0, 0);
	erase(w, "w-3.log"); /* the one that is written to */
	expect_look(w, 0, 0, 1);
	assert_int_equal(symlink(at(w, "w-2.log"), at(w, "w-0.log")), 0);
	add(w, "w-2.log", "once\n");
	expect_look(w, 1, 0, 0);
	erase(w, "w-0.log");
	erase(w, "w-2.log");
	look(w);
	assert_string_equal(w->reason, "there is no \"w-*.log\"");
}

/* ---- lines ---- */

static void count_in_pieces(struct world *w, const char *text, size_t n, size_t piece,
			    struct log_count *c)
{
	static struct pattern *pattern;
	const struct pattern *patterns[1];
	struct log_rules *rules = arena_alloc(w->arena, sizeof(*rules));
	struct err e = {.class = ERR_NONE};

	assert_int_equal(pattern_compile(w->arena, "x$", 2, false, &pattern, &e), 0);
	patterns[0] = pattern;
	*rules = (struct log_rules){
		.patterns = patterns,
		.n = 1,
		.max_line = 8,
		.redactor = redactor_new(w->arena),
	};
	log_count_init(c, w->arena, rules);
	log_count_begin(c, "f", 0);
	for (size_t i = 0; i < n; i += piece)
		assert_int_equal(log_count_add(c, text + i, n - i < piece ? n - i : piece, &e), 0);
}

static void test_log_counts_the_same_in_pieces_of_any_size(void **state)
{
	static const char text[] = "x\r\nax\n\nlonger than max_line x\n12345678\nxb\n\0x\n\xff"
				   "x\nhalf";
	struct world *w = *state;

	for (size_t piece = 1; piece < sizeof(text); piece++) {
		struct log_count c;
		struct buf shown;

		count_in_pieces(w, text, sizeof(text) - 1, piece, &c);
		assert_int_equal(c.lines, 8);
		assert_int_equal(c.matching, 4);
		assert_int_equal(c.unjudged, 1);
		assert_string_equal(c.why_unjudged, "f, byte 7: a line of 22 bytes, looked at as "
						    "far as max_line");
		assert_int_equal(log_count_pending(&c), 4);
		assert_int_equal(c.position, (int)sizeof(text) - 1 - 4);
		assert_int_equal(c.bytes, c.position);
		buf_init(&shown, 1000);
		log_count_show(&c, &shown);
		assert_string_equal(shown.data, "f, byte 0: x\nf, byte 3: ax\nf, byte 42: "
						"\\x00x\nf, byte 45: \\xffx");
		buf_release(&shown);
		log_count_end(&c);
		assert_int_equal(c.lines, 9);
		log_count_release(&c);
	}
}

static void test_log_shows_the_first_and_the_last(void **state)
{
	struct world *w = *state;

	intact(w);
	for (int i = 1; i <= 12; i++)
		add(w, "app.log", arena_printf(w->arena, "ERROR %d\n", i));
	expect_look(w, 12, 12, 0);
	expect_evidence(w, "matches", "ERROR 5\n(2 more)\napp.log, byte 76: ERROR 8\n");
	expect_evidence(w, "matches", "byte 101: ERROR 11\napp.log, byte 110: ERROR 12");
}

static void test_log_leaves_out_exceptions(void **state)
{
	struct world *w = *state;

	define(w, "{ path: app.log, from: begin, patterns: { a: { pattern: a }, b: { pattern: b } "
		  "}, except: fine }");
	add(w, "app.log", "a\nb\na b\na fine\n-\n");
	look(w);
	assert_int_equal(w->probe.emitted[0].measurement.value.integer, 2);
	assert_int_equal(w->probe.emitted[1].measurement.value.integer, 2);
	assert_string_equal(measurement_series(w->arena, &w->probe.emitted[1].measurement),
			    "matches{pattern=\"b\"}");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_log_measures_nothing_at_the_first_look),
		TEST(test_log_reads_each_line_once),
		TEST(test_log_takes_silence_for_no_answer),
		TEST(test_log_reckons_rates),
		TEST(test_log_refuses_a_place_that_cannot_be_read),
		TEST(test_log_of_another_path_is_another_log),
		TEST(test_log_follows_a_renamed_file),
		TEST(test_log_follows_a_copied_and_cut_file),
		TEST(test_log_follows_a_packed_file),
		TEST(test_log_waits_for_a_file_that_is_being_packed),
		TEST(test_log_reads_what_it_never_saw_before),
		TEST(test_log_keeps_the_end_of_a_line_for_the_renamed_file),
		TEST(test_log_knows_a_reused_inode),
		TEST(test_log_waits_for_a_log_that_is_gone),
		TEST(test_log_tells_what_is_lost),
		TEST(test_log_tells_a_rotated_file_that_is_gone_too_soon),
		TEST(test_log_refuses_a_packed_file_that_is_not_whole),
		TEST(test_log_follows_several_files),
		TEST(test_log_counts_the_same_in_pieces_of_any_size),
		TEST(test_log_shows_the_first_and_the_last),
		TEST(test_log_leaves_out_exceptions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
