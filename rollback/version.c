/*
 * version: which of two tag names is the newer release.
 *
 * The order of `git -c versionsort.suffix=- tag --sort=version:refname`, extended to the spelling
 * of pre-releases that has no dash. Names are compared piece by piece: runs of digits as numbers of
 * any length, everything else byte by byte. Where one name ends, what the other goes on with
 * decides: a pre-release mark makes it the older one (v1.2.0-rc1 before v1.2.0), anything else the
 * newer (v1.2.0 before v1.2.0.1). Marks are `~`, `-`, and after a digit the words alpha, beta, rc,
 * pre, preview, dev, snapshot, or a and b followed by a digit; so 1.1.1 stays before 1.1.1a
 * (OpenSSL). Equal by these rules (v1.0 and v1.00) are ordered bytewise, so that the order is
 * total.
 */
#include "rollback/room.h"

#include <string.h>

#include "runner/base/str.h"

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool starts_with_word(const char *s, const char *word)
{
	for (; *word; s++, word++)
		if (lower(*s) != *word)
			return false;
	return !(lower(*s) >= 'a' && lower(*s) <= 'z');
}

/* Is s, behind a digit, a word that marks a pre-release? */
static bool is_prerelease_word(const char *s)
{
	static const char *const words[] = {"alpha", "beta",	"rc",	   "pre",
					    "dev",   "preview", "snapshot"};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (starts_with_word(s, words[i]))
			return true;
	return (lower(*s) == 'a' || lower(*s) == 'b') && is_digit(s[1]);
}

enum { RANK_DASH, RANK_WORD, RANK_END, RANK_MORE };

/* Place of what s goes on with, among all that could stand here. */
static int rank(const char *begin, const char *s)
{
	if (*s == '-')
		return RANK_DASH;
	if (s > begin && is_digit(s[-1]) && is_prerelease_word(*s == '.' ? s + 1 : s))
		return RANK_WORD;
	return *s == '\0' ? RANK_END : RANK_MORE;
}

/* Compares the runs of digits at *a and *b and moves both behind them. */
static int compare_numbers(const char **a, const char **b)
{
	while (**a == '0' && is_digit((*a)[1]))
		(*a)++;
	while (**b == '0' && is_digit((*b)[1]))
		(*b)++;

	size_t n = strspn(*a, "0123456789"), m = strspn(*b, "0123456789");
	int order = n != m ? (n < m ? -1 : 1) : memcmp(*a, *b, n);

	*a += n;
	*b += m;
	return order;
}

int version_compare(const char *a, const char *b)
{
	const char *p = a, *q = b;

	for (;;) {
		int left = rank(a, p), right = rank(b, q), order;

		if (left != right)
			return left - right;
		if (left == RANK_END)
			return strcmp(a, b);
		if (is_digit(*p) && is_digit(*q)) {
			order = compare_numbers(&p, &q);
			if (order != 0)
				return order;
			continue;
		}
		if (*p != *q)
			return (unsigned char)*p < (unsigned char)*q ? -1 : 1;
		p++;
		q++;
	}
}
