#include "audits/alike.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include "runner/io/json.h"

/* The first character of s, folded, as one byte, and how long it is; 0 = it folds to no ASCII. */
static char folded(const char *s, size_t *n)
{
	if (strncmp(s, "\xc5\xbf", 2) == 0) { /* LATIN SMALL LETTER LONG S */
		*n = 2;
		return 's';
	}
	if (strncmp(s, "\xe2\x84\xaa", 3) == 0) { /* KELVIN SIGN */
		*n = 3;
		return 'k';
	}
	*n = 1;
	return (unsigned char)*s < 0x80 ? (char)tolower((unsigned char)*s) : '\0';
}

static bool folds_to(const char *s, const char *known)
{
	while (*s != '\0' && *known != '\0') {
		size_t n;

		if (folded(s, &n) != tolower((unsigned char)*known))
			return false;
		s += n;
		known++;
	}
	return *s == *known;
}

const char *alike_member(struct json_t *object, const char *const *known, const char **as)
{
	struct json_t *value;
	const char *name;
	void *at = NULL;

	while (json_member_next(object, &at, &name, &value))
		for (size_t i = 0; known[i] != NULL; i++)
			if (strcmp(name, known[i]) != 0 && folds_to(name, known[i])) {
				*as = known[i];
				return name;
			}
	return NULL;
}
