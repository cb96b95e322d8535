/*
 * "Did you mean": optimal string alignment distance (insertion, deletion, substitution, and a swap
 * of two neighbours, each 1) with three rows on the stack. Words are keys and names: what is longer
 * than 64 bytes is nobody's slip of the finger and gets no suggestion.
 */
#include "runner/base/str.h"

#include <string.h>

#define MAX_WORD 64

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

static size_t distance(const char *a, size_t n, const char *b, size_t m)
{
	size_t rows[3][MAX_WORD + 1];

	for (size_t j = 0; j <= m; j++)
		rows[0][j] = j;
	for (size_t i = 1; i <= n; i++) {
		size_t *row = rows[i % 3];
		const size_t *above = rows[(i + 2) % 3];
		const size_t *before = rows[(i + 1) % 3]; /* two rows up */

		row[0] = i;
		for (size_t j = 1; j <= m; j++) {
			row[j] = least(above[j], row[j - 1]) + 1;
			row[j] = least(row[j], above[j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				row[j] = least(row[j], before[j - 2] + 1);
		}
	}
	return rows[n % 3][m];
}

int str_closest(const char *word, const char *const *candidates, size_t n)
{
	size_t length = strlen(word);
	size_t best = length / 3 > 1 ? length / 3 : 1;
	int found = -1;

	if (length == 0 || length > MAX_WORD)
		return -1;
	for (size_t i = 0; i < n; i++) {
		size_t m = strlen(candidates[i]), d;

		if (m > MAX_WORD)
			continue;
		d = distance(word, length, candidates[i], m);
		if (d < best || (d == best && found < 0)) {
			best = d;
			found = (int)i;
		}
	}
	return found;
}
