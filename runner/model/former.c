/* former: the migrations that came since, and whether one speaks of something. */
#include "runner/model/former.h"

#include <string.h>
#include <strings.h>

#include "runner/base/arena.h"

struct former_migration *former_add(struct former *f)
{
	size_t n = f->n_migrations;

	if ((n & (n - 1)) == 0) { /* full: twice as large */
		struct former_migration *grown =
			arena_array(f->arena, n == 0 ? 1 : 2 * n, sizeof(*grown));

		if (n > 0)
			memcpy(grown, f->migrations, n * sizeof(*grown));
		f->migrations = grown;
	}
	return &f->migrations[f->n_migrations++];
}

static bool is_word_byte(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_';
}

size_t former_word(const char *s)
{
	size_t n = 0;

	while (is_word_byte(s[n]))
		n++;
	return n;
}

bool former_names(const struct former_migration *m, const char *word, size_t n)
{
	for (const char *p = m->text; *p; p++)
		if (strncasecmp(p, word, n) == 0 && (p == m->text || !is_word_byte(p[-1])) &&
		    !is_word_byte(p[n]))
			return true;
	return false;
}
