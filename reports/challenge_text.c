/*
 * The challenge of checks for people. Survivors are told like failures of a run: what was done,
 * what was measured before and after, against which bound, and what to write to notice it. What is
 * noticed, steady or not counted is as it should be and takes a line for all.
 */
#include "reports/challenge.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "reports/terminal.h"
#include "reports/text.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/str.h"

#define COLUMN_FACT 16
#define WIDTH	    100
#define MAX_OBJECTS 6 /* of one attack in a list of names */

/* Appending to our own unbounded buffers cannot fail, hence the (void) before every append. */

enum ink { PLAIN, BAD, DOUBT };

static void put_word(struct buf *out, const char *word, enum ink ink, bool has_color)
{
	static const char *const inks[] = {"", "\033[1;31m", "\033[33m"};

	if (!has_color || ink == PLAIN)
		(void)buf_puts(out, word);
	else
		(void)buf_printf(out, "%s%s\033[0m", inks[ink], word);
}

static void put_fact(struct buf *out, const char *label, const char *text)
{
	if (text == NULL || text[0] == '\0')
		return;
	(void)buf_printf(out, "    %-*s", COLUMN_FACT - 4, label);
	text_put(out, text);
	(void)buf_putc(out, '\n');
}

static void put_place(struct buf *out, const struct check_info *c)
{
	if (c->file == NULL || c->file[0] == '\0')
		return;
	text_put(out, c->file);
	(void)buf_printf(out, ":%" PRId64 ":%" PRId64 "   ", c->line, c->col);
}

/* "rows-lost(orders)" */
static void put_name(struct buf *out, const struct attack_result *r)
{
	text_put(out, r->name);
	if (r->object == NULL || r->object[0] == '\0')
		return;
	(void)buf_putc(out, '(');
	text_put(out, r->object);
	(void)buf_putc(out, ')');
}

static const char *shown(const char *value)
{
	return value != NULL ? value : "no value";
}

static void put_values(struct buf *out, const struct attack_result *r)
{
	if (r->before == NULL && r->after == NULL)
		return;
	(void)buf_printf(out, "    %-*s", COLUMN_FACT - 4, "measured");
	if (r->series != NULL && r->series[0] != '\0') {
		text_put(out, r->series);
		(void)buf_puts(out, "  ");
	}
	text_put(out, shown(r->before));
	(void)buf_puts(out, " -> ");
	text_put(out, shown(r->after));
	(void)buf_putc(out, '\n');
}

#define ERRATIC "erratic: a smaller damage is noticed, a larger one is not"

static void put_in_full(struct buf *out, const struct attack_result *r, bool has_color)
{
	const char *word = attack_outcome_name(r->outcome);

	(void)buf_puts(out, "  ");
	put_word(out, word, BAD, has_color);
	(void)buf_printf(out, "%*s", (int)(COLUMN_FACT - 2 - strlen(word)), "");
	put_name(out, r);
	(void)buf_puts(out, ": ");
	text_put(out, r->words);
	(void)buf_putc(out, '\n');
	put_values(out, r);
	put_fact(out, "bound", r->bound);
	put_fact(out, "why", r->reason);
	if (r->turns_red > 0) {
		(void)buf_printf(out, "    %-*swhen ", COLUMN_FACT - 4, "turns red");
		text_put(out, r->turns_red_words);
		(void)buf_putc(out, '\n');
	}
	if (r->is_erratic)
		put_fact(out, "beware", ERRATIC);
	put_fact(out, "advice", r->advice);
}

static void put_all_of(struct buf *out, const struct challenged *c, enum attack_outcome o,
		       bool has_color)
{
	for (size_t i = 0; i < c->n_attacks; i++)
		if (c->attacks[i].outcome == o && !c->attacks[i].is_planned)
			put_in_full(out, &c->attacks[i], has_color);
}

/* Of those that were noticed: of the others it stands with them. */
static void put_turns_red(struct buf *out, const struct challenged *c, bool has_color)
{
	for (size_t i = 0; i < c->n_attacks; i++) {
		const struct attack_result *r = &c->attacks[i];

		if (!(r->turns_red > 0) || !attack_is_noticed(r->outcome))
			continue;
		(void)buf_puts(out, "  turns red when ");
		text_put(out, r->turns_red_words);
		if (r->bound != NULL) {
			(void)buf_puts(out, "   bound ");
			text_put(out, r->bound);
		}
		if (r->is_erratic) {
			(void)buf_puts(out, "   ");
			put_word(out, ERRATIC, BAD, has_color);
		}
		(void)buf_putc(out, '\n');
	}
}

/* A list of names that goes on in further lines, indented. */
struct names {
	struct buf *out;
	size_t start; /* of the line in out */
	bool has_any;
};

static void put_listed(struct names *n, const char *before, const struct buf *name)
{
	if (n->has_any)
		(void)buf_putc(n->out, before[0] != '\0' ? ';' : ',');
	if (n->has_any &&
	    str_width(n->out->data + n->start) + str_width(before) + str_width(name->data) + 2 >
		    WIDTH) {
		(void)buf_puts(n->out, "\n   ");
		n->start = n->out->len - 3;
	}
	(void)buf_printf(n->out, " %s", before);
	(void)buf_add(n->out, name->data, name->len);
	n->has_any = true;
}

static bool is_in(const struct attack_result *r, enum attack_outcome o)
{
	return r->outcome == o && !r->is_planned;
}

/* Was an attack of that name with the same outcome told of already? */
static bool is_told(const struct challenged *c, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (is_in(&c->attacks[k], c->attacks[i].outcome) &&
		    strcmp(c->attacks[k].name, c->attacks[i].name) == 0)
			return true;
	return false;
}

/* Of the same name and outcome, and of something. */
static bool is_with(const struct attack_result *r, const struct attack_result *of)
{
	return is_in(r, of->outcome) && strcmp(r->name, of->name) == 0 && r->object != NULL &&
	       r->object[0] != '\0';
}

/* How the objects of one name are listed: what they all begin with once, what parts them. */
struct listing {
	size_t n, prefix; /* objects; bytes up to and with a dot, 0 = nothing in common */
	const char *gap;
};

static struct listing listing_of(const struct challenged *c, const struct attack_result *of)
{
	struct listing l = {0, 0, ", "};
	const char *dot = of->object != NULL ? strrchr(of->object, '.') : NULL;

	if (dot != NULL && strchr(dot, ' ') == NULL)
		l.prefix = (size_t)(dot - of->object) + 1;
	for (size_t i = 0; i < c->n_attacks; i++) {
		const struct attack_result *r = &c->attacks[i];

		if (!is_with(r, of))
			continue;
		l.n++;
		if (strchr(r->object, ',') != NULL)
			l.gap = "; ";
		if (strncmp(r->object, of->object, l.prefix) != 0)
			l.prefix = 0;
	}
	if (l.n < 2)
		l.prefix = 0;
	return l;
}

/* "nulled(orders: a, b, 12 more)": all of its name with its outcome. */
static void put_together(struct buf *out, const struct challenged *c, size_t first)
{
	const struct attack_result *of = &c->attacks[first];
	struct listing l = listing_of(c, of);
	size_t n = 0;

	text_put(out, of->name);
	if (l.n == 0)
		return;
	(void)buf_putc(out, '(');
	if (l.prefix > 0) {
		text_visible(out, of->object, l.prefix - 1);
		(void)buf_puts(out, ": ");
	}
	for (size_t i = first; i < c->n_attacks && n < MAX_OBJECTS; i++) {
		if (!is_with(&c->attacks[i], of))
			continue;
		(void)buf_puts(out, n++ == 0 ? "" : l.gap);
		text_put(out, c->attacks[i].object + l.prefix);
	}
	if (l.n > n)
		(void)buf_printf(out, "%s%zu more", l.gap, l.n - n);
	(void)buf_putc(out, ')');
}

static size_t count_of(const struct challenged *c, enum attack_outcome o)
{
	size_t n = 0;

	for (size_t i = 0; i < c->n_attacks; i++)
		n += is_in(&c->attacks[i], o) ? 1 : 0;
	return n;
}

/* "  noticed: 2 failed: rows-lost(orders), table-empty(orders); 1 error: ..." */
static void put_list(struct buf *out, const char *title, const struct challenged *c,
		     const enum attack_outcome *wanted, size_t n_wanted)
{
	struct names names = {out, out->len, false};

	for (size_t k = 0; k < n_wanted; k++) {
		char group[64] = "";

		if (n_wanted > 1)
			(void)snprintf(group, sizeof(group), "%zu %s: ", count_of(c, wanted[k]),
				       attack_outcome_name(wanted[k]));
		for (size_t i = 0; i < c->n_attacks; i++) {
			struct buf name;

			if (!is_in(&c->attacks[i], wanted[k]) || is_told(c, i))
				continue;
			if (!names.has_any)
				(void)buf_printf(out, "  %s:", title);
			buf_init(&name, BUF_UNBOUNDED);
			put_together(&name, c, i);
			put_listed(&names, group, &name);
			buf_release(&name);
			group[0] = '\0';
		}
	}
	if (names.has_any)
		(void)buf_putc(out, '\n');
}

static void put_lists(struct buf *out, const struct challenged *c)
{
	static const enum attack_outcome noticed[] = {ATTACK_FAILED, ATTACK_NO_VALUE, ATTACK_ERROR};
	static const enum attack_outcome uncounted[] = {ATTACK_GUARDED, ATTACK_NO_EFFECT,
							ATTACK_OUT_OF_REACH, ATTACK_OUT_OF_CLAIM};
	static const enum attack_outcome steady[] = {ATTACK_STEADY};

	put_list(out, "noticed", c, noticed, sizeof(noticed) / sizeof(noticed[0]));
	put_list(out, "not counted", c, uncounted, sizeof(uncounted) / sizeof(uncounted[0]));
	put_list(out, "harmless, and steady", c, steady, 1);
}

static bool is_alike(const struct attack_result *a, const struct attack_result *b)
{
	return a->reason != NULL && b->reason != NULL && strcmp(a->reason, b->reason) == 0;
}

/* Was an inconclusive attack told of already for the same reason? */
static bool is_reason_told(const struct challenged *c, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (is_in(&c->attacks[k], ATTACK_INCONCLUSIVE) &&
		    is_alike(&c->attacks[k], &c->attacks[i]))
			return true;
	return false;
}

/* What could not be made needs its reason: somebody may be able to remove it. */
static void put_inconclusive(struct buf *out, const struct challenged *c, bool has_color)
{
	for (size_t i = 0; i < c->n_attacks; i++) {
		const struct attack_result *of = &c->attacks[i];
		size_t n = 1;

		if (!is_in(of, ATTACK_INCONCLUSIVE) || is_reason_told(c, i))
			continue;
		(void)buf_puts(out, "  ");
		put_word(out, "inconclusive", DOUBT, has_color);
		(void)buf_puts(out, "  ");
		put_name(out, of);
		for (size_t k = i + 1; k < c->n_attacks; k++) {
			const struct attack_result *r = &c->attacks[k];

			if (!is_in(r, ATTACK_INCONCLUSIVE) || !is_alike(of, r) || ++n > MAX_OBJECTS)
				continue;
			(void)buf_puts(out, ", ");
			put_name(out, r);
		}
		if (n > MAX_OBJECTS)
			(void)buf_printf(out, ", %zu more", n - MAX_OBJECTS);
		(void)buf_puts(out, ": ");
		text_put(out, of->reason != NULL ? of->reason : of->words);
		(void)buf_putc(out, '\n');
	}
}

static void put_planned(struct buf *out, const struct challenged *c)
{
	for (size_t i = 0; i < c->n_attacks; i++) {
		const struct attack_result *r = &c->attacks[i];

		if (!r->is_planned)
			continue;
		(void)buf_printf(out, "  %-*s", COLUMN_FACT - 2,
				 r->is_control ? "harmless" : "attack");
		put_name(out, r);
		(void)buf_puts(out, ": ");
		text_put(out, r->words);
		(void)buf_putc(out, '\n');
	}
}

static bool is_survey(const struct challenged *c)
{
	for (size_t i = 0; i < c->n_attacks; i++)
		if (c->attacks[i].is_planned)
			return true;
	return false;
}

static void put_unchallenged(struct buf *out, const char *reason, bool has_color)
{
	put_word(out, "unchallenged", DOUBT, has_color);
	(void)buf_puts(out, ": ");
	text_put(out, reason);
	(void)buf_putc(out, '\n');
}

/* A command is one to be pasted. */
static void put_help(struct buf *out, const char *help, const char *repeated)
{
	struct buf shown;

	if (help == NULL)
		return;
	buf_init(&shown, BUF_UNBOUNDED);
	text_put(&shown, help);
	(void)buf_puts(out, "  help: ");
	text_command(out, shown.data, repeated);
	(void)buf_putc(out, '\n');
	buf_release(&shown);
}

static void put_score(struct buf *out, const struct challenged *c, bool has_color)
{
	if (is_survey(c)) {
		text_count(out, challenge_planned(c), "attack");
		(void)buf_puts(out, " would be made\n");
	} else if (challenged_score(c) < 0) {
		put_unchallenged(out, "there was no attack on it that counts", has_color);
	} else {
		(void)buf_printf(out, "%" PRId64 " of ", c->n_noticed);
		text_count(out, c->n_noticed + c->n_survived, "attack");
		(void)buf_puts(out, " noticed\n");
	}
}

void challenge_text(struct buf *out, const struct challenged *c, const char *repeated,
		    bool has_color)
{
	text_put(out, c->check->name);
	(void)buf_puts(out, "   ");
	text_put(out, c->check->kind);
	(void)buf_puts(out, "   ");
	put_place(out, c->check);
	if (c->reason != NULL) {
		put_unchallenged(out, c->reason, has_color);
		put_help(out, c->help, repeated);
		return;
	}
	put_score(out, c, has_color);
	put_all_of(out, c, ATTACK_FALSE_ALARM, has_color);
	put_all_of(out, c, ATTACK_BLIND, has_color);
	put_all_of(out, c, ATTACK_TOLERATED, has_color);
	put_all_of(out, c, ATTACK_WRONG_WAY, has_color);
	put_planned(out, c);
	put_turns_red(out, c, has_color);
	put_inconclusive(out, c, has_color);
	put_lists(out, c);
}

/* ---- all of them ---- */

static int compare_ranks(const void *a, const void *b)
{
	const struct challenged *x = *(const struct challenged *const *)a;
	const struct challenged *y = *(const struct challenged *const *)b;
	double of_x = challenged_score(x), of_y = challenged_score(y);

	if (of_x != of_y)
		return of_x < of_y ? -1 : 1;
	if (x->n_survived != y->n_survived)
		return x->n_survived > y->n_survived ? -1 : 1;
	if (x->check->severity != y->check->severity)
		return x->check->severity > y->check->severity ? -1 : 1;
	return x < y ? -1 : x > y; /* one array, definition order */
}

void challenge_ranking(struct arena *a, const struct challenge_report *r, FILE *out)
{
	static const char *const headers[] = {"score",	      "noticed",  "survived",
					      "false alarms", "severity", "check"};
	const struct challenged **ranked = arena_array(a, r->n, sizeof(*ranked));
	struct table t;
	size_t n = 0;

	for (size_t i = 0; i < r->n; i++)
		if (r->items[i].reason == NULL && challenged_score(&r->items[i]) >= 0)
			ranked[n++] = &r->items[i];
	if (n < 2)
		return;
	qsort(ranked, n, sizeof(*ranked), compare_ranks);
	table_init(&t, a, headers, 6, "rrrrrl");
	t.hides_empty = true;
	for (size_t i = 0; i < n; i++) {
		const struct challenged *c = ranked[i];

		table_row(&t, arena_printf(a, "%.0f %%", floor(challenged_score(c) * 100)),
			  arena_printf(a, "%" PRId64 "/%" PRId64, c->n_noticed,
				       c->n_noticed + c->n_survived),
			  arena_printf(a, "%" PRId64, c->n_survived),
			  c->n_false_alarms > 0 ? arena_printf(a, "%" PRId64, c->n_false_alarms)
						: NULL,
			  arena_printf(a, "%" PRId64, c->check->severity), c->check->name);
	}
	(void)fputc('\n', out); /* the command looks at the stream */
	table_print(&t, out);
}

static void put_counts(struct buf *out, const struct challenge_report *r)
{
	struct challenged all;
	int64_t planned = 0;

	challenge_total(r, &all);
	for (size_t i = 0; i < r->n; i++)
		planned += challenge_planned(&r->items[i]);
	if (r->is_survey) {
		text_count(out, planned, "attack");
		(void)buf_puts(out, " would be made");
		return;
	}
	(void)buf_printf(out, "%" PRId64 " of ", all.n_noticed);
	text_count(out, all.n_noticed + all.n_survived, "attack");
	(void)buf_puts(out, " noticed");
	if (all.n_false_alarms > 0) {
		(void)buf_puts(out, ", ");
		text_count(out, all.n_false_alarms, "false alarm");
	}
}

void challenge_summary(struct buf *out, const struct challenge_report *r)
{
	int64_t unchallenged = challenge_unchallenged(r);

	text_count(out, (int64_t)r->n, "check");
	(void)buf_puts(out, ": ");
	put_counts(out, r);
	if (unchallenged > 0) {
		(void)buf_puts(out, ", ");
		text_count(out, unchallenged, "check");
		(void)buf_puts(out, " unchallenged");
	}
	(void)buf_puts(out, "   ");
	text_duration(out, r->duration_us);
	if (r->is_interrupted)
		(void)buf_puts(out, "   interrupted");
	(void)buf_printf(out, "   exit %d\n", challenge_exit_status(r));
}
