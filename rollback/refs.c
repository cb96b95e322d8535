/*
 * refs: would git itself read the file of packed references?
 *
 * libgit2 finds a tag in a file that git refuses altogether, and in one that claims to be sorted
 * and is not, where git, which halves it, does not find it. The tag's objects can then be whole and
 * git still not go back to it: unproven, with the command that leaves that file behind.
 *
 * Source: git's refs/packed-backend.c: the header, a line a reference, a line of what a tag leads
 * to.
 */
#include "rollback/room.h"

#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/str.h"
#include "runner/io/file.h"

#define MAX_BYTES ((size_t)64 << 20) /* a million references; of a longer one nothing is said */
#define HEADER	  "# pack-refs with:"

static bool is_hex(const char *text, size_t n)
{
	return n >= GIT_OID_HEXSZ && strspn(text, "0123456789abcdef") >= GIT_OID_HEXSZ;
}

/* A line's reference, NULL when it has none; *fault says what git would not take. */
static const char *parse_line(const char *line, bool is_first, const char **fault)
{
	size_t n = strlen(line);

	*fault = NULL;
	if (*line == '#' && is_first)
		*fault = str_starts(line, HEADER) ? NULL : "is no header that git knows";
	else if (*line == '^')
		*fault = n == 1 + GIT_OID_HEXSZ && is_hex(line + 1, n - 1)
				 ? NULL
				 : "names no object that a tag leads to";
	else if (!is_hex(line, n) || line[GIT_OID_HEXSZ] != ' ' ||
		 !str_starts(line + GIT_OID_HEXSZ + 1, "refs/"))
		*fault = "is no reference";
	else
		return line + GIT_OID_HEXSZ + 1;
	return NULL;
}

static const char *find_fault(char *text, size_t n, size_t *at)
{
	const char *before = NULL, *fault = NULL;
	bool is_sorted = false;

	if (memchr(text, '\0', n))
		return "has a zero byte";
	if (n > 0 && text[n - 1] != '\n')
		return "does not end";
	for (char *line = text, *end; line < text + n && !fault; line = end + 1) {
		const char *name;

		end = strchr(line, '\n'); /* the text ends in one */
		*end = '\0';
		name = parse_line(line, *at == 0, &fault);
		(*at)++;
		if (*at == 1 && *line == '#')
			is_sorted = strstr(line, " sorted") != NULL;
		if (!name)
			continue;
		if (is_sorted && before && strcmp(before, name) >= 0)
			fault = "is out of the order that the file claims to have";
		before = name;
	}
	return fault;
}

int refs_prove(struct verification *v, struct step *s)
{
	const char *path = arena_printf(v->a, "%spacked-refs", git_repository_commondir(v->repo));
	const char *remedy = str_as_word(v->a, path), *fault = NULL;
	struct buf text;
	size_t at = 0;

	buf_init(&text, MAX_BYTES);
	if (file_read(path, &text, NULL) == 0 && text.len > 0)
		fault = find_fault(text.data, text.len, &at);
	buf_release(&text);
	if (!fault)
		return 0;
	remedy = arena_printf(v->a, "mv %s %s && git fetch %s 'refs/tags/*:refs/tags/*'", remedy,
			      str_as_word(v->a, arena_printf(v->a, "%s.damaged", path)),
			      v->source.remote ? str_as_word(v->a, v->source.remote)
					       : "<a complete clone>");
	if (at == 0)
		return step_find(s, OUTCOME_UNDECIDED, remedy, "git cannot read packed-refs: it %s",
				 fault);
	return step_find(s, OUTCOME_UNDECIDED, remedy, "git cannot read packed-refs: line %zu %s",
			 at, fault);
}
