/*
 * secrets_scan: a window that slides over the content, lines for own patterns, text in UTF-16.
 * What a secret looks like is said in secrets_rules.c.
 */
#include "audits/secrets_scan.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audits/secrets_rules.h"
#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/base/str.h"
#include "runner/base/utf16.h"
#include "runner/base/utf8.h"
#include "runner/io/digest.h"
#include "runner/model/pattern.h"

#define MAX_LINE     65536
#define LINE_OVERLAP 1024
#define WIDE_PIECE   4096

/* Files that hold secrets by what they are called, below any folder. */
static const char *const secret_names[] = {
	".env",	    ".netrc",	  "_netrc", ".git-credentials", ".pgpass", "id_rsa",
	"id_ecdsa", "id_ed25519", "id_dsa", ".htpasswd",	"*.p12",   "*.pfx",
	"*.kdbx",   "*.jks",	  "*.ppk",
};

/* --- what is told --- */

static void tell(struct secret_scan *s, const char *rule, const unsigned char *p, size_t n,
		 int64_t line)
{
	unsigned char digest[SHA256_BYTES];
	char hex[SHA256_HEX];
	struct buf shown;

	sha256_of(p, n, digest);
	sha256_hex(digest, hex);
	hex[SECRET_FINGERPRINT - 1] = '\0';
	buf_init(&shown, BUF_UNBOUNDED); /* four characters and a number */
	str_escape(&shown, (const char *)p, n < 16 ? 0 : 4);
	(void)buf_printf(&shown, "\xE2\x80\xA6 (%zu characters)", n);

	struct secret_finding f = {
		.rule = rule, .shown = shown.data, .fingerprint = hex, .line = line};
	s->found(s->context, &f);
	buf_release(&shown);
}

static void judge_name(struct secret_scan *s, const char *name)
{
	const char *slash = strrchr(name, '/');
	const char *base = slash ? slash + 1 : name;
	char shown[64];

	for (size_t i = 0; i < sizeof(secret_names) / sizeof(secret_names[0]); i++) {
		if (!str_glob(secret_names[i], base))
			continue;
		(void)snprintf(shown, sizeof(shown), "is called %s", secret_names[i]);

		struct secret_finding f = {
			.rule = "file of secrets", .shown = shown, .fingerprint = ""};
		s->found(s->context, &f);
		return;
	}
}

/* --- the window --- */

void secret_scan_init(struct secret_scan *s)
{
	s->window = xmalloc(2 * SECRET_WINDOW + 1);
	buf_init(&s->text, MAX_LINE);
	buf_init(&s->narrowed, 2 * WIDE_PIECE);
	s->wide = NULL;
}

void secret_scan_release(struct secret_scan *s)
{
	free(s->window);
	buf_release(&s->text);
	if (s->wide)
		secret_scan_release(s->wide);
	free(s->wide);
	buf_release(&s->narrowed);
}

static void begin_content(struct secret_scan *s)
{
	/* Nothing is in front of a file: a byte that is part of no word. */
	s->window[0] = '\n';
	s->len = s->next = 1;
	s->line = s->pattern_line = 1;
	buf_reset(&s->text);
	s->n_head = 0;
	s->is_wide = s->is_behind_cr = false;
}

void secret_scan_begin(struct secret_scan *s, const char *name)
{
	begin_content(s);
	judge_name(s, name);
}

static void try_rules(struct secret_scan *s, size_t at)
{
	const struct secret_sight sight = {s->window + at, s->len - at};
	const char *name;
	size_t n = secrets_rule_find(&sight, &name);

	if (n > 0)
		tell(s, name, sight.p, n, s->line);
}

/* Looks at everything that has enough behind it. */
static void look(struct secret_scan *s, bool is_end)
{
	size_t end = is_end ? s->len : s->len > SECRET_WINDOW ? s->len - SECRET_WINDOW : 0;

	for (; s->next < end; s->next++) {
		unsigned char c = s->window[s->next];

		if (c == '\n')
			s->line++;
		else if (secrets_rule_begins(c))
			try_rules(s, s->next);
	}
	if (s->next < 2)
		return;

	size_t keep = s->len - (s->next - 1);
	memmove(s->window, s->window + s->next - 1, keep);
	s->len = keep;
	s->next = 1;
}

/* --- own patterns --- */

static int search_line(struct secret_scan *s, struct err *e)
{
	for (size_t i = 0; i < s->text.len;) {
		uint32_t c;
		size_t n = utf8_decode(s->text.data + i, s->text.len - i, &c);

		if (n == 0)
			s->text.data[i] = '?';
		i += n == 0 ? 1 : n;
	}
	for (size_t i = 0; i < s->n_patterns; i++) {
		int rc = pattern_search_line(s->patterns[i].pattern, s->text.data, s->text.len, e);

		if (rc < 0)
			return err_context(e, "line %lld", (long long)s->pattern_line);
		if (rc > 0) {
			struct secret_finding f = {.rule = s->patterns[i].name,
						   .shown = "the line matches",
						   .fingerprint = "",
						   .line = s->pattern_line};
			s->found(s->context, &f);
		}
	}
	return 0;
}

/* Lines end with LF, CR LF or CR, and are numbered by LF. */
static int add_lines(struct secret_scan *s, const char *p, size_t n, struct err *e)
{
	struct str_line_ends ends = {0};

	while (n > 0) {
		const char *stop = str_line_end(&ends, p, p + n);
		bool is_ended = stop < p + n, is_lf = is_ended && *stop == '\n';
		size_t part = (size_t)(stop - p) + (is_ended && !is_lf);
		bool is_cut = part > MAX_LINE - s->text.len;

		if (is_cut)
			part = MAX_LINE - s->text.len;
		if (buf_add(&s->text, p, part) < 0) /* cannot be: it was cut to fit */
			return err_set(e, ERR_MEASURE, "a line is too long");
		p += part;
		n -= part;
		if (!is_cut && !is_ended)
			return 0;
		/* between CR and LF there is no line */
		if ((s->text.len > 0 || !s->is_behind_cr) && search_line(s, e) < 0)
			return -1;
		if (is_cut) {
			/* What lies across the cut is seen with the next piece. */
			memmove(s->text.data, s->text.data + s->text.len - LINE_OVERLAP,
				LINE_OVERLAP);
			s->text.len = LINE_OVERLAP;
			continue;
		}
		buf_reset(&s->text);
		s->is_behind_cr = !is_lf;
		s->pattern_line += is_lf;
		p += is_lf;
		n -= is_lf;
	}
	return 0;
}

/* --- text in UTF-16 --- */

/* A second scan, of the content as UTF-8: the mark may be one by chance, so the first goes on. */
static void begin_wide(struct secret_scan *s, bool is_big_endian)
{
	if (!s->wide) {
		s->wide = xmalloc(sizeof(*s->wide));
		*s->wide = (struct secret_scan){.patterns = s->patterns,
						.n_patterns = s->n_patterns,
						.context = s->context,
						.found = s->found};
		secret_scan_init(s->wide);
	}
	s->is_wide = true;
	s->utf16 = (struct utf16){.is_big_endian = is_big_endian};
	begin_content(s->wide);
	s->wide->n_head = UTF16_BOM_BYTES; /* it is no UTF-16 itself */
}

static int add_wide(struct secret_scan *s, const unsigned char *p, size_t n, struct err *e)
{
	bool is_big_endian;

	while (n > 0 && s->n_head < UTF16_BOM_BYTES) {
		s->head[s->n_head++] = *p++;
		n--;
		if (utf16_has_bom(s->head, s->n_head, &is_big_endian))
			begin_wide(s, is_big_endian);
	}
	while (s->is_wide && n > 0) {
		size_t part = n < WIDE_PIECE ? n : WIDE_PIECE;

		buf_reset(&s->narrowed);
		utf16_add(&s->utf16, p, part, &s->narrowed);
		if (secret_scan_add(s->wide, s->narrowed.data, s->narrowed.len, e) < 0)
			return -1;
		p += part;
		n -= part;
	}
	return 0;
}

int secret_scan_add(struct secret_scan *s, const void *p, size_t n, struct err *e)
{
	const char *from = p;

	if (add_wide(s, p, n, e) < 0)
		return -1;
	if (s->n_patterns > 0 && add_lines(s, p, n, e) < 0)
		return -1;
	while (n > 0) {
		size_t room = 2 * SECRET_WINDOW - s->len, part = n < room ? n : room;

		memcpy(s->window + s->len, from, part);
		s->len += part;
		from += part;
		n -= part;
		if (s->len == 2 * SECRET_WINDOW)
			look(s, false);
	}
	return 0;
}

int secret_scan_end(struct secret_scan *s, struct err *e)
{
	if (s->is_wide && secret_scan_end(s->wide, e) < 0)
		return -1;
	look(s, true);
	return s->text.len > 0 ? search_line(s, e) : 0;
}
