/* Each attempt takes other branches: its number says which, digit by digit. */
#include "audits/arsenal/sample.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/model/pattern.h"

#define ATTEMPTS    256
#define MAX_BYTES   4096
#define MAX_REPEATS 200
#define MAX_DEPTH   32

struct sampler {
	const char *at;
	struct buf out;
	unsigned choice; /* what is left of the attempt's number */
	int depth;
};

/* What an atom may be: a set of bytes. */
struct set {
	bool has[128];
};

static unsigned choose(struct sampler *s, unsigned n)
{
	unsigned i = s->choice % n;

	s->choice /= n;
	return i;
}

static void set_range(struct set *set, int from, int to)
{
	for (int c = from; c <= to && c < 128; c++)
		if (c >= 0)
			set->has[c] = true;
}

/* \d and its like, also in a class; false = the letter stands for itself or for nothing. */
static bool set_named(struct set *set, char name)
{
	struct set plain = {{false}};

	switch (name | 0x20) {
	case 'd':
		set_range(&plain, '0', '9');
		break;
	case 'w':
		set_range(&plain, '0', '9');
		set_range(&plain, 'A', 'Z');
		set_range(&plain, 'a', 'z');
		set_range(&plain, '_', '_');
		break;
	case 's':
	case 'h':
		set_range(&plain, ' ', ' ');
		set_range(&plain, '\t', '\t');
		break;
	default: /* any other letter */
		return false;
	}
	for (int c = 0; c < 128; c++)
		set->has[c] |= plain.has[c] == (name >= 'a');
	return true;
}

/* One that is easy on the eye, and no end of a line. */
static void put_of(struct sampler *s, const struct set *set)
{
	static const char liked[] = "a7A-_ .xz0Z/:=,1bB2@#$%&*()[]{}<>?!\"'`~^|\\;+\t";
	unsigned skip = choose(s, 3);

	for (unsigned round = 0; round < 2; round++, skip = 0)
		for (const char *c = liked; *c != '\0'; c++)
			if (set->has[(unsigned char)*c] && skip-- == 0) {
				(void)buf_putc(&s->out, *c);
				return;
			}
	for (int c = 1; c < 128; c++)
		if (set->has[c] && c != '\n') {
			(void)buf_putc(&s->out, (char)c);
			return;
		}
}

static int hex_of(const char *p)
{
	static const char digits[] = "0123456789abcdef";
	const char *high, *low;

	if (p[0] == '\0' || p[1] == '\0')
		return -1;
	high = strchr(digits, p[0] | 0x20);
	low = strchr(digits, p[1] | 0x20);
	return high != NULL && low != NULL ? (int)((high - digits) * 16 + (low - digits)) : -1;
}

/* Behind the backslash: the byte meant, -1 = a place and no byte, or nobody knows. */
static int escaped(struct sampler *s)
{
	char c = *s->at;
	int byte;

	if (c == '\0')
		return -1;
	s->at++;
	if (c == 't')
		return '\t';
	if (c == 'x') {
		byte = hex_of(s->at);
		s->at += byte >= 0 ? 2 : 0;
		return byte > 0 && byte < 128 ? byte : -1;
	}
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')
		       ? -1
		       : (unsigned char)c;
}

static void class_item(struct sampler *s, struct set *set)
{
	int from = (unsigned char)*s->at++, to;

	if (from == '[' && s->at[0] == ':') { /* [:alpha:] and its like */
		const char *end = strstr(s->at, ":]");

		(void)set_named(set, strncmp(s->at, ":digit", 6) == 0	? 'd'
				     : strncmp(s->at, ":space", 6) == 0 ? 's'
									: 'w');
		s->at = end != NULL ? end + 2 : s->at + strlen(s->at);
		return;
	}
	if (from == '\\') {
		if (set_named(set, *s->at)) {
			s->at++;
			return;
		}
		from = escaped(s);
	}
	to = from;
	if (s->at[0] == '-' && s->at[1] != ']' && s->at[1] != '\0') {
		s->at++;
		to = (unsigned char)*s->at++;
		if (to == '\\')
			to = escaped(s);
	}
	if (from >= 0)
		set_range(set, from, to);
}

static struct set class_of(struct sampler *s)
{
	struct set set = {{false}};
	bool is_negated = *s->at == '^', is_first = true;

	s->at += is_negated;
	while (*s->at != '\0' && (*s->at != ']' || is_first)) {
		class_item(s, &set);
		is_first = false;
	}
	s->at += *s->at == ']';
	for (int c = ' '; is_negated && c < 127; c++)
		set.has[c] = !set.has[c];
	return set;
}

static void alternatives(struct sampler *s, bool is_wanted);

/* Behind "(": options and names are passed over, what must not be there is not made. */
static void group(struct sampler *s, bool is_wanted)
{
	if (s->at[0] == '?') {
		bool is_not = s->at[1] == '!' || (s->at[1] == '<' && s->at[2] == '!');

		is_wanted = is_wanted && !is_not;
		if (s->at[1] == 'P' || (s->at[1] == '<' && s->at[2] != '=' && s->at[2] != '!') ||
		    s->at[1] == '\'') {
			while (*s->at != '\0' && *s->at != '>' && *s->at != ')')
				s->at++;
			s->at += *s->at == '>';
		} else {
			s->at += 1 + (s->at[1] == '<');
			while (*s->at != '\0' && strchr(":=!>)", *s->at) == NULL)
				s->at++;
			s->at += *s->at != '\0' && *s->at != ')';
		}
	}
	alternatives(s, is_wanted);
	s->at += *s->at == ')';
}

static void atom(struct sampler *s, bool is_wanted)
{
	char c = *s->at++;
	struct set set = {{false}};

	if (c == '(') {
		group(s, is_wanted);
		return;
	}
	if (c == '[') {
		set = class_of(s);
	} else if (c == '.') {
		set_range(&set, ' ', '~');
	} else if (c == '\\' && set_named(&set, *s->at)) {
		s->at++;
	} else if (c == '\\') {
		int byte = escaped(s);

		if (byte >= 0 && is_wanted)
			(void)buf_putc(&s->out, (char)byte);
		return;
	} else {
		if (c != '^' && c != '$' && is_wanted)
			(void)buf_putc(&s->out, c);
		return;
	}
	if (is_wanted)
		put_of(s, &set);
}

/* How often what came before stands there; 1 without a word about it. */
static unsigned repeats(struct sampler *s)
{
	unsigned n = 0;
	char c = *s->at;
	bool is_counted = c == '{' && s->at[1] >= '0' && s->at[1] <= '9';

	if (c != '*' && c != '+' && c != '?' && !is_counted)
		return 1;
	s->at++;
	if (is_counted) {
		for (; *s->at >= '0' && *s->at <= '9'; s->at++)
			n = n < MAX_REPEATS ? n * 10 + (unsigned)(*s->at - '0') : n;
		while (*s->at != '\0' && *s->at != '}')
			s->at++;
		s->at += *s->at == '}';
	} else {
		n = c == '+' ? 1 : choose(s, 2);
	}
	s->at += *s->at == '?' || *s->at == '+';
	return n < MAX_REPEATS ? n : MAX_REPEATS;
}

static void repeated(struct sampler *s, bool is_wanted)
{
	size_t from = s->out.len, n;
	unsigned times;
	char copy[MAX_BYTES];

	atom(s, is_wanted);
	times = repeats(s);
	n = s->out.len - from;
	if (n == 0 || n > sizeof(copy))
		return;
	memcpy(copy, s->out.data + from, n);
	s->out.len = times == 0 ? from : s->out.len;
	for (unsigned i = 1; i < times; i++)
		(void)buf_add(&s->out, copy, n); /* full: it will not match */
}

/* One of those up to the end of the group; the others are passed over. */
static void alternatives(struct sampler *s, bool is_wanted)
{
	unsigned i = 0, wanted = choose(s, 3);
	size_t from = s->out.len;

	if (++s->depth > MAX_DEPTH)
		s->at += strlen(s->at);
	while (*s->at != '\0' && *s->at != ')') {
		if (*s->at != '|') {
			repeated(s, is_wanted && i <= wanted);
			continue;
		}
		s->at++;
		if (++i <= wanted)
			s->out.len = from; /* this one rather */
	}
	s->depth--;
}

static bool is_found(const struct pattern *p, const struct buf *text)
{
	struct err ignored = {0}; /* one that cannot be looked at is none */

	return pattern_search_line(p, text->data, text->len, &ignored) == 1;
}

const char *sample_line(struct arena *a, const char *re, const struct pattern *p,
			const struct pattern *except)
{
	const char *found = NULL;

	for (unsigned i = 0; i < ATTEMPTS && found == NULL; i++) {
		struct sampler s = {.at = re, .choice = i};

		buf_init(&s.out, MAX_BYTES);
		(void)buf_puts(&s.out, "");
		while (*s.at != '\0') {
			alternatives(&s, true);
			s.at += *s.at == ')';
		}
		if (memchr(s.out.data, '\n', s.out.len) == NULL && is_found(p, &s.out) &&
		    (except == NULL || !is_found(except, &s.out)))
			found = arena_strndup(a, s.out.data, s.out.len);
		buf_release(&s.out);
	}
	return found;
}
