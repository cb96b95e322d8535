/*
 * Matchers compare a secret with text in which any character may stand as it is or escaped in one
 * of the ways spelling.h knows (or, for a space, as '+'), so every mixture of them is found. Where
 * what stands there can be read in two ways, both are tried, as far as a bound on the work allows;
 * what exceeds it is masked. What base64 makes of a secret inside longer data depends on where in a
 * group of three bytes the secret begins, so there are three more texts to compare, each without
 * the characters at its ends that also depend on the neighbours; those characters are masked with
 * it. All matches are marked before anything is replaced: where secrets overlap, no rest of either
 * stays.
 *
 * What a place in the text may begin with is looked up first, so that many secrets cost little.
 */
#include "runner/base/redact.h"

#include <stdint.h>
#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/spelling.h"
#include "runner/base/str.h"
#include "runner/base/utf8.h"

/* A shorter base64 text would match by accident in ordinary words, as would hex in numbers. */
#define MIN_BASE64 6
#define MIN_HEX	   3 /* bytes */
#define MIN_LINE   8
#define MAX_DEPTH  64
/* Escapes read of a text: as often as no text needs it that was not made for it. */
#define WORK	 8 /* a byte */
#define MIN_WORK 4096

/* A secret, or what base64 makes of it. */
struct pattern {
	const char *text;
	size_t len;
	const char *variable; /* NULL = none holds it */
	bool is_base64;
	size_t before, after;	    /* characters next to it which carry bits of the secret */
	struct pattern *next;	    /* secret */
	struct pattern *next_begun; /* with the same byte */
};

struct redactor {
	struct arena *arena;
	struct pattern *secrets;
	struct pattern *begun[256]; /* with this byte */
	bool starts[256];	    /* bytes a match may begin with */
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
	       c == '+' || c == '/' || c == '=' || c == '-' || c == '_';
}

/* Another byte of text that may stand for c. */
static char alias_of(const struct pattern *x, char c)
{
	if (x->is_base64 && c == '+')
		return '-';
	if (x->is_base64 && c == '/')
		return '_';
	return c == '\n' ? ' ' : c == ' ' ? '+' : c;
}

static void add_pattern(struct redactor *r, struct pattern *x)
{
	static const char digits[] = "0123456789abcdef0123456789ABCDEF";
	unsigned char first = (unsigned char)x->text[0];

	x->next_begun = r->begun[first];
	r->begun[first] = x;
	r->starts[first] = true;
	r->starts[(unsigned char)alias_of(x, x->text[0])] = true;
	r->starts['%'] = r->starts['\\'] = r->starts['&'] = true;
	if (x->is_base64 || x->len < MIN_HEX)
		return;
	r->starts[(unsigned char)digits[first >> 4]] = true;
	r->starts[(unsigned char)digits[16 + (first >> 4)]] = true;
}

/* What base64 makes of the secret when it begins `lead` bytes into a group of three. */
static void add_encoded(struct redactor *r, const char *secret, size_t n, size_t lead)
{
	static const char alphabet[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t first_bit = lead * 8, end_bit = (lead + n) * 8;
	size_t first = (first_bit + 5) / 6, end = end_bit / 6; /* characters wholly of the secret */
	struct pattern *x;
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
	x = arena_alloc(r->arena, sizeof(*x));
	*x = (struct pattern){
		.text = text,
		.len = end - first,
		.is_base64 = true,
		.before = first * 6 > first_bit,
		.after = end * 6 < end_bit,
	};
	add_pattern(r, x);
}

void redactor_add(struct redactor *r, const char *secret)
{
	redactor_add_variable(r, secret, NULL);
}

size_t redactor_find(const struct redactor *r, const char *s, const char **variable)
{
	size_t longest = 0;

	for (const struct pattern *x = r->secrets; x != NULL; x = x->next) {
		if (x->len <= longest || strncmp(s, x->text, x->len) != 0)
			continue;
		longest = x->len;
		*variable = x->variable;
	}
	return longest;
}

static void add_secret(struct redactor *r, const char *secret, size_t n, const char *name)
{
	struct pattern *x;

	for (x = r->secrets; x != NULL; x = x->next) {
		if (x->len != n || memcmp(x->text, secret, n) != 0)
			continue;
		if (x->variable == NULL)
			x->variable = name;
		return;
	}
	x = arena_alloc(r->arena, sizeof(*x));
	*x = (struct pattern){.len = n, .variable = name, .next = r->secrets};
	x->text = arena_strndup(r->arena, secret, n);
	r->secrets = x;
	add_pattern(r, x);
	for (size_t lead = 0; lead < 3; lead++)
		add_encoded(r, x->text, n, lead);
}

/* Lines of a key are quoted one by one, and laid out anew. */
static void add_lines(struct redactor *r, const char *secret)
{
	static const char blanks[] = " \t\r";

	if (strchr(secret, '\n') == NULL)
		return;
	for (const char *line = secret; *line != '\0'; line += *line == '\n') {
		size_t n = strcspn(line, "\n");
		const char *end = line + n;

		line += strspn(line, blanks);
		while (end > line && strchr(blanks, end[-1]) != NULL)
			end--;
		if (end >= line + MIN_LINE)
			add_secret(r, line, (size_t)(end - line), NULL);
		line += strcspn(line, "\n");
	}
}

void redactor_add_variable(struct redactor *r, const char *secret, const char *name)
{
	if (secret[0] == '\0')
		return;
	add_secret(r, secret, strlen(secret), name);
	add_lines(r, secret);
}

void redactor_add_all(struct redactor *r, const struct redactor *from)
{
	for (const struct pattern *x = from->secrets; x != NULL; x = x->next)
		redactor_add_variable(r, x->text, x->variable);
}

struct walk {
	const struct pattern *x;
	bool is_cut;	/* the text is part of a longer one: what x begins with may be its end */
	size_t *n_left; /* escapes that may still be read */
	size_t depth;
};

/* Bytes of the pattern from i on that a spelling stands for, 0 = it stands for something else. */
static size_t meant(const struct pattern *x, size_t i, const struct spelling *s)
{
	if (s->n_bytes == 1)
		return s->bytes[0] == x->text[i] || s->bytes[0] == alias_of(x, x->text[i]);
	return x->len - i >= s->n_bytes && memcmp(x->text + i, s->bytes, s->n_bytes) == 0
		       ? s->n_bytes
		       : 0;
}

/* What is at p, escaped or as it is, and stands for what the pattern has at i; how many ways. */
static size_t ways(const struct pattern *x, size_t i, const char *p,
		   struct spelling out[SPELLING_MAX + 1])
{
	struct spelling all[SPELLING_MAX + 1];
	size_t n_all = spelling_is_escape(*p) ? spelling_read(p, all) : 0, n = 0;

	all[n_all++] = (struct spelling){.bytes = {*p}, .n_bytes = 1, .length = 1};
	for (size_t k = 0; k < n_all; k++)
		if (meant(x, i, &all[k]) != 0)
			out[n++] = all[k];
	return n;
}

/* The end of what spells the pattern from i on; NULL = something else is there. */
static const char *spelled_from(struct walk *w, size_t i, const char *p)
{
	const struct pattern *x = w->x;

	while (i < x->len) {
		struct spelling way[SPELLING_MAX + 1];
		size_t n, k = 0;

		if (*p == x->text[i] && !spelling_is_escape(*p)) {
			p++;
			i++;
			continue;
		}
		if (w->is_cut && i > 0 && (*p == '\0' || spelling_is_begun(p)))
			return p + strlen(p);
		if (*p == '\0')
			return NULL;
		n = ways(x, i, p, way);
		if (n == 0)
			return NULL;
		if (*w->n_left == 0)
			return p + strnlen(p, x->len - i);
		--*w->n_left;
		w->depth++;
		for (; k + 1 < n && w->depth < MAX_DEPTH; k++) {
			const char *end = spelled_from(w, i + way[k].n_bytes, p + way[k].length);

			if (end != NULL)
				return end;
		}
		w->depth--;
		i += way[k].n_bytes;
		p += way[k].length;
	}
	return p;
}

/* The byte that two digits stand for, -1 = they are none. */
static int hex_byte(const char *p)
{
	int high = spelling_hex(p[0]), low = high < 0 ? -1 : spelling_hex(p[1]);

	return low < 0 ? -1 : high * 16 + low;
}

/* The same in hex. */
static size_t spelled_in_hex(const char *text, const struct pattern *x, bool is_cut)
{
	if (x->is_base64 || x->len < MIN_HEX)
		return 0;
	for (size_t i = 0; i < x->len; i++) {
		const char *p = text + 2 * i;

		if (is_cut && i > 1 && (*p == '\0' || (spelling_hex(*p) >= 0 && p[1] == '\0')))
			return strlen(text);
		if (hex_byte(p) != (unsigned char)x->text[i])
			return 0;
	}
	return 2 * x->len;
}

/* A text and what is to be masked of it. */
struct marks {
	struct arena *arena;
	const char *s;
	size_t n;
	bool is_cut;	 /* see struct walk */
	size_t n_left;	 /* the same */
	bool *is_masked; /* one a byte of the text; NULL until the first match */
};

/* n bytes at i spell x. */
static void mark(struct marks *m, size_t i, size_t n, const struct pattern *x)
{
	size_t from = i, to = i + n;

	if (n == 0)
		return;
	if (x->before != 0 && from > 0 && is_base64(m->s[from - 1]))
		from--;
	if (x->after != 0 && is_base64(m->s[to]))
		to++;
	if (m->is_masked == NULL)
		m->is_masked = arena_alloc(m->arena, m->n);
	memset(m->is_masked + from, true, to - from);
}

/* What is spelled at i of the patterns that begin with a byte. */
static void mark_begun(const struct redactor *r, struct marks *m, size_t i, char first)
{
	for (const struct pattern *x = r->begun[(unsigned char)first]; x != NULL;
	     x = x->next_begun) {
		struct walk w = {.x = x, .is_cut = m->is_cut, .n_left = &m->n_left};
		const char *end = spelled_from(&w, 0, m->s + i);

		if (end != NULL)
			mark(m, i, (size_t)(end - m->s) - i, x);
	}
}

static void mark_at(const struct redactor *r, struct marks *m, size_t i)
{
	static const char aliases[] = "+-_ ", meant_by[] = " +/\n"; /* see alias_of() */
	const char *s = m->s + i, *alias = strchr(aliases, *s);
	struct spelling all[SPELLING_MAX];
	size_t n = spelling_is_escape(*s) ? spelling_read(s, all) : 0;
	int hex = hex_byte(s);

	mark_begun(r, m, i, *s);
	if (alias != NULL)
		mark_begun(r, m, i, meant_by[alias - aliases]);
	for (size_t k = 0; k < n; k++)
		if (all[k].bytes[0] != *s && (k == 0 || all[k].bytes[0] != all[k - 1].bytes[0]))
			mark_begun(r, m, i, all[k].bytes[0]);
	if (hex < 0)
		return;
	for (const struct pattern *x = r->begun[hex]; x != NULL; x = x->next_begun)
		mark(m, i, spelled_in_hex(s, x, m->is_cut), x);
}

static const char *redact(const struct redactor *r, struct arena *a, const char *s, bool is_cut)
{
	struct marks m = {.arena = a, .s = s, .is_cut = is_cut};
	char *out, *p;

	if (s == NULL || r == NULL || redactor_is_empty(r))
		return s;
	m.n = strlen(s);
	m.n_left = WORK * m.n + MIN_WORK;
	for (size_t i = 0; i < m.n; i++)
		if (r->starts[(unsigned char)s[i]])
			mark_at(r, &m, i);
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

/* A message that was too long was cut before anybody could mask it. */
const char *redact_text(const struct redactor *r, struct arena *a, const char *s)
{
	const char *before, *masked;

	if (s == NULL || r == NULL || redactor_is_empty(r) || !str_ends(s, ERR_ELLIPSIS))
		return redact(r, a, s, false);
	before = arena_strndup(a, s, strlen(s) - strlen(ERR_ELLIPSIS));
	masked = redact(r, a, before, true);
	return masked == before ? s : arena_printf(a, "%s" ERR_ELLIPSIS, masked);
}

const char *redact_cut(const struct redactor *r, struct arena *a, const char *s)
{
	return redact(r, a, s, true);
}

const char *redact_head(const struct redactor *r, struct arena *a, const char *s, size_t n,
			size_t most)
{
	return redact(r, a, arena_strndup(a, s, utf8_fit(s, n, most)), n > most);
}

void redact_show(const struct redactor *r, struct arena *a, const char *s, size_t n, size_t most,
		 struct buf *out)
{
	while (n > 0 && most > 0) {
		size_t k = strnlen(s, n);
		const char *shown = redact_head(r, a, s, k, most);

		str_escape(out, shown, strlen(shown));
		if (k == n || k >= most)
			break;
		str_escape(out, "", 1);
		s += k + 1;
		n -= k + 1;
		most -= k + 1;
	}
}
