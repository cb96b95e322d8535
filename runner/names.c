/*
 * A list is cut where it fills a few lines: it is to remind somebody of a name, not to be read.
 */
#include "runner/names.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "runner/base/err.h"
#include "runner/base/str.h"

#define MAX_LIST 400 /* bytes */

static bool is_part(const char *name, const char *word)
{
	size_t n = strlen(word), length = strlen(name);

	if (length <= n + 1)
		return false;
	return (str_starts(name, word) && name[n] == '/') ||
	       (str_ends(name, word) && name[length - n - 1] == '/');
}

/* Those that part is part of, NULL = all; each once, though they are several times in a row. */
static size_t list(const char *const *names, size_t n, const char *part, char out[MAX_LIST])
{
	const char *last = NULL;
	size_t used = 0, n_listed = 0;

	*out = '\0';
	for (size_t i = 0; i < n; i++) {
		if ((part && !is_part(names[i], part)) || str_equal(names[i], last))
			continue;
		if (used + strlen(names[i]) + sizeof(", ...") > MAX_LIST) {
			(void)snprintf(out + used, MAX_LIST - used, ", ...");
			break;
		}
		used += (size_t)snprintf(out + used, MAX_LIST - used, "%s%s",
					 n_listed++ > 0 ? ", " : "", names[i]);
		last = names[i];
	}
	return n_listed;
}

int names_help(const char *what, const char *const *names, size_t n, const char *word,
	       struct err *e)
{
	char text[MAX_LIST];
	int best = word ? str_closest(word, names, n) : -1;

	if (best >= 0)
		return err_help(e, "did you mean %s?", names[best]);
	if (word && list(names, n, word, text) > 0)
		return err_help(e, "did you mean %s?", text);
	if (list(names, n, NULL, text) > 0)
		return err_help(e, "%s there are: %s", what, text);
	return err_help(e, "there are no %s", what);
}
