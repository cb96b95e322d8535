/*
 * Two matchers. The plain one compares a secret with text in which any byte may stand as it is or
 * percent-encoded (or, for a space, as '+'), so every mixture of the two is found. The other one
 * knows what base64 makes of a secret inside longer data: it depends on where in a group of three
 * bytes the secret begins, so there are three texts, each without the characters at its ends that
 * also depend on the neighbours; those characters are masked with it. All matches are marked before
 * anything is replaced: where secrets overlap, no rest of either stays.
 *
 * Text from outside is escaped (str_escape) before it comes here, so a secret with a backslash or a
 * newline is looked for as that writes it, too.
 */
#include "runner/base/redact.h"

#include <stdint.h>
#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/str.h"

/* A shorter base64 text would match by accident in ordinary words. */
#define MIN_BASE64 6

struct secret {
	const char *text;
	size_t len;
	const char *variable; /* NULL = none holds it */
	struct secret *next;
};

/* Text that is found as it is. */
struct encoded {
	const char *text;
	size_t len;
	size_t before, after; /* characters next to it which carry bits of the secret */
	struct encoded *next;
};

struct redactor {
	struct arena *arena;
	struct secret *secrets;
	struct encoded *encoded;
	bool starts[256]; /* bytes a match may begin with */
};

struct redactor *redactor_new(struct arena *a)
{
	struct redactor *r = arena_alloc(a, sizeof(*r));

	r->arena = a;
	return r;
}

bool redactor_is_empty(const struct redactor *r)
{
	return r->secrets == NULL;
}

static bool is_base64(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '+' || c == '/' || c == '=';
}

static void add_text(struct redactor *r, const struct encoded *text)
{
	struct encoded *x = arena_alloc(r->arena, sizeof(*x));

	*x = *text;
	x->next = r->encoded;
	r->encoded = x;
	r->starts[(unsigned char)x->text[0]] = true;
}

/* What base64 makes of the secret when it begins `lead` bytes into a group of three. */
static void add_encoded(struct redactor *r, const char *secret, size_t n, size_t lead)
{
	static const char alphabet[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t first_bit = lead * 8, end_bit = (lead + n) * 8;
	size_t first = (first_bit + 5) / 6, end = end_bit / 6; /* characters wholly of the secret */
	char *text;

	if (end < first + MIN_BASE64)
		return;
	text = arena_alloc(r->arena, end - first + 1);
	for (size_t i = first; i < end; i++) {
		unsigned value = 0;

		for (size_t bit = i * 6; bit < i * 6 + 6; bit++) {
			unsigned byte = (unsigned char)secret[bit / 8 - lead];

			value = value << 1 | (byte >> (7 - bit % 8) & 1u);
		}
		text[i - first] = alphabet[value];
	}
	add_text(r, &(struct encoded){
			    .text = text,
			    .len = end - first,
			    .before = first * 6 > first_bit,
			    .after = end * 6 < end_bit,
		    });
}

static void add_escaped(struct redactor *r, const char *secret)
{
	const char *text = str_escaped(r->arena, secret);

	if (strcmp(text, secret) != 0)
		add_text(r, &(struct encoded){.text = text, .len = strlen(text)});
}

void redactor_add(struct redactor *r, const char *secret)
{
	redactor_add_variable(r, secret, NULL);
}

size_t redactor_find(const struct redactor *r, const char *s, const char **variable)
{
	size_t longest = 0;

	for (const struct secret *x = r->secrets; x != NULL; x = x->next) {
		if (x->len <= longest || strncmp(s, x->text, x->len) != 0)
			continue;
		longest = x->len;
		*variable = x->variable;
	}
	return longest;
}

void redactor_add_variable(struct redactor *r, const char *secret, const char *name)
{
	struct secret *s;

	if (secret[0] == '\0')
		return;
	for (s = r->secrets; s != NULL; s = s->next) {
		if (strcmp(s->text, secret) != 0)
			continue;
		if (s->variable == NULL)
			s->variable = name;
		return;
	}
	s = arena_alloc(r->arena, sizeof(*s));
	*s = (struct secret){.len = strlen(secret), .variable = name, .next = r->secrets};
	s->text = arena_strndup(r->arena, secret, s->len);
	r->secrets = s;
	r->starts[(unsigned char)secret[0]] = true;
	r->starts['%'] = true;
	r->starts['+'] = r->starts['+'] || secret[0] == ' ';
	for (size_t lead = 0; lead < 3; lead++)
		add_encoded(r, s->text, s->len, lead);
	add_escaped(r, s->text);
}

void redactor_add_all(struct redactor *r, const struct redactor *from)
{
	for (const struct secret *x = from->secrets; x != NULL; x = x->next)
		redactor_add_variable(r, x->text, x->variable);
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Is this all of the text, or all but half of a byte that is percent-encoded? */
static bool is_end(const char *p)
{
	return p[0] == '\0' || (p[0] == '%' && (p[1] == '\0' || p[2] == '\0'));
}

/*
 * Bytes of text (NUL terminated) which spell the secret, 0 when they do not. is_cut: the text is
 * part of a longer one, and what the secret begins with may be its end.
 */
static size_t spelled(const char *text, const struct secret *secret, bool is_cut)
{
	const char *p = text;

	for (size_t i = 0; i < secret->len; i++) {
		char c = secret->text[i];

		if (is_cut && i > 0 && is_end(p)) {
			return strlen(text);
		} else if (*p == c) {
			p++;
		} else if (*p == '%' && hex_value(p[1]) >= 0 && hex_value(p[2]) >= 0 &&
			   hex_value(p[1]) * 16 + hex_value(p[2]) == (unsigned char)c) {
			p += 3;
		} else if (*p == '+' && c == ' ') {
			p++;
		} else {
			return 0;
		}
	}
	return (size_t)(p - text);
}

static bool has_encoded(const char *s, const struct encoded *x, bool is_cut)
{
	size_t n = strnlen(s, x->len);

	return (n == x->len || is_cut) && memcmp(s, x->text, n) == 0;
}

struct marks {
	bool is_cut;	 /* see spelled() */
	bool *is_masked; /* one a byte of the text; NULL until the first match */
	size_t n;
};

static void mark(struct marks *m, struct arena *a, size_t from, size_t to)
{
	if (m->is_masked == NULL)
		m->is_masked = arena_alloc(a, m->n);
	memset(m->is_masked + from, true, to - from);
}

static void mark_at(const struct redactor *r, struct arena *a, const char *s, size_t i,
		    struct marks *m)
{
	for (const struct secret *x = r->secrets; x != NULL; x = x->next) {
		size_t k = spelled(s + i, x, m->is_cut);

		if (k != 0)
			mark(m, a, i, i + k);
	}
	for (const struct encoded *x = r->encoded; x != NULL; x = x->next) {
		size_t from = i, to = i + x->len;

		if (!has_encoded(s + i, x, m->is_cut))
			continue;
		to = to < m->n ? to : m->n;
		if (x->before != 0 && from > 0 && is_base64(s[from - 1]))
			from--;
		if (x->after != 0 && is_base64(s[to]))
			to++;
		mark(m, a, from, to);
	}
}

static const char *redact(const struct redactor *r, struct arena *a, const char *s, bool is_cut)
{
	struct marks m = {.is_cut = is_cut};
	char *out, *p;

	if (s == NULL || r == NULL || redactor_is_empty(r))
		return s;
	m.n = strlen(s);
	for (size_t i = 0; i < m.n; i++) {
		if (r->starts[(unsigned char)s[i]])
			mark_at(r, a, s, i, &m);
	}
	if (m.is_masked == NULL)
		return s;
	/* A masked run of one byte grows to three. */
	out = arena_array(a, m.n + 1, sizeof(REDACT_MASK) - 1);
	p = out;
	for (size_t i = 0; i < m.n; i++) {
		if (!m.is_masked[i]) {
			*p++ = s[i];
		} else if (i == 0 || !m.is_masked[i - 1]) {
			memcpy(p, REDACT_MASK, sizeof(REDACT_MASK) - 1);
			p += sizeof(REDACT_MASK) - 1;
		}
	}
	*p = '\0';
	return out;
}

const char *redact_text(const struct redactor *r, struct arena *a, const char *s)
{
	return redact(r, a, s, false);
}

const char *redact_cut(const struct redactor *r, struct arena *a, const char *s)
{
	return redact(r, a, s, true);
}

const char *redact_head(const struct redactor *r, struct arena *a, const char *s, size_t n,
			size_t most)
{
	bool is_cut = n > most;

	while (is_cut && most > 0 && ((unsigned char)s[most] & 0xC0) == 0x80)
		most--;
	return redact(r, a, arena_strndup(a, s, is_cut ? most : n), is_cut);
}
