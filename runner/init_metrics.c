/*
 * A metrics endpoint as a source. What a metric means is in its name only, so only names that
 * everybody gives alike are taken: up and the like, counters of errors, histograms, and what the
 * client libraries say of their process. Where a page has none of these, it is at least asked that
 * its series stay.
 */
#include <math.h>
#include <string.h>
#include <strings.h>

#include "audits/exposition.h"
#include "runner/app.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/num.h"
#include "runner/base/str.h"
#include "runner/base/utc.h"
#include "runner/init.h"
#include "runner/model/result.h"

#define MAX_FAMILIES 5000
#define MAX_LABELS   6
#define MAX_BY	     20 /* series that are told apart */
#define MAX_OF_TYPE  8	/* checks */
#define RATE	     "1s"
#define FORGIVEN     1.0 /* errors a second */
#define ROOM	     2.0 /* a bound is so often what was measured */
#define FULL	     0.8 /* of the descriptors a process may open */

#define ACCEPT "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"

/* All series of one name. */
struct family {
	const char *name;
	int64_t n_series;
	double sum;
	const char *labels[MAX_LABELS]; /* of the first series */
	size_t n_labels;
	bool is_uniform;	/* all have just these */
	const char *code_label; /* of a counter: one that has values 5.. */
};

enum check_type {
	CHECK_UP,
	CHECK_ERRORS,
	CHECK_P95,
	CHECK_START,
	CHECK_MEMORY,
	CHECK_FILES,
	CHECK_SERIES
};

struct metric_check {
	enum check_type type;
	const char *id; /* in the draft */
	const struct family *family;
};

struct metrics {
	struct init_url url;
	struct init_page page;
	struct arena *arena;
	struct map families;
	struct family *at; /* the one being read; NULL = there are too many */
	struct metric_check *checks;
	size_t n_checks;
	bool is_prefix; /* the page is longer than what was looked at */
};

static int begin(struct init *in, struct init_subject *s, struct err *e)
{
	struct metrics *m = arena_alloc(in->app->arena, sizeof(*m));

	s->state = m;
	m->arena = in->app->arena;
	map_init(&m->families, m->arena);
	if (init_url_begin(in, s, &m->url, e) != 0)
		return -1;
	if (strcmp(m->url.path, "/") == 0)
		m->url.path = "/metrics";
	return 0;
}

static void put_target(const struct init_subject *s, struct buf *out, bool is_draft)
{
	const struct metrics *m = s->state;

	init_url_target(s, &m->url, out, is_draft);
}

/* ---- reading the page ---- */

static bool wants(void *ctx, const char *name, size_t n)
{
	struct metrics *m = ctx;
	const char *key = arena_strndup(m->arena, name, n);

	m->at = map_get(&m->families, key);
	if (m->at)
		return true;
	if (m->families.n == MAX_FAMILIES || strspn(key, "abcdefghijklmnopqrstuvwxyz"
							 "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
							 "0123456789_:") != n)
		return false;
	m->at = arena_alloc(m->arena, sizeof(*m->at));
	m->at->name = key;
	(void)map_put(&m->families, key, m->at); /* it was not there */
	return true;
}

static bool is_text(const struct exposition_text *t, const char *s)
{
	return t->n == strlen(s) && memcmp(t->s, s, t->n) == 0;
}

static void note_labels(struct metrics *m, const struct exposition_sample *x)
{
	struct family *f = m->at;

	if (f->n_series == 0) {
		f->is_uniform = x->n_labels <= MAX_LABELS;
		for (size_t i = 0; f->is_uniform && i < x->n_labels; i++)
			f->labels[f->n_labels++] =
				arena_strndup(m->arena, x->labels[i].name.s, x->labels[i].name.n);
	}
	f->is_uniform = f->is_uniform && x->n_labels == f->n_labels;
	for (size_t i = 0; f->is_uniform && i < x->n_labels; i++)
		f->is_uniform = is_text(&x->labels[i].name, f->labels[i]);
}

static void note_code(struct family *f, const struct exposition_sample *x)
{
	static const char *const names[] = {"code", "status", "status_code", "http_status_code",
					    "http_response_status_code"};

	for (size_t i = 0; i < x->n_labels; i++)
		for (size_t k = 0; k < sizeof(names) / sizeof(*names); k++)
			if (is_text(&x->labels[i].name, names[k]) && x->labels[i].value.n == 3 &&
			    x->labels[i].value.s[0] == '5')
				f->code_label = names[k];
}

static int on_sample(void *ctx, const struct exposition_sample *x, struct err *e)
{
	struct metrics *m = ctx;

	(void)e; /* nothing here can fail */
	note_labels(m, x);
	note_code(m->at, x);
	m->at->n_series++;
	m->at->sum += x->value;
	return 0;
}

static bool is_openmetrics(const struct metrics *m)
{
	return strncasecmp(m->page.content_type, "application/openmetrics-text", 28) == 0;
}

static int read_page(struct metrics *m, struct err *e)
{
	static const struct exposition_handler handler = {.wants = wants, .on_sample = on_sample};
	struct exposition *x = exposition_new(
		is_openmetrics(m) ? EXPOSITION_OPENMETRICS : EXPOSITION_PROMETHEUS, &handler, m);
	size_t n = m->page.n_body;
	int rc;

	m->is_prefix = (int64_t)n < m->page.n_bytes;
	while (m->is_prefix && n > 0 && m->page.body[n - 1] != '\n')
		n--; /* to the last whole line */
	rc = exposition_feed(x, m->page.body, n, e);
	if (rc == 0 && !m->is_prefix)
		rc = exposition_end(x, e);
	exposition_free(x);
	return rc;
}

/* ---- what is asked of it ---- */

static bool ends_with_any(const char *name, const char *const *endings, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (str_ends(name, endings[i]))
			return true;
	return false;
}

static bool is_up(const struct family *f)
{
	static const char *const endings[] = {"_up", "_ready", "_healthy", "_alive", "_success"};

	return strcmp(f->name, "up") == 0 ||
	       ends_with_any(f->name, endings, sizeof(endings) / sizeof(*endings));
}

static bool is_errors(const struct family *f)
{
	static const char *const words[] = {"error",	 "fail",    "panic",
					    "exception", "dropped", "rejected"};

	if (!str_ends(f->name, "_total"))
		return false;
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (strstr(f->name, words[i]))
			return true;
	return f->code_label != NULL;
}

static bool is_histogram(const struct family *f)
{
	return str_ends(f->name, "_bucket") && f->sum > 0;
}

static bool is_start(const struct family *f)
{
	return strcmp(f->name, "process_start_time_seconds") == 0 && f->n_series == 1;
}

static bool is_memory(const struct family *f)
{
	return strcmp(f->name, "process_resident_memory_bytes") == 0 && f->n_series == 1;
}

static bool is_files(const struct family *f)
{
	return strcmp(f->name, "process_open_fds") == 0 && f->n_series == 1;
}

static void add(struct metrics *m, enum check_type type, bool (*fits)(const struct family *f))
{
	size_t before = m->n_checks;

	for (size_t i = 0; i < m->families.n && m->n_checks - before < MAX_OF_TYPE; i++) {
		const struct family *f = m->families.entries[i].value;

		if (f->n_series == 0 || (fits && !fits(f)))
			continue;
		m->checks[m->n_checks] = (struct metric_check){
			.type = type,
			.id = arena_printf(m->arena, "m%zu", m->n_checks),
			.family = f,
		};
		m->n_checks++;
	}
}

static int look(struct init *in, struct init_subject *s, struct err *e)
{
	struct metrics *m = s->state;

	if (init_url_fetch(in, s, m->url.path, ACCEPT, &m->page, e) != 0)
		return -1;
	if (read_page(m, e) != 0) {
		(void)err_context(e, "%s%s", m->url.origin, m->url.path); /* always -1 */
		return err_help(e, "name the page of metrics; for a page of another kind "
				   "there is --http");
	}
	m->checks = arena_array(m->arena, MAX_OF_TYPE * (CHECK_SERIES + 1), sizeof(*m->checks));
	add(m, CHECK_UP, is_up);
	add(m, CHECK_ERRORS, is_errors);
	add(m, CHECK_P95, is_histogram);
	add(m, CHECK_START, is_start);
	add(m, CHECK_MEMORY, is_memory);
	add(m, CHECK_FILES, is_files);
	if (m->n_checks == 0)
		add(m, CHECK_SERIES, NULL);
	return m->n_checks > 0 ? 0
			       : err_set(e, ERR_MEASURE, "%s%s: there is no metric in it",
					 m->url.origin, m->url.path);
}

/* ---- the checks ---- */

static const char *unit_of(const struct family *f)
{
	static const struct {
		const char *ending, *unit;
	} units[] = {{"_seconds_bucket", "s"}, {"_bytes_bucket", "B"}, {"_bytes", "B"}};

	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++)
		if (str_ends(f->name, units[i].ending))
			return units[i].unit;
	return NULL;
}

static void put_selection(struct buf *out, const struct metric_check *c)
{
	const struct family *f = c->family;

	switch (c->type) {
	case CHECK_UP:
		if (f->n_series == 1 && f->n_labels == 0)
			break;
		if (f->is_uniform && f->n_series <= MAX_BY) {
			(void)buf_puts(out, ", by: ");
			init_put_list(out, f->labels, f->n_labels);
		} else {
			(void)buf_puts(out, ", agg: min");
		}
		(void)buf_printf(out, ", min_series: %lld", (long long)f->n_series);
		break;
	case CHECK_ERRORS:
		(void)buf_puts(out, ", agg: sum, rate: " RATE ", reset: rebaseline");
		break;
	case CHECK_P95:
		(void)buf_puts(out, ", quantile: 0.95, agg: sum");
		break;
	case CHECK_SERIES:
		(void)buf_puts(out, ", agg: count, min_series: 0");
		break;
	case CHECK_START:
	case CHECK_MEMORY:
	case CHECK_FILES:
		break;
	}
}

/* Nothing marks the end of the page: how large it is at least. */
static bool needs_size(const struct metrics *m)
{
	return !m->page.is_length_known && !is_openmetrics(m) && m->page.n_bytes > 1;
}

static void put_scrape(struct buf *out, const struct metrics *m, const struct metric_check *c)
{
	const struct family *f = c->family;

	(void)buf_puts(out, "scrape: { metric: ");
	if (c->type == CHECK_ERRORS && f->code_label)
		(void)buf_printf(out, "'%s{%s=~\"5..\"}'", f->name, f->code_label);
	else
		init_put_text(out, f->name);
	if (strcmp(m->url.path, "/metrics") != 0) {
		(void)buf_puts(out, ", path: ");
		init_put_text(out, m->url.path);
	}
	put_selection(out, c);
	if (unit_of(f))
		(void)buf_printf(out, ", unit: %s", unit_of(f));
	if (needs_size(m)) {
		(void)buf_puts(out, ", min_size: ");
		init_put_size(out, (double)m->page.n_bytes / 2, false);
	}
	(void)buf_puts(out, " }");
}

static void put_draft(const struct init_subject *s, struct buf *out)
{
	const struct metrics *m = s->state;

	for (size_t i = 0; i < m->n_checks; i++) {
		(void)buf_printf(out, "      - { id: %s, ", m->checks[i].id);
		put_scrape(out, m, &m->checks[i]);
		(void)buf_puts(out, ", expect: \">= 0\" }\n");
	}
}

/* Every series of the check is 1. */
static bool are_up(const struct init_subject *s, const struct metric_check *c)
{
	int64_t n = 0;

	for (size_t i = 0; i < s->rounds[0].n; i++) {
		const struct result *r = &s->rounds[0].items[i];
		double x = init_number(r);

		if (strcmp(strchr(r->check->name, '/') + 1, c->id) != 0)
			continue;
		if (!(x >= 1 && x <= 1))
			return false;
		n++;
	}
	return n > 0;
}

static void put_head(struct init_writer *w, const struct metrics *m, const struct metric_check *c,
		     const char *what, const char *remark)
{
	init_put_id(w, c->family->name, what, NULL);
	(void)buf_printf(w->out, " # %s\n        ", remark);
	put_scrape(w->out, m, c);
	(void)buf_puts(w->out, "\n        expect: ");
}

static const char *counted(struct arena *a, int64_t n, const char *what)
{
	return arena_printf(a, "%lld %s", (long long)n, what);
}

/* A name like up promises 1; where it is not so now, that is told, and is no baseline. */
static void put_up(struct init_writer *w, struct init_subject *s, const struct metric_check *c)
{
	const struct family *f = c->family;

	if (!are_up(s, c)) {
		(void)buf_printf(w->out, "      # %s: no check, it is not 1\n", f->name);
		init_note(s, "%s: %s is not 1, so there is no check of it", s->given, f->name);
		return;
	}
	put_head(w, s->state, c, NULL,
		 f->n_series == 1 ? "1 now" : counted(w->arena, f->n_series, "series, all 1 now"));
	(void)buf_puts(w->out, "\"== 1\"\n");
}

static const char *rate_text(struct arena *a, double x)
{
	char text[NUM_REAL_MAX];

	(void)num_format_real(round(x * 100) / 100, text); /* its length */
	return arena_strdup(a, text);
}

/* In the unit of the metric, rounded up. */
static void put_upper(struct init_writer *w, const struct family *f, double x)
{
	const char *unit = unit_of(f);

	(void)buf_puts(w->out, "\"<= ");
	if (unit && *unit == 's')
		init_put_duration(w->out, x, true);
	else if (unit)
		init_put_size(w->out, x, true);
	else
		init_put_rounded(w->out, x, true);
	(void)buf_puts(w->out, "\"\n");
}

static const char *quantity(struct init_writer *w, const struct family *f, double x)
{
	const char *unit = unit_of(f), *text;
	struct buf b;

	buf_init(&b, BUF_UNBOUNDED);
	if (unit && *unit == 's')
		init_put_duration(&b, x, true);
	else if (unit)
		init_put_size(&b, x, true);
	else
		init_put_rounded(&b, x, true);
	text = arena_strdup(w->arena, b.data);
	buf_release(&b);
	return text;
}

static const char *start_text(struct arena *a, double seconds)
{
	char when[UTC_MAX];

	if (!(seconds > 0 && seconds < 1e11))
		return "as it says";
	(void)utc_format((int64_t)seconds * 1000, 0, when); /* its length */
	return arena_printf(a, "started %s; an older process in its place fails", when);
}

static void put_files(struct init_writer *w, const struct init_subject *s,
		      const struct metric_check *c, double x)
{
	const struct metrics *m = s->state;
	const struct family *most = map_get(&m->families, "process_max_fds");
	bool is_known = most && most->sum * FULL > x;
	const char *remark =
		is_known ? arena_printf(w->arena, "%.0f now, %.0f allowed", x, most->sum)
			 : arena_printf(w->arena, "%.0f now", x);

	put_head(w, m, c, NULL, remark);
	put_upper(w, c->family, is_known ? floor(most->sum * FULL) : x * ROOM + 10);
}

static void put_measured(struct init_writer *w, const struct init_subject *s,
			 const struct metric_check *c, double x)
{
	const struct family *f = c->family;
	struct arena *a = w->arena;

	switch (c->type) {
	case CHECK_ERRORS:
		put_head(w, s->state, c, f->code_label ? "5xx" : NULL,
			 arena_printf(a, "%s a second over " RATE "; a longer rate sees more",
				      rate_text(a, x)));
		put_upper(w, f, fmax(x * ROOM, FORGIVEN));
		break;
	case CHECK_P95:
		put_head(w, s->state, c, "p95",
			 arena_printf(a,
				      "%s since the start; with rate: 10s of now, if enough comes",
				      quantity(w, f, x)));
		put_upper(w, f, x * ROOM);
		break;
	case CHECK_START:
		put_head(w, s->state, c, NULL, start_text(a, x));
		(void)buf_printf(w->out, "\">= %.0f\"\n", floor(x));
		break;
	case CHECK_MEMORY:
		put_head(w, s->state, c, NULL, arena_printf(a, "%s now", quantity(w, f, x)));
		put_upper(w, f, x * ROOM);
		break;
	case CHECK_FILES:
		put_files(w, s, c, x);
		break;
	case CHECK_SERIES:
		put_head(w, s->state, c, "series", counted(a, (int64_t)x, "series now"));
		(void)buf_printf(w->out, "\">= %.0f\"\n", x > 2 ? ceil(x / ROOM) : 1);
		break;
	case CHECK_UP:
		break;
	}
}

static int put(struct init_writer *w, struct init_subject *s, struct err *e)
{
	const struct metrics *m = s->state;
	size_t before = w->n_checks;
	const char *why = "no value is above 0";

	(void)buf_printf(w->out, "      # out of %zu metrics\n", m->families.n);
	if (m->is_prefix)
		init_note(s, "%s: only the first %d MiB were looked at", s->given,
			  INIT_MAX_PAGE >> 20);
	for (size_t i = 0; i < m->n_checks; i++) {
		const struct metric_check *c = &m->checks[i];
		const char *reason = "";
		const struct result *r;

		if (c->type == CHECK_UP) {
			put_up(w, s, c);
			continue;
		}
		r = init_value(s, 0, c->id, "", &reason);
		if (r && (init_number(r) > 0 || c->type == CHECK_ERRORS))
			put_measured(w, s, c, init_number(r));
		else
			(void)buf_printf(w->out, "      # %s: no check, %s\n", c->family->name,
					 r ? "it is 0" : str_escaped(w->arena, reason));
		if (!r)
			why = reason;
	}
	if (w->n_checks == before)
		return err_set(e, ERR_MEASURE, "%s: nothing in it could be measured: %s", s->given,
			       why);
	if (needs_size(m))
		init_note(s,
			  "%s: weak: nothing marks where the page ends: of a torn one half is "
			  "taken for whole",
			  s->given);
	return 0;
}

const struct init_source init_metrics = {
	.option = "metrics",
	.offset = offsetof(struct options, metrics),
	.type = TARGET_HTTP,
	.n_rounds = 1,
	.begin = begin,
	.put_target = put_target,
	.look = look,
	.put_draft = put_draft,
	.put = put,
};
