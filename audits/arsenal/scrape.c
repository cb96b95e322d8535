/*
 * A check of kind scrape is attacked in the lines it selects, and in the page around them. A rate
 * looks twice: its value is what lies between, and that is what grows, shrinks and stands still. A
 * quantile does not feel how many observations there were: there it is the bounds that move.
 */
#include <math.h>
#include <string.h>

#include "audits/arsenal/metrics.h"
#include "audits/arsenal/page.h"
#include "audits/arsenal/replay.h"
#include "audits/kind_rows.h"
#include "audits/scrape_group.h"
#include "audits/scrape_spec.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/num.h"
#include "runner/base/str.h"

#define A_DAY_S	 86400.0
#define BIT(row) (1u << ((row)-METRIC_DOUBLED))

static const char instance[] = "instance", elsewhere[] = "another-";

struct scraping {
	struct replay *replay;
	struct page pages[REPLAY_MAX_LOOKS];
	const char *name; /* of what is selected, as shown */
	const char *base; /* of the metric, without the suffix of its type */
	size_t n_base;
};

static int begin(struct challenge *c, struct err *e)
{
	struct scraping *s = arena_alloc(c->arena, sizeof(*s));

	(void)e; /* nothing can fail */
	s->replay = replay_new(c);
	c->state = s;
	return 0;
}

static void name_it(struct scraping *s, const struct challenge *c, const struct scrape_spec *spec)
{
	static const char *const suffixes[] = {"_total", "_bucket", "_count", "_sum"};

	s->name = replay_shown(c, spec->selector.text);
	s->base = spec->selector.name;
	s->n_base = strlen(s->base);
	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++)
		if (str_ends(s->base, suffixes[i])) {
			s->n_base -= strlen(suffixes[i]);
			return;
		}
}

/* ---- survey ---- */

static unsigned values_of(const struct scrape_spec *spec)
{
	unsigned scales = BIT(METRIC_DOUBLED) | BIT(METRIC_TEN_TIMES) | BIT(METRIC_TENTH) |
			  BIT(METRIC_UNIT_SMALLER) | BIT(METRIC_UNIT_LARGER);
	unsigned broken = BIT(METRIC_NAN) | BIT(METRIC_INFINITE) | BIT(METRIC_LOCALE);

	if (spec->agg == SCRAPE_COUNT)
		return 0;
	if (spec->quantile > 0)
		return scales;
	if (spec->rate_ms > 0)
		return scales | broken | BIT(METRIC_NONZERO);
	return scales | broken | BIT(METRIC_ZEROED) | BIT(METRIC_NONZERO) | BIT(METRIC_NEGATED);
}

/* Of a label of by: the first of several values. */
static void survey_label(struct challenge *c, const struct page *page, const char *label)
{
	struct metric_object x = {.label = label};

	for (size_t i = 0; i < page->n_lines; i++) {
		const struct page_line *line = &page->lines[i];
		struct page_part part;
		const char *value;

		if (!line->is_selected)
			continue;
		part = page_label(line, label);
		value = arena_strndup(c->arena, line->s + part.at, part.n);
		if (x.value == NULL)
			x.value = value;
		if (strcmp(x.value, value) == 0)
			continue;
		(void)metric_add(c, METRIC_LABEL_MISSING,
				 replay_printf(c, "%s=\"%s\"", label, x.value), &x);
		return;
	}
}

static bool names_instance(const struct scrape_spec *spec)
{
	for (size_t i = 0; i < spec->selector.n_matchers; i++)
		if (strcmp(spec->selector.matchers[i].label, instance) == 0)
			return true;
	for (size_t i = 0; i < spec->by.n; i++)
		if (strcmp(spec->by.items[i], instance) == 0)
			return true;
	return false;
}

static void survey_time(struct challenge *c, const struct scraping *s,
			const struct scrape_spec *spec)
{
	struct attack *a;

	if (!s->pages[0].has_timestamps)
		return;
	a = metric_survey_stale(c, s->name, A_DAY_S);
	if (spec->max_age_ms > 0)
		return;
	a->settled = ATTACK_OUT_OF_REACH;
	a->reason = "the check does not look at timestamps (max_age)";
}

/* What grows and shrinks. */
static const char *value_name(const struct challenge *c, const struct scraping *s,
			      const struct scrape_spec *spec)
{
	const char *what = spec->rate_ms > 0 ? "rate" : NULL;

	what = spec->quantile > 0 ? "quantile" : what;
	return what != NULL ? replay_printf(c, "%s(%s)", what, s->name) : s->name;
}

static void survey_series(struct challenge *c, const struct scraping *s,
			  const struct scrape_spec *spec)
{
	const struct metric_object there = {.label = instance};
	const struct page *page = &s->pages[0];

	metric_survey_values(c, value_name(c, s, spec), values_of(spec));
	if (spec->rate_ms > 0) {
		(void)metric_add(c, METRIC_FROZEN, s->name, NULL);
		(void)metric_add(c, METRIC_RESET, s->name, NULL);
	}
	(void)metric_add(c, METRIC_MISSING, s->name, NULL);
	if (page->n_selected > 1 && spec->quantile <= 0)
		metric_survey_lost(c, METRIC_LOST, s->name, page->n_selected);
	for (size_t i = 0; i < spec->by.n; i++)
		survey_label(c, page, spec->by.items[i]);
	(void)metric_add(c, METRIC_DUPLICATE, s->name, NULL);
	if (names_instance(spec))
		(void)metric_add(c, METRIC_OTHER_TARGET, instance, &there);
	survey_time(c, s, spec);
}

static void survey_controls(struct challenge *c, const struct page *page,
			    const struct scrape_spec *spec)
{
	(void)metric_add(c, METRIC_UNRELATED, "", NULL);
	if (page->format == EXPOSITION_OPENMETRICS)
		return; /* strict about order and comments */
	(void)metric_add(c, METRIC_COMMENT, "", NULL);
	if (page->n_selected > 1 && spec->quantile <= 0)
		(void)metric_add(c, METRIC_REORDERED, "", NULL);
}

/* The share of the page that is missing when it ends before selected line i. */
static double share_behind(const struct page *page, size_t n_body, size_t i)
{
	size_t at = 0, n = 0;

	for (size_t k = 0; k < page->n_lines; k++) {
		if (page->lines[k].is_selected && n++ == i)
			break;
		at += page->lines[k].n;
	}
	return 1 - ((double)at + 0.5) / (double)n_body; /* rounded down, that is where it ends */
}

/* A page that ends behind the last selected line has all that the check asked for. */
static void aim_cut(struct challenge *c, const struct scraping *s)
{
	const struct page *page = &s->pages[0];

	for (size_t i = 0; i < c->n_attacks; i++) {
		struct attack *a = &c->attacks[i];
		size_t n_body = s->replay->tape.items[0].n_body;

		if (metric_row(a) != REPLAY_CUT || a->reason != NULL || page->n_selected == 0)
			continue;
		a->dose = share_behind(page, n_body, page->n_selected / 2);
		a->least = share_behind(page, n_body, page->n_selected - 1);
	}
}

static bool is_named_plainly(const struct page *page)
{
	for (size_t i = 0; i < page->n_lines; i++)
		if (page->lines[i].is_selected && page->lines[i].s[0] == '{')
			return false;
	return true;
}

static damage_fn damage;

static int survey(struct challenge *c, struct err *e)
{
	struct scraping *s = c->state;
	const struct scrape_spec *spec = c->check->spec;

	name_it(s, c, spec);
	for (size_t i = 0; i < s->replay->tape.n; i++)
		if (page_read(&s->pages[i], c->arena, spec, &s->replay->tape.items[i], e) != 0)
			return -1;
	replay_survey(c, s->replay, metric_rows, (1u << REPLAY_N_ROWS) - 1);
	aim_cut(c, s);
	survey_controls(c, &s->pages[0], spec);
	if (s->pages[0].n_selected > 0)
		survey_series(c, s, spec);
	if (s->pages[0].n_named > 0 && is_named_plainly(&s->pages[0]))
		(void)metric_add(c, METRIC_RENAMED, s->name, NULL);
	metric_settle(c, s->replay, damage);
	return 0;
}

/* ---- damage ---- */

/* A page while it is written anew. */
struct writing {
	struct damage *d;
	const struct scraping *s;
	const struct scrape_spec *spec;
	const struct page *page;
	const struct metric_object *object;
	size_t row, n_seen; /* selected lines before this one */
	size_t *next;	    /* of the first look: where to look for the next counter */
	struct buf *out;
};

static bool is_same_series(const struct page_line *a, const struct page_line *b)
{
	return (a->is_selected || a->is_count) && a->value.at == b->value.at &&
	       memcmp(a->s, b->s, a->value.at) == 0;
}

/*
 * The number in the first look at the same series. Most pages have their series in the same order,
 * if not in the same lines: so it is looked for behind the one before.
 */
static double first_number(const struct writing *w, const struct page_line *line)
{
	const struct page *page = &w->s->pages[0];

	for (size_t i = 0; i < page->n_lines; i++) {
		size_t at = (*w->next + i) % page->n_lines;

		if (!is_same_series(&page->lines[at], line))
			continue;
		*w->next = at + 1;
		return page->lines[at].number;
	}
	return NAN;
}

static const char *number(const struct writing *w, double v)
{
	char text[NUM_REAL_MAX];

	(void)num_format_real(v, text); /* length is known */
	return arena_strdup(w->d->arena, text);
}

/* Counters: what came between the two looks is the value. */
static const char *counter_of(const struct writing *w, const struct page_line *line)
{
	double first = first_number(w, line), factor = metric_factor(w->row, w->d->dose);

	if (w->d->i == 0 || isnan(first))
		return NULL;
	if (!isnan(factor))
		return number(w, first + (line->number - first) * factor);
	if (w->row == METRIC_NONZERO) /* the value is that of a second */
		return number(w, first + w->d->dose * (double)w->spec->rate_ms / 1000);
	if (w->row == METRIC_FROZEN)
		return number(w, first);
	if (w->row == METRIC_RESET)
		return "0";
	return metric_value(w->d->arena, w->row, w->d->dose, line->number);
}

/* A bound of a bucket, scaled; the last one is infinite. */
static bool put_bound(const struct writing *w, const struct page_line *line)
{
	struct page_part le = page_label(line, "le");
	double bound;

	if (!line->is_selected || le.n == 0 ||
	    exposition_real(line->s + le.at, le.n, &bound) != 0 || isinf(bound))
		return false;
	page_put(w->out, line, le, metric_value(w->d->arena, w->row, w->d->dose, bound));
	return true;
}

/* Writes the line with its value damaged; false: it stays. */
static bool put_value(const struct writing *w, const struct page_line *line)
{
	bool is_rate = w->spec->rate_ms > 0, is_counter = w->row > METRIC_LAST_VALUE;
	const char *by;

	if (w->spec->quantile > 0 && !is_counter)
		return put_bound(w, line);
	if (!line->is_selected && !(is_counter && line->is_count))
		return false;
	by = is_rate ? counter_of(w, line)
		     : metric_value(w->d->arena, w->row, w->d->dose, line->number);
	if (by == NULL)
		return false;
	page_put(w->out, line, line->value, by);
	return true;
}

static bool put_older(const struct writing *w, const struct page_line *line)
{
	double s = line->timestamp_s - w->d->dose;

	if (!line->is_selected || line->timestamp.n == 0)
		return false;
	page_put(w->out, line, line->timestamp,
		 w->page->format == EXPOSITION_OPENMETRICS
			 ? arena_printf(w->d->arena, "%.3f", s)
			 : arena_printf(w->d->arena, "%.0f", s * 1000));
	return true;
}

static bool has_value(const struct page_line *line, const struct metric_object *x)
{
	struct page_part part = page_label(line, x->label);

	return strlen(x->value) == part.n && memcmp(line->s + part.at, x->value, part.n) == 0;
}

/* Selected lines that are gone, there twice, or somebody else's. */
static bool put_series(const struct writing *w, const struct page_line *line)
{
	struct page_part part;

	if (!line->is_selected)
		return false;
	switch (w->row) {
	case METRIC_MISSING:
		return true;
	case METRIC_LOST:
		return w->n_seen >= metric_kept(w->object->n, w->d->dose);
	case METRIC_LABEL_MISSING:
		return has_value(line, w->object);
	case METRIC_OTHER_TARGET:
		part = page_label(line, w->object->label);
		if (part.n == 0)
			return false;
		page_put(w->out, line, (struct page_part){part.at, 0}, elsewhere);
		return true;
	default: /* METRIC_DUPLICATE */
		if (w->n_seen == 0)
			(void)buf_add(w->out, line->s, line->n); /* as long as the page */
		return false;
	}
}

static bool put_renamed(const struct writing *w, const struct page_line *line)
{
	size_t at;

	if (!page_is_of(line, w->s->base, w->s->n_base, &at))
		return false;
	page_put(w->out, line, (struct page_part){at, 0}, "renamed_");
	return true;
}

/* The first selected line for the last, and the last for the first. */
static bool put_swapped(const struct writing *w, const struct page_line *line)
{
	const struct page_line *other = NULL;
	size_t n = 0;

	if (!line->is_selected || (w->n_seen > 0 && w->n_seen + 1 < w->page->n_selected))
		return false;
	for (size_t i = 0; i < w->page->n_lines; i++) {
		const struct page_line *x = &w->page->lines[i];

		if (!x->is_selected)
			continue;
		if (n++ == (w->n_seen == 0 ? w->page->n_selected - 1 : 0))
			other = x;
	}
	(void)buf_add(w->out, other->s, other->n); /* as long as the page */
	return true;
}

static bool put_line(const struct writing *w, const struct page_line *line)
{
	if (w->row <= METRIC_RESET)
		return put_value(w, line);
	if (w->row <= METRIC_DUPLICATE || w->row == METRIC_OTHER_TARGET)
		return put_series(w, line);
	if (w->row == METRIC_RENAMED)
		return put_renamed(w, line);
	if (w->row == METRIC_STALE)
		return put_older(w, line);
	return w->row == METRIC_REORDERED && put_swapped(w, line);
}

static void put_before(const struct writing *w, const struct page_line *line, bool is_first)
{
	static const char type[] = "# TYPE assize_challenge_unrelated gauge\n",
			  sample[] = "assize_challenge_unrelated 1\n";
	bool is_eof = line->n >= 5 && strncmp(line->s, "# EOF", 5) == 0;

	if (w->row == METRIC_COMMENT && is_first)
		(void)buf_puts(w->out, "# nothing but a comment\n");
	if (w->row == METRIC_UNRELATED &&
	    (w->page->format == EXPOSITION_OPENMETRICS ? is_eof : is_first))
		(void)buf_printf(w->out, "%s%s", type, sample); /* all of this is ours, and short */
}

static void rewrite(struct damage *d, const struct scraping *s)
{
	struct buf b;
	size_t next = 0;
	struct writing w = {.d = d,
			    .next = &next,
			    .s = s,
			    .spec = d->challenge->check->spec,
			    .page = &s->pages[d->i],
			    .object = d->attack->state,
			    .row = metric_row(d->attack),
			    .out = &b};

	buf_init(&b, BUF_UNBOUNDED); /* hardly more than the page */
	for (size_t i = 0; i < w.page->n_lines; i++) {
		const struct page_line *line = &w.page->lines[i];

		put_before(&w, line, i == 0);
		if (!put_line(&w, line))
			(void)buf_add(&b, line->s, line->n);
		w.n_seen += line->is_selected ? 1 : 0;
	}
	damage_body(d, memcpy(arena_alloc(d->arena, b.len + 1), b.len > 0 ? b.data : "", b.len),
		    b.len);
	buf_release(&b);
}

static void damage(struct damage *d)
{
	if (!replay_damage(d, metric_row(d->attack), true))
		rewrite(d, d->challenge->state);
}

static int strike(struct challenge *c, const struct attack *a, double dose, struct probe *p,
		  struct err *e)
{
	const struct scraping *s = c->state;
	const struct strike strike = {c, a, dose, p};

	return replay_strike(s->replay, &strike, damage, e);
}

const struct arsenal arsenal_scrape = {
	.rows = metric_rows_of_pages,
	.open = begin,
	.survey = survey,
	.strike = strike,
	.words = metric_words,
};
