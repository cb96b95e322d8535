#include "runner/challenges_show.h"

#include <inttypes.h>
#include <stdio.h>

#include "reports/challenge.h"
#include "reports/terminal.h"
#include "runner/app.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/num.h"
#include "runner/base/str.h"
#include "runner/base/utc.h"
#include "runner/history/challenges.h"
#include "runner/io/digest.h"
#include "runner/io/json.h"
#include "runner/names.h"
#include "runner/options.h"

#define DEFAULT_CHALLENGES 100

/* ---- tables ---- */

static const char *time_text(struct arena *a, int64_t ms)
{
	char text[UTC_MAX];

	(void)utc_format(ms, 0, text); /* its length */
	return arena_strdup(a, text);
}

static const char *score_text(struct arena *a, const struct challenged *c)
{
	if (c->reason != NULL || challenged_score(c) < 0)
		return "unchallenged";
	return arena_printf(a, "%" PRId64 " of %" PRId64, c->n_noticed,
			    c->n_noticed + c->n_survived);
}

static const char *count_text(struct arena *a, int64_t n)
{
	return n == 0 ? "" : arena_printf(a, "%" PRId64, n);
}

static const char *took_text(struct arena *a, int64_t duration_us)
{
	char text[NUM_REAL_MAX];

	(void)num_format_duration(duration_us / 1000, text); /* its length */
	return arena_strdup(a, text);
}

static void print_table(struct app *app, const struct recorded_challenge *items, size_t n)
{
	static const char *const headers[] = {"challenged",   "check", "noticed", "not counted",
					      "false alarms", "took",  "by",	  ""};
	struct arena *a = app->arena;
	struct table t;

	table_init(&t, a, headers, 8, "lllrrrll");
	for (size_t i = 0; i < n; i++) {
		const struct challenged *c = &items[i].challenged;

		table_row(&t, time_text(a, c->at_ms), c->check->name, score_text(a, c),
			  count_text(a, c->n_uncounted), count_text(a, c->n_false_alarms),
			  took_text(a, c->duration_us),
			  arena_printf(a, "%s@%s", items[i].origin.user, items[i].origin.host),
			  c->reason);
	}
	table_print(&t, app->out);
}

/* The newest in full, and what came before it in lines. */
static void print_one(struct app *app, const struct recorded_challenge *newest,
		      const struct recorded_challenge *items, size_t n)
{
	struct arena *a = app->arena;
	struct buf b;

	(void)fprintf(app->out, "challenge %" PRId64 ", %s, by %s@%s\n", newest->id,
		      time_text(a, newest->challenged.at_ms), str_escaped(a, newest->origin.user),
		      str_escaped(a, newest->origin.host));
	buf_init(&b, BUF_UNBOUNDED); /* of one check */
	challenge_text(&b, &newest->challenged, app->repeated, false);
	(void)fwrite(b.data, 1, b.len, app->out); /* main looks at the stream */
	buf_release(&b);
	if (n < 2)
		return;
	(void)fputc('\n', app->out);
	print_table(app, items + 1, n - 1);
}

/* ---- JSON ---- */

static void put_hex(struct json_writer *w, const char *key,
		    const unsigned char digest[static SHA256_BYTES])
{
	char hex[SHA256_HEX];

	sha256_hex(digest, hex);
	json_put_text(w, key, hex);
}

static void put_origin(struct json_writer *w, const struct recorded_challenge *x)
{
	const struct challenge_origin *o = &x->origin;

	put_hex(w, "check_sha256", x->challenged.check->hash);
	put_hex(w, "definition_sha256", o->definition_digest);
	json_put_text(w, "definition_file", o->definition_file);
	json_put_text(w, "commit", o->commit[0] != '\0' ? o->commit : NULL);
	json_put_bool(w, "is_dirty", o->is_dirty);
	json_put_text(w, "host", o->host);
	json_put_text(w, "user", o->user);
	json_put_text(w, "version", o->version);
	if (x->merge_id != 0)
		json_put_int(w, "merge", x->merge_id);
	else
		json_put_null(w, "merge");
}

static void put(struct json_writer *w, const struct recorded_challenge *x, bool has_attacks)
{
	const struct challenged *c = &x->challenged;

	json_open(w, NULL, '{');
	json_put_int(w, "id", x->id);
	json_put_text(w, "check", c->check->name);
	json_put_int(w, "at_ms", c->at_ms);
	json_put_int(w, "recorded_ms", x->origin.recorded_ms);
	json_put_int(w, "duration_us", c->duration_us);
	json_put_text(w, "subject", c->subject);
	json_put_text(w, "reason", c->reason);
	json_put_text(w, "help", c->help);
	challenge_json_score(w, c);
	put_origin(w, x);
	if (has_attacks)
		challenge_json_attacks(w, c);
	json_close(w, '}');
}

/* newest MAY be NULL: none with its attacks. */
static void print_json(struct app *app, const struct recorded_challenge *newest,
		       const struct recorded_challenge *items, size_t n)
{
	struct json_writer w;
	struct buf b;

	buf_init(&b, BUF_UNBOUNDED); /* the record is bounded */
	json_writer_init(&w, &b, true);
	json_open(&w, NULL, '{');
	json_put_text(&w, "assize", "challenges/1");
	json_open(&w, "challenges", '[');
	for (size_t i = 0; i < n; i++)
		put(&w, i == 0 && newest != NULL ? newest : &items[i], i == 0 && newest != NULL);
	json_close(&w, ']');
	json_close(&w, '}');
	(void)fwrite(b.data, 1, b.len, app->out); /* main looks at the stream */
	buf_release(&b);
}

/* ---- both ---- */

static int unknown_check(struct app *app, struct record *r, const struct options *o, struct err *e)
{
	struct recorded_challenge *items;
	struct err ignored = {0};
	const char **names;
	size_t n, n_names = 0;

	(void)err_set(e, ERR_USAGE, "the record holds no challenge of check \"%s\"%s%s",
		      str_escaped(app->arena, o->words[0]), o->since != NULL ? " in the last " : "",
		      o->since != NULL ? o->since : "");
	if (record_challenges_newest(r, app->arena, &items, &n, &ignored) != 0)
		return -1; /* what was asked is answered */
	names = arena_array(app->arena, n, sizeof(*names));
	for (size_t i = 0; i < n; i++) /* by name, each with all its definitions */
		if (n_names == 0 || !str_equal(names[n_names - 1], items[i].challenged.check->name))
			names[n_names++] = items[i].challenged.check->name;
	return names_help("challenged checks", names, n_names, o->words[0], e);
}

static int show_all(struct app *app, const struct options *o,
		    const struct recorded_challenge *items, size_t n)
{
	if (o->is_json)
		print_json(app, NULL, items, n);
	else if (n == 0)
		(void)fputs("no challenge is recorded: assize challenge makes one\n", app->out);
	else
		print_table(app, items, n);
	return 0;
}

int challenges_show(struct app *app, struct record *r, const struct options *o, int64_t since_ms,
		    struct err *e)
{
	const struct challenge_query q = {
		.check = o->n_words > 0 ? o->words[0] : NULL,
		.since_ms = since_ms,
		.limit = o->limit > 0 ? (size_t)o->limit : DEFAULT_CHALLENGES,
	};
	struct recorded_challenge *items, newest;
	size_t n;

	if (record_challenges_of(r, app->arena, &q, &items, &n, e) != 0)
		return -1;
	if (q.check == NULL)
		return show_all(app, o, items, n);
	if (n == 0)
		return unknown_check(app, r, o, e);
	if (record_challenge(r, app->arena, items[0].id, &newest, e) != 0)
		return -1;
	if (o->is_json)
		print_json(app, &newest, items, n);
	else
		print_one(app, &newest, items, n);
	return 0;
}
