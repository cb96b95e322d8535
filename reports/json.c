/*
 * The run as JSON; the shape is documented in report.h and only ever grows. Numbers are in base
 * units as they were judged, text is for people: a reader that compares takes the number.
 */
#include "reports/report.h"

#include <math.h>
#include <string.h>

#include "reports/text.h"
#include "reports/view.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/io/digest.h"
#include "runner/io/json.h"

static void put_count(struct json_writer *w, const char *key, int64_t n)
{
	if (n < 0)
		json_put_null(w, key);
	else
		json_put_int(w, key, n);
}

static void put_hash(struct json_writer *w, const char *key, const unsigned char *digest)
{
	char hex[SHA256_HEX];

	sha256_hex(digest, hex);
	json_put_text(w, key, hex);
}

/* Of a run that is one of several. */
static void put_shard(struct json_writer *w, const struct run_shard *s)
{
	if (s->index == 0)
		return;
	json_open(w, "shard", '{');
	json_put_int(w, "index", s->index);
	json_put_int(w, "of", s->total);
	put_hash(w, "manifest_sha256", s->manifest);
	json_close(w, '}');
}

/* Of a run that was made in another record. */
static void put_merge(struct json_writer *w, const struct run_info *run)
{
	if (run->merge_id == 0)
		return;
	json_open(w, "merged", '{');
	json_put_int(w, "merge", run->merge_id);
	json_put_int(w, "run", run->source_id);
	json_close(w, '}');
}

static const char *or_null(const char *s)
{
	return s != NULL && s[0] != '\0' ? s : NULL;
}

static void put_value(struct json_writer *w, const char *key, const struct value *v)
{
	switch (v->type) {
	case VALUE_NONE:
		json_put_null(w, key);
		return;
	case VALUE_INT:
		json_put_int(w, key, v->integer);
		return;
	case VALUE_REAL:
		json_put_real(w, key, v->real);
		return;
	case VALUE_TEXT:
		json_put_text(w, key, v->text);
		return;
	}
}

static void put_lines(struct json_writer *w, const char *key, const char *text)
{
	const char *line;
	size_t n;

	json_open(w, key, '[');
	while (text_line(&text, &line, &n))
		json_put_text_n(w, NULL, line, n);
	json_close(w, ']');
}

/* Space separated words. */
static void put_words(struct json_writer *w, const char *key, const char *words)
{
	json_open(w, key, '[');
	for (size_t n; *words != '\0'; words += n) {
		words += strspn(words, " ");
		n = strcspn(words, " ");
		if (n > 0)
			json_put_text_n(w, NULL, words, n);
	}
	json_close(w, ']');
}

static const char *state_name(enum run_state state)
{
	switch (state) {
	case RUN_INCOMPLETE:
		return "incomplete";
	case RUN_COMPLETE:
		return "complete";
	case RUN_INTERRUPTED:
		return "interrupted";
	}
	return "incomplete";
}

static void put_ledger(struct json_writer *w, const struct ledger_reach *x)
{
	json_open(w, "ledger", '{');
	json_put_int(w, "records", x->size);
	json_put_int(w, "anchored", x->anchored);
	text_json_time(w, "anchored_at", x->place != NULL ? x->anchored_ms : -1);
	json_put_text(w, "place", x->place);
	json_close(w, '}');
}

static void put_run(struct json_writer *w, const struct run_info *run, const struct tally *n)
{
	json_open(w, "run", '{');
	json_put_int(w, "id", run->id);
	json_put_text(w, "state", state_name(run->state));
	json_put_text(w, "outcome", outcome_name(run->outcome));
	json_put_text(w, "command", run->command);
	json_put_text(w, "subject", or_null(run->subject));
	json_put_text(w, "subject_commit", run->subject_commit);
	json_put_text(w, "selection", or_null(run->selection));
	put_shard(w, &run->shard);
	put_merge(w, run);
	text_json_time(w, "begin", run->begin_ms);
	text_json_time(w, "end", run->end_ms);
	json_open(w, "definition", '{');
	json_put_text(w, "file", run->definition_file);
	put_hash(w, "sha256", run->definition_digest);
	json_put_text(w, "commit", or_null(run->commit));
	json_put_bool(w, "is_dirty", run->is_dirty);
	json_close(w, '}');
	json_put_text(w, "host", run->host);
	json_put_text(w, "user", run->user);
	json_put_text(w, "version", run->version);
	json_put_text(w, "job_url", or_null(run->job_url));
	json_open(w, "checks", '{');
	json_put_int(w, "planned", run->n_planned);
	json_put_int(w, "pass", (int64_t)n->n_pass);
	json_put_int(w, "warn", (int64_t)n->n_warn);
	json_put_int(w, "fail", (int64_t)n->n_fail);
	json_put_int(w, "undecided", (int64_t)n->n_undecided);
	json_put_int(w, "skip", (int64_t)n->n_skip);
	json_put_int(w, "missing", (int64_t)n->n_missing);
	json_put_int(w, "flaky", (int64_t)n->n_flaky);
	json_close(w, '}');
	json_close(w, '}');
}

static void put_shown(struct json_writer *w, const struct result *s)
{
	struct buf b;

	buf_init(&b, BUF_UNBOUNDED);
	text_value(&b, s);
	json_put_text_n(w, "shown", b.data, b.len);
	buf_release(&b);
}

static void put_series(struct json_writer *w, const struct result *s)
{
	json_open(w, NULL, '{');
	json_put_text(w, "series", s->series);
	json_put_text(w, "outcome", outcome_name(s->outcome));
	put_value(w, "value", &s->value);
	json_put_text(w, "unit", s->unit);
	put_shown(w, s);
	json_put_text(w, "bound", or_null(s->bound));
	json_put_real(w, "limit", s->has_limit ? s->limit : NAN);
	json_put_real(w, "room", s->room);
	json_put_text(w, "reason", s->reason);
	json_put_int(w, "line", s->bound_line > 0 ? s->bound_line : s->check->line);
	json_put_int(w, "column", s->bound_line > 0 ? s->bound_col : s->check->col);
	put_count(w, "n", s->n);
	put_count(w, "n_total", s->n_total);
	json_put_real(w, "share", s->share);
	put_lines(w, "evidence", s->evidence);
	json_put_text(w, "query", s->query);
	text_json_time(w, "measured", s->measured_ms);
	json_put_int(w, "duration_us", s->duration_us);
	json_put_int(w, "attempts", s->attempts);
	json_put_bool(w, "is_flaky", s->is_flaky);
	json_close(w, '}');
}

static void put_check(struct json_writer *w, const struct check_view *v)
{
	const struct check_info *c = v->info;

	json_open(w, NULL, '{');
	json_put_text(w, "name", c->name);
	json_put_text(w, "outcome", outcome_name(v->outcome));
	json_put_text(w, "kind", c->kind);
	json_put_text(w, "title", c->title);
	json_put_text(w, "why", c->why);
	json_put_text(w, "owner", c->owner);
	json_put_text(w, "target", c->target);
	json_put_int(w, "severity", c->severity);
	put_words(w, "tags", c->tags);
	json_put_text(w, "file", c->file);
	json_put_int(w, "line", c->line);
	json_put_int(w, "column", c->col);
	put_hash(w, "definition_sha256", c->hash);
	json_open(w, "series", '[');
	for (size_t i = 0; i < v->n; i++)
		put_series(w, &v->series[i]);
	json_close(w, ']');
	json_close(w, '}');
}

static void put_restoration(struct json_writer *w, const struct restoration *t)
{
	json_open(w, NULL, '{');
	json_put_text(w, "set", t->set);
	json_put_text(w, "tag", t->tag);
	json_put_text(w, "outcome", outcome_name(t->outcome));
	json_put_text(w, "commit", t->commit);
	json_put_text(w, "tree", t->tree);
	put_count(w, "objects", t->n_objects);
	put_count(w, "files", t->n_files);
	put_count(w, "bytes", t->n_bytes);
	put_count(w, "restore_us", t->restore_us);
	json_open(w, "steps", '[');
	for (size_t i = 0; i < t->n_steps; i++) {
		json_open(w, NULL, '{');
		json_put_text(w, "name", t->steps[i].name);
		json_put_text(w, "outcome", outcome_name(t->steps[i].outcome));
		json_put_int(w, "duration_us", t->steps[i].duration_us);
		json_put_text(w, "finding", t->steps[i].finding);
		json_put_text(w, "remedy", t->steps[i].remedy);
		json_put_text(w, "note", t->steps[i].note);
		json_close(w, '}');
	}
	json_close(w, ']');
	json_close(w, '}');
}

static void put_waived(struct json_writer *w, const struct waived *by)
{
	if (by == NULL) {
		json_put_null(w, "waiver");
		return;
	}
	json_open(w, "waiver", '{');
	json_put_text(w, "id", by->id);
	json_put_text(w, "owner", by->owner);
	json_put_text(w, "reason", by->reason);
	json_put_text(w, "ticket", by->ticket);
	text_json_time(w, "granted", by->granted_ms);
	text_json_time(w, "expires", by->expires_ms);
	json_close(w, '}');
}

static void put_decision_line(struct json_writer *w, const struct decision_line *l)
{
	json_open(w, NULL, '{');
	json_put_text(w, "check", or_null(l->check));
	json_put_text(w, "series", l->series);
	json_put_text(w, "outcome", decision_line_state(l));
	json_put_text(w, "measured_outcome", outcome_name(l->outcome));
	json_put_bool(w, "is_required", l->is_hard);
	json_put_text(w, "text", l->text);
	json_put_text(w, "remedy", l->remedy);
	json_put_text(w, "file", l->file);
	json_put_int(w, "line", l->line);
	json_put_int(w, "column", l->col);
	if (l->run_id > 0)
		json_put_int(w, "run", l->run_id);
	else
		json_put_null(w, "run");
	text_json_time(w, "measured", l->measured_ms);
	put_waived(w, l->waived);
	json_close(w, '}');
}

static void put_override(struct json_writer *w, const struct override *o)
{
	if (o == NULL) {
		json_put_null(w, "override");
		return;
	}
	json_open(w, "override", '{');
	json_put_int(w, "id", o->id);
	json_put_text(w, "actor", o->actor);
	json_put_text(w, "reason", o->reason);
	text_json_time(w, "at", o->at_ms);
	text_json_time(w, "until", o->until_ms);
	json_put_text(w, "host", o->host);
	json_put_text(w, "user", o->user);
	json_close(w, '}');
}

static void put_decision(struct json_writer *w, const struct decision *d)
{
	json_put_int(w, "id", d->id);
	json_put_text(w, "gate", d->gate);
	json_put_text(w, "subject", or_null(d->subject));
	json_put_text(w, "decision", d->is_open ? "open" : "shut");
	json_put_text(w, "outcome", decision_state(d));
	json_put_text(w, "blocked_outcome",
		      decision_is_overridden(d) ? outcome_name(d->outcome) : NULL);
	json_put_int(w, "waived", (int64_t)decision_waived(d));
	put_override(w, decision_is_overridden(d) ? d->override : NULL);
	text_json_time(w, "at", d->at_ms);
	text_json_time(w, "oldest_evidence", d->oldest_ms);
	if (d->run_id > 0)
		json_put_int(w, "run", d->run_id);
	else
		json_put_null(w, "run");
	put_hash(w, "definition_sha256", d->definition_digest);
	json_open(w, "lines", '[');
	for (size_t i = 0; i < d->n_lines; i++)
		put_decision_line(w, &d->lines[i]);
	json_close(w, ']');
}

void report_decision_json(struct buf *out, const struct decision *d)
{
	struct json_writer w;

	json_writer_init(&w, out, true);
	json_open(&w, NULL, '{');
	json_put_text(&w, "assize", "decision/1");
	json_put_int(&w, "exit", decision_exit_status(d));
	put_decision(&w, d);
	json_close(&w, '}');
}

void report_none_json(struct buf *out)
{
	static const char *const lists[] = {"checks", "restorations", "decisions"};
	struct json_writer w;

	json_writer_init(&w, out, true);
	json_open(&w, NULL, '{');
	json_put_text(&w, "assize", "run/1");
	json_put_int(&w, "exit", 0);
	json_put_null(&w, "run");
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		json_open(&w, lists[i], '[');
		json_close(&w, ']');
	}
	json_close(&w, '}');
}

void report_json(struct buf *out, const struct report *r)
{
	struct arena *a = arena_new();
	size_t n_views;
	struct check_view *views = check_views(a, r->results, r->n_results, &n_views);
	struct tally n = tally(views, n_views, r->run.n_planned);
	struct json_writer w;

	json_writer_init(&w, out, true);
	json_open(&w, NULL, '{');
	json_put_text(&w, "assize", "run/1");
	json_put_int(&w, "exit", report_exit_status(r));
	put_run(&w, &r->run, &n);
	put_ledger(&w, &r->reach);
	json_open(&w, "checks", '[');
	for (size_t i = 0; i < n_views; i++)
		put_check(&w, &views[i]);
	json_close(&w, ']');
	json_open(&w, "restorations", '[');
	for (size_t i = 0; i < r->n_restorations; i++)
		put_restoration(&w, &r->restorations[i]);
	json_close(&w, ']');
	json_open(&w, "decisions", '[');
	for (size_t i = 0; i < r->n_decisions; i++) {
		json_open(&w, NULL, '{');
		put_decision(&w, &r->decisions[i]);
		json_close(&w, '}');
	}
	json_close(&w, ']');
	json_close(&w, '}');
	arena_free(a);
}
