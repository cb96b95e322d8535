/*
 * An expectation that cannot be read, written as its author most likely meant it: `5` is a value to
 * be equal to, `=` is ==, and 1,000 is 1000. Only what then can be read is suggested.
 */
#include <ctype.h>
#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/str.h"
#include "runner/model/expect.h"

bool expect_is_separator(const char *s, size_t i)
{
	if (s[i] == '\0' || !strchr(",_' ", s[i]) || i == 0 || !isdigit((unsigned char)s[i - 1]))
		return false;
	for (size_t k = 1; k <= 3; k++)
		if (!isdigit((unsigned char)s[i + k]))
			return false;
	return !isdigit((unsigned char)s[i + 4]);
}

static const char *without_separators(struct arena *a, const char *text)
{
	struct buf b;
	const char *out;

	buf_init(&b, BUF_UNBOUNDED); /* the definition file is bounded already */
	for (size_t i = 0; text[i] != '\0'; i++)
		if (!expect_is_separator(text, i))
			(void)buf_putc(&b, text[i]); /* unbounded: cannot fail */
	out = arena_strndup(a, b.data, b.len);
	buf_release(&b);
	return out;
}

/* How other languages write a comparison. */
static const struct {
	const char *theirs, *ours;
} operators[] = {
	/* longer ones first */
	{"===", "=="},
	{"==", "=="},
	{"=>", ">="},
	{"=<", "<="},
	{"=", "=="},
	{"<>", "!="},
	{"\xE2\x89\xA5", ">="},
	{"\xE2\x89\xA4", "<="},
	{"\xE2\x89\xA0", "!="},
};

const char *expect_suggest(struct arena *a, const char *text)
{
	struct expectation x;
	struct pos nowhere = {0};
	const char *meant;

	text += strspn(text, " \t");
	meant = without_separators(a, text);
	if (isdigit((unsigned char)*meant) || (*meant != '\0' && strchr("-'\"", *meant))) {
		meant = arena_printf(a, "== %s", meant);
	} else {
		for (size_t i = 0; i < sizeof(operators) / sizeof(*operators); i++) {
			if (!str_starts(meant, operators[i].theirs))
				continue;
			meant += strlen(operators[i].theirs);
			meant += strspn(meant, " \t");
			meant = arena_printf(a, "%s %s", operators[i].ours, meant);
			break;
		}
	}
	/* With no place for the error there is none that would ask for a suggestion again. */
	return expect_parse(a, &meant, &nowhere, 1, &x, NULL) == 0 ? meant : NULL;
}

const char *expect_quoted(struct arena *a, const char *text)
{
	struct buf b;
	const char *out;

	if (!strpbrk(text, "\"\\"))
		return arena_printf(a, "\"%s\"", text);
	buf_init(&b, BUF_UNBOUNDED);
	(void)buf_putc(&b, '\'');
	for (; *text != '\0'; text++)
		(void)buf_printf(&b, *text == '\'' ? "%c'" : "%c", *text);
	(void)buf_putc(&b, '\'');
	out = arena_strndup(a, b.data, b.len);
	buf_release(&b);
	return out;
}
