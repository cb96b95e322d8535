/*
 * migrations_names: from files to migrations, and the little that is read of other languages.
 *
 * Python is read for assignments of literals at the beginning of a line, which is what the tools'
 * own templates write; anything computed is not understood, and said by whoever needed it.
 */
#include "audits/migrations.h"

#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/base/str.h"
#include "runner/model/kind.h"

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_word(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

bool migrations_is_digits(const char *s)
{
	return *s && s[strspn(s, "0123456789")] == '\0';
}

bool migrations_is_true(const char *cell)
{
	return cell && (*cell == 't' || *cell == 'T' || *cell == 'y' || *cell == 'Y' ||
			(is_digit(*cell) && strcmp(cell, "0") != 0));
}

const char *migrations_number(struct arena *a, const char *digits, size_t n)
{
	while (n > 1 && *digits == '0') {
		digits++;
		n--;
	}
	return arena_strndup(a, digits, n);
}

int migrations_order_number(const char *a, const char *b)
{
	size_t n = strlen(a), m = strlen(b);

	if (n != m)
		return n < m ? -1 : 1;
	return strcmp(a, b);
}

int migrations_order_text(const char *a, const char *b)
{
	return strcmp(a, b);
}

int migrations_order_dotted(const char *a, const char *b)
{
	while (*a || *b) {
		size_t n = strcspn(a, "."), m = strcspn(b, ".");

		if (n != m)
			return n < m ? -1 : 1;
		int order = strncmp(a, b, n);

		if (order)
			return order;
		a += n + (a[n] == '.');
		b += m + (b[m] == '.');
	}
	return 0;
}

struct migration *migrations_add(struct world *w, const struct migration *m)
{
	w->migrations = migrations_grow(w, w->migrations, w->n_migrations, sizeof(*m));
	struct migration *slot = &w->migrations[w->n_migrations++];

	*slot = *m;
	return slot;
}

/* The suffix of the list that ends the name, as a length; 0 = none. */
static size_t suffix_of(const char *name, const char *list)
{
	size_t longest = 0, n = strlen(name);

	for (const char *s = list; s && *s;) {
		size_t n_suffix = strcspn(s, " ");

		if (n > n_suffix && n_suffix > longest &&
		    memcmp(name + n - n_suffix, s, n_suffix) == 0)
			longest = n_suffix;
		s += n_suffix + strspn(s + n_suffix, " ");
	}
	return longest;
}

/* The component before the last of a path that has one. */
static const char *folder_of(struct arena *a, const struct migration_file *f)
{
	size_t n = (size_t)(f->base - f->path) - 1;
	size_t start = n;

	while (start > 0 && f->path[start - 1] != '/')
		start--;
	return arena_strndup(a, f->path + start, n - start);
}

/* Does the name fit, and what migration is it then? */
static bool parse_name(struct world *w, const struct migration_file *f, struct migration *m)
{
	const struct naming *g = &w->framework->naming;
	bool is_folder = g->key == NAMING_FOLDER;
	size_t n_digits, suffix;
	const char *name;

	if (!g->suffixes || f->depth < g->depth_min || f->depth > g->depth_max)
		return false;
	if (is_folder && strcmp(f->base, g->suffixes) != 0)
		return false;
	suffix = is_folder ? 0 : suffix_of(f->base, g->suffixes);
	if ((!is_folder && suffix == 0) || suffix_of(f->base, g->except) > 0)
		return false;
	name = is_folder ? folder_of(w->arena, f) : f->base;
	n_digits = strspn(name, "0123456789");
	if (n_digits < (size_t)g->min_digits ||
	    (g->after && (name[n_digits] == '\0' || !strchr(g->after, name[n_digits]))))
		return false;

	const char *key = name;

	if (g->key == NAMING_VERSION)
		key = migrations_number(w->arena, name, n_digits);
	else if (g->key == NAMING_STEM)
		key = arena_strndup(w->arena, name, strlen(name) - suffix);
	*m = (struct migration){
		.key = key,
		.version = key,
		.name = is_folder ? name : f->base,
		.file = f,
	};
	return true;
}

static int files_by_name(struct world *w)
{
	for (size_t i = 0; i < w->n_files; i++) {
		struct migration m;

		if (parse_name(w, &w->files[i], &m) &&
		    (!w->framework->adjust || w->framework->adjust(w, &m)))
			migrations_add(w, &m);
	}
	return 0;
}

const struct migration_file *migrations_find_file(const struct world *w, const char *dir,
						  const char *path)
{
	for (size_t i = 0; i < w->n_files; i++)
		if (strcmp(w->files[i].path, path) == 0 && strcmp(w->files[i].dir, dir) == 0)
			return &w->files[i];
	return NULL;
}

const struct migration_file *migrations_find_base(const struct world *w, const char *base)
{
	for (size_t i = 0; i < w->n_files; i++)
		if (strcmp(w->files[i].base, base) == 0)
			return &w->files[i];
	return NULL;
}

int migrations_of_files(struct world *w, struct err *e)
{
	w->n_migrations = 0;
	if ((w->framework->files ? w->framework->files(w, e) : files_by_name(w)) != 0)
		return -1;
	return migrations_check_size(w, e);
}

/* Behind the `=` of `word = ...` or `word: annotation = ...`; NULL when it is none. */
static const char *behind_assignment(const char *s, size_t n_word)
{
	s += n_word;
	s += strspn(s, " \t");
	if (*s == ':')
		s += strcspn(s, "=\n");
	return *s == '=' && s[1] != '=' ? s + 1 : NULL;
}

/* The literal of the first assignment to word, at the beginning of a line or indented. */
static const char *find_assignment(const char *text, const char *word)
{
	size_t n = strlen(word);

	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';

		const char *s = line + strspn(line, " \t");
		if (strncmp(s, word, n) == 0 && !is_word(s[n])) {
			const char *value = behind_assignment(s, n);

			if (value)
				return value;
		}
	}
	return NULL;
}

/* The end of the string that begins at s, and its content. */
static const char *python_string(struct arena *a, const char *s, const char **out)
{
	char quote = *s++;
	const char *start = s;

	while (*s && *s != quote && *s != '\n')
		s += *s == '\\' && s[1] ? 2 : 1;
	*out = arena_strndup(a, start, (size_t)(s - start));
	return *s == quote ? s + 1 : s;
}

int migrations_python_strings(struct world *w, const char *text, const char *word,
			      const char ***out, size_t *n)
{
	const char *s = find_assignment(text, word);
	size_t cap = 0;
	int depth = 0;

	*out = NULL;
	*n = 0;
	if (!s)
		return -1;
	for (; *s && (depth > 0 || (*s != '\n' && *s != '#')); s++) {
		if (*s == '#')
			s += strcspn(s, "\n");
		depth += *s == '(' || *s == '[' || *s == '{';
		depth -= *s == ')' || *s == ']' || *s == '}';
		if (*s != '\'' && *s != '"') {
			if (*s == '\0')
				break;
			continue;
		}
		if (*n == cap) {
			size_t grown_cap = cap ? cap * 2 : 4;
			const char **grown = arena_array(w->arena, grown_cap, sizeof(*grown));

			if (*n > 0)
				memcpy(grown, *out, *n * sizeof(*grown));
			*out = grown;
			cap = grown_cap;
		}
		s = python_string(w->arena, s, &(*out)[(*n)++]) - 1;
	}
	return 0;
}

const char *migrations_word_after(struct arena *a, const char **text, const char *word)
{
	size_t n = strlen(word);

	for (const char *s = strstr(*text, word); s; s = strstr(s + 1, word)) {
		const char *name = s + n;
		size_t length = 0;

		if (s > *text && is_word(s[-1]))
			continue;
		while (is_word(name[length]) || name[length] == '\\')
			length++;
		if (length == 0)
			continue;
		*text = name + length;
		return arena_strndup(a, name, length);
	}
	return NULL;
}

bool migrations_take_name(const char *cell, struct applied *out)
{
	*out = (struct applied){.key = cell ? cell : "NULL"};
	if (!cell)
		out->state = APPLIED_UNKNOWN;
	return true;
}

bool migrations_take_first_name(struct world *w, cells c, struct applied *out)
{
	(void)w;
	return migrations_take_name(c[0], out);
}
