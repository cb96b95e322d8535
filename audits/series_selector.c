/*
 * A recursive descent of depth one. The column in an error is all a reader needs: a selector is one
 * short line of a definition.
 */
#include "audits/series_selector.h"

#include <string.h>

#include "audits/exposition.h"
#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/model/pattern.h"

#define MAX_MATCHERS 64

struct reader {
	struct arena *arena;
	const char *text, *at;
	struct err *e;
};

static int fail(const struct reader *r, const char *what)
{
	return err_set(r->e, ERR_DEFINITION, "cannot read selector %s: at column %zu %s", r->text,
		       (size_t)(r->at - r->text) + 1, what);
}

static void skip_blanks(struct reader *r)
{
	r->at += strspn(r->at, " \t");
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static const char *read_name(struct reader *r, bool may_have_colon)
{
	const char *begin = r->at;

	while (is_letter(*r->at) || (may_have_colon && *r->at == ':') ||
	       (r->at > begin && *r->at >= '0' && *r->at <= '9'))
		r->at++;
	return r->at > begin ? arena_strndup(r->arena, begin, (size_t)(r->at - begin)) : NULL;
}

static int read_operator(struct reader *r, enum series_operator *op)
{
	static const struct {
		const char *text;
		enum series_operator op;
	} operators[] = {
		{"=~", SERIES_MATCHES},
		{"!~", SERIES_NOT_MATCHES},
		{"!=", SERIES_NOT_EQUAL},
		{"=", SERIES_EQUAL},
	};

	for (size_t i = 0; i < sizeof(operators) / sizeof(operators[0]); i++) {
		size_t n = strlen(operators[i].text);

		if (strncmp(r->at, operators[i].text, n) == 0) {
			*op = operators[i].op;
			r->at += n;
			return 0;
		}
	}
	return fail(r, "stands none of = != =~ !~");
}

static int read_escape(struct reader *r, char *out)
{
	switch (*r->at) {
	case 'n':
		*out = '\n';
		break;
	case 't':
		*out = '\t';
		break;
	case '\\':
	case '"':
	case '\'':
		*out = *r->at;
		break;
	default:
		r->at--;
		return fail(r, "begins an unknown escape (known are \\\\ \\\" \\' \\n \\t)");
	}
	r->at++;
	return 0;
}

static const char *read_text(struct reader *r)
{
	char quote = *r->at;
	char *text;
	size_t n = 0;

	if (quote != '"' && quote != '\'') {
		(void)fail(r, "a value in quotes is missing"); /* always -1 */
		return NULL;
	}
	r->at++;
	text = arena_alloc(r->arena, strlen(r->at) + 1);
	while (*r->at != quote) {
		if (*r->at == '\0') {
			(void)fail(r, "the closing quote is missing"); /* always -1 */
			return NULL;
		}
		if (*r->at != '\\') {
			text[n++] = *r->at++;
			continue;
		}
		r->at++;
		if (read_escape(r, &text[n]) != 0)
			return NULL;
		n++;
	}
	r->at++;
	return text;
}

/* *label is its name; NULL when what stood there was the metric's name in quotes. */
static int read_label(struct reader *r, struct series_selector *out, const char **label)
{
	const char *begin = r->at, *text;

	if (*r->at != '"' && *r->at != '\'') {
		*label = read_name(r, false);
		return *label != NULL ? 0 : fail(r, "a label name is missing");
	}
	text = read_text(r);
	if (text == NULL)
		return -1;
	skip_blanks(r);
	*label = strchr("=!", *r->at) != NULL && *r->at != '\0' ? text : NULL;
	if (*label == NULL && out->name != NULL) {
		r->at = begin;
		return fail(r, "stands a second name of a metric");
	}
	if (*label == NULL)
		out->name = text;
	return 0;
}

static int read_matcher(struct reader *r, struct series_selector *out, struct series_matcher *m)
{
	const char *begin;

	if (read_label(r, out, &m->label) != 0)
		return -1;
	if (m->label == NULL)
		return 0;
	out->n_matchers++;
	if (strcmp(m->label, "__name__") == 0)
		return fail(r, "ends __name__: write the metric's name before the braces");
	skip_blanks(r);
	if (read_operator(r, &m->op) != 0)
		return -1;
	skip_blanks(r);
	begin = r->at;
	m->value = read_text(r);
	if (m->value == NULL)
		return -1;
	if (m->op != SERIES_MATCHES && m->op != SERIES_NOT_MATCHES)
		return 0;
	if (pattern_compile(r->arena, m->value, strlen(m->value), false, &m->pattern, r->e) == 0)
		return 0;
	r->e->class = ERR_DEFINITION;
	return err_context(r->e, "cannot read selector %s: at column %zu", r->text,
			   (size_t)(begin - r->text) + 1);
}

static int read_matchers(struct reader *r, struct series_selector *out)
{
	r->at++;
	for (skip_blanks(r); *r->at != '}'; skip_blanks(r)) {
		if (out->n_matchers == MAX_MATCHERS)
			return fail(r, "are more matchers than allowed");
		if (read_matcher(r, out, &out->matchers[out->n_matchers]) != 0)
			return -1;
		skip_blanks(r);
		if (*r->at == ',')
			r->at++;
		else if (*r->at != '}')
			return fail(r, "stands neither , nor }");
	}
	r->at++;
	return 0;
}

int series_selector_parse(struct arena *a, const char *text, struct series_selector *out,
			  struct err *e)
{
	struct reader r = {a, text, text, e};
	struct series_selector s = {.text = text};

	skip_blanks(&r);
	s.name = read_name(&r, true);
	if (s.name == NULL && *r.at != '{')
		return fail(&r, "the name of a metric is missing");
	skip_blanks(&r);
	if (*r.at == '{') {
		s.matchers = arena_array(a, MAX_MATCHERS, sizeof(*s.matchers));
		if (read_matchers(&r, &s) != 0)
			return -1;
		skip_blanks(&r);
	}
	if (*r.at != '\0')
		return fail(&r, "something stands behind the selector");
	r.at = text + strspn(text, " \t");
	if (s.name == NULL || s.name[0] == '\0')
		return fail(&r, "the name of a metric is missing");
	s.n_name = strlen(s.name);
	*out = s;
	return 0;
}

bool series_selector_is_named(const struct series_selector *s, const char *name, size_t n)
{
	return s->n_name == n && memcmp(s->name, name, n) == 0;
}

static struct exposition_text value_of(const struct exposition_label *labels, size_t n,
				       const char *name)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < n; i++)
		if (labels[i].name.n == len && memcmp(labels[i].name.s, name, len) == 0)
			return labels[i].value;
	return (struct exposition_text){"", 0};
}

static int holds(const struct series_matcher *m, struct exposition_text v, struct err *e)
{
	size_t n = strlen(m->value);
	int found;

	switch (m->op) {
	case SERIES_EQUAL:
		return v.n == n && memcmp(v.s, m->value, n) == 0;
	case SERIES_NOT_EQUAL:
		return v.n != n || memcmp(v.s, m->value, n) != 0;
	case SERIES_MATCHES:
		return pattern_match_all(m->pattern, v.s, v.n, e);
	case SERIES_NOT_MATCHES:
		found = pattern_match_all(m->pattern, v.s, v.n, e);
		return found < 0 ? found : !found;
	}
	return -1;
}

int series_selector_matches(const struct series_selector *s, const struct exposition_label *labels,
			    size_t n, struct err *e)
{
	for (size_t i = 0; i < s->n_matchers; i++) {
		int code = holds(&s->matchers[i], value_of(labels, n, s->matchers[i].label), e);

		if (code != 1)
			return code;
	}
	return 1;
}
