/*
 * One test point: `not ok 3 - description # ToDo reason`.
 *
 * The directive is where everything can go wrong: it turns a failure into something to do. The
 * first # that stands between white space ends the description, whether or not it names a known
 * directive; one that is escaped never does. Without white space on one side it must name one, and
 * a reader may take it or not (TAP 14): "visible #skip-link" and "C# skipper" are no reasons to
 * take a failure for less, nor is "# todolist".
 */
#include "audits/tap_read.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "runner/base/arena.h"
#include "runner/base/num.h"
#include "runner/base/str.h"

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static void skip_blanks(const char **s, size_t *n)
{
	while (*n > 0 && is_blank(**s)) {
		++*s;
		--*n;
	}
}

/* Without the blanks at both ends; \\ and \# are undone. */
static const char *unescaped(struct arena *a, const char *s, size_t n)
{
	char *out;
	size_t kept = 0;

	skip_blanks(&s, &n);
	while (n > 0 && is_blank(s[n - 1]))
		n--;
	out = arena_strndup(a, s, n);
	for (size_t i = 0; i < n; i++) {
		if (s[i] == '\\' && i + 1 < n && (s[i + 1] == '\\' || s[i + 1] == '#'))
			i++;
		out[kept++] = s[i];
	}
	out[kept] = '\0';
	return str_escaped(a, out);
}

/* "SKIP", "skipped:", "todo" behind a #; *used is how many bytes of s that is, blanks included. */
static enum tap_directive take_directive(const char *s, size_t n, bool is_ok, size_t *used)
{
	const char *begin = s;
	enum tap_directive found = TAP_NONE;

	skip_blanks(&s, &n);
	if (n >= 4 && strncasecmp(s, "todo", 4) == 0)
		found = is_ok || n == 4 || !isalnum((unsigned char)s[4]) ? TAP_TODO : TAP_NONE;
	else if (n >= 4 && strncasecmp(s, "skip", 4) == 0)
		found = TAP_SKIP;
	while (n > 0 && !is_blank(*s)) {
		s++;
		n--;
	}
	*used = (size_t)(s - begin);
	return found;
}

static void split_directive(struct arena *a, const char *s, size_t n, struct tap_point *out)
{
	out->description = NULL;
	for (size_t i = 0; i < n; i++) {
		bool is_after_blank = i == 0 || is_blank(s[i - 1]);
		bool is_before_blank = i + 1 < n && is_blank(s[i + 1]);
		size_t used;

		if (s[i] == '\\' && i + 1 < n && (s[i + 1] == '\\' || s[i + 1] == '#')) {
			i++;
			continue;
		}
		if (s[i] != '#' || (!is_after_blank && !is_before_blank) ||
		    (!out->is_ok && !(is_after_blank && is_before_blank)))
			continue;
		out->directive = take_directive(s + i + 1, n - i - 1, out->is_ok, &used);
		if (out->directive != TAP_NONE) {
			out->description = unescaped(a, s, i);
			out->reason = unescaped(a, s + i + 1 + used, n - i - 1 - used);
			return;
		}
		if (is_after_blank && is_before_blank)
			break;
	}
	out->description = unescaped(a, s, n);
}

static void take_number(const char **s, size_t *n, struct tap_point *out)
{
	size_t digits = 0;
	int64_t number;

	while (digits < *n && isdigit((unsigned char)(*s)[digits]))
		digits++;
	if (digits == 0 || (digits < *n && !is_blank((*s)[digits]) && (*s)[digits] != '#'))
		return;
	/* A number beyond all plans is one outside of this plan. */
	out->number = num_parse_int(*s, digits, &number) == 0 && number > 0 ? number : INT64_MAX;
	*s += digits;
	*n -= digits;
}

bool tap_point_parse(struct arena *a, const char *s, size_t n, struct tap_point *out)
{
	struct tap_point p = {.is_ok = true, .reason = ""};

	if (n >= 4 && memcmp(s, "not ", 4) == 0) {
		p.is_ok = false;
		s += 4;
		n -= 4;
	}
	if (n < 2 || memcmp(s, "ok", 2) != 0)
		return false;
	s += 2;
	n -= 2;
	if (n > 0 && (isalnum((unsigned char)*s) || *s == '_'))
		return false; /* "okay" */
	skip_blanks(&s, &n);
	take_number(&s, &n, &p);
	skip_blanks(&s, &n);
	if (n > 0 && *s == '-' && (n == 1 || is_blank(s[1]))) {
		s++;
		n--;
	}
	split_directive(a, s, n, &p);
	*out = p;
	return true;
}
