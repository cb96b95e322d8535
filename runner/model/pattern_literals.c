/*
 * One walk over the alternatives at the top. Of each the longest run of plain characters is kept;
 * whatever else there is ends a run, and what a quantifier makes optional is taken out of it.
 */
#include "runner/model/pattern_literals.h"

#include <stdbool.h>
#include <string.h>

#include "runner/base/arena.h"

#define MIN_BYTES 2

struct walk {
	const char *at, *end;
	const char *run; /* of the present alternative; NULL = none is open */
	size_t n_run;
	char *text; /* scratch for the run: escapes are gone from it */
	char *best;
	size_t n_best;
	bool is_lost; /* something that is not understood */
};

static void end_run(struct walk *w)
{
	if (w->n_run > w->n_best) {
		memcpy(w->best, w->text, w->n_run);
		w->n_best = w->n_run;
	}
	w->n_run = 0;
}

/* Behind the ] of a class; at is behind its [. */
static void skip_class(struct walk *w)
{
	if (w->at < w->end && *w->at == '^')
		w->at++;
	if (w->at < w->end && *w->at == ']')
		w->at++;
	for (; w->at < w->end && *w->at != ']'; w->at++) {
		if (*w->at == '[') /* [:alpha:] and what only looks like it */
			w->is_lost = true;
		if (*w->at == '\\' && (++w->at == w->end || *w->at == 'Q' || *w->at == 'E'))
			w->is_lost = true;
		if (w->is_lost)
			return;
	}
	w->is_lost = w->at == w->end;
	w->at += !w->is_lost;
}

/* Behind the ) of a group; at is behind its (. */
static void skip_group(struct walk *w)
{
	size_t depth = 1;

	while (depth > 0 && !w->is_lost) {
		char c = w->at < w->end ? *w->at++ : '\0';

		if (c == '(' && w->at < w->end && (*w->at == '?' || *w->at == '*'))
			c = '\0'; /* options, assertions, verbs */
		if (c == '\0' || (c == '\\' && (w->at == w->end || *w->at == 'Q')))
			w->is_lost = true;
		else if (c == '\\')
			w->at++;
		else if (c == '[')
			skip_class(w);
		else
			depth += (size_t)(c == '(') - (size_t)(c == ')');
	}
}

/* at is behind the backslash. */
static void take_escape(struct walk *w)
{
	char c = w->at < w->end ? *w->at++ : '\0';
	bool is_word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');

	if (c <= ' ' || c > '~') {
		w->is_lost = true;
	} else if (!is_word) {
		w->text[w->n_run++] = c;
	} else {
		end_run(w);
		w->is_lost = !strchr("dDwWsSbBAzZnrt", c);
	}
}

/* A quantifier is at `at`: what is before it may be there never. */
static void take_quantifier(struct walk *w)
{
	char c = *w->at++;

	if (c != '+' && w->n_run > 0)
		w->n_run--;
	end_run(w);
	if (c == '{') {
		while (w->at < w->end && ((*w->at >= '0' && *w->at <= '9') || *w->at == ','))
			w->at++;
		w->is_lost = w->at == w->end || *w->at++ != '}';
	}
	if (w->at < w->end && (*w->at == '?' || *w->at == '+'))
		w->at++;
}

static void take(struct walk *w)
{
	char c = *w->at;

	if (c == '*' || c == '+' || c == '?' || c == '{') {
		take_quantifier(w);
		return;
	}
	w->at++;
	if (c == '\\') {
		take_escape(w);
	} else if (c >= ' ' && c <= '~' && !strchr("[().^$", c)) {
		w->text[w->n_run++] = c;
	} else {
		end_run(w);
		if (c == '[')
			skip_class(w);
		else if (c == '(' && w->at < w->end && (*w->at == '?' || *w->at == '*'))
			w->is_lost = true;
		else if (c == '(')
			skip_group(w);
		else if (c == ')' || (c >= 0 && c < ' ') || c == 0x7f)
			w->is_lost = true;
	}
}

size_t pattern_literals(struct arena *a, const char *re, size_t n,
			const char *out[static PATTERN_MAX_LITERALS])
{
	struct walk w = {.at = re,
			 .end = re + n,
			 .text = arena_alloc(a, n + 1),
			 .best = arena_alloc(a, n + 1)};
	size_t n_out = 0;

	while (!w.is_lost) {
		bool is_last = w.at == w.end;

		if (!is_last && *w.at != '|') {
			take(&w);
			continue;
		}
		end_run(&w);
		if (w.n_best < MIN_BYTES || n_out == PATTERN_MAX_LITERALS)
			return 0;
		out[n_out++] = arena_strndup(a, w.best, w.n_best);
		w.n_best = 0;
		if (is_last)
			return n_out;
		w.at++;
	}
	return 0;
}
