/*
 * migrations_liquibase: change sets, which are inside files: XML, YAML, JSON or formatted SQL.
 *
 * A change set is known by id, author and the path of its file as the tool was given it, which may
 * begin above or below the directory named here: paths agree when one ends with the other. Files
 * are searched for the few words that open a change set, not parsed; ids made by properties
 * (${...}) are compared as they stand. MD5SUM is that of the changes after parsing, with the tool's
 * own normalisation: it cannot be computed from the file, so edits are not seen.
 */
#include "audits/migrations.h"

#include <string.h>
#include <strings.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/base/str.h"

static const struct column_shape liquibase_columns[] = {
	{.name = "ID", .class = COLUMN_TEXT},
	{.name = "AUTHOR", .class = COLUMN_TEXT},
	{.name = "FILENAME", .class = COLUMN_TEXT},
	{.name = "EXECTYPE"},
	{.name = "ORDEREXECUTED", .class = COLUMN_INTEGER},
	{.name = "MD5SUM"},
	{.name = "DATEEXECUTED"},
	{.name = NULL},
};

static const char *skip(const char *s, const char *set)
{
	return s + strspn(s, set);
}

/* A quoted text or a bare word at s; NULL = none. */
static const char *value_at(struct arena *a, const char *s, const char *stop)
{
	s = skip(s, " \t");
	if (*s == '"' || *s == '\'') {
		const char *end = strchr(s + 1, *s);

		return end ? arena_strndup(a, s + 1, (size_t)(end - s) - 1) : NULL;
	}
	size_t n = strcspn(s, stop);

	while (n > 0 && (s[n - 1] == ' ' || s[n - 1] == '\t'))
		n--;
	return n > 0 ? arena_strndup(a, s, n) : NULL;
}

/* The value of `name` between s and end, written name="x", name: x or "name": "x". */
static const char *attribute(struct arena *a, const char *s, const char *end, const char *name)
{
	size_t n = strlen(name);

	for (; s < end; s++) {
		if (strncmp(s, name, n) != 0 || !strchr(" \t\r\n\"',{-", s[-1]))
			continue;

		const char *value = s + n;
		value += *value == '"' || *value == '\'';
		value = skip(value, " \t\r\n");
		if (*value == '=' || *value == ':')
			return value_at(a, value + 1, "\r\n,}");
	}
	return NULL;
}

struct changelog {
	struct world *world;
	const struct migration_file *file;
	const char *text;    /* of it */
	const char *logical; /* logicalFilePath of the whole file */
};

static void add_change_set(struct changelog *c, const char *id, const char *author,
			   const char *logical)
{
	struct arena *a = c->world->arena;
	const char *path = logical ? logical : c->logical ? c->logical : c->file->path;

	if (!id || !author)
		return;
	const char *tail = arena_printf(a, "::%s::%s", id, author);
	struct migration m = {.body = tail, .file = c->file};

	m.key = m.version = arena_printf(a, "%s%s", path, tail);
	m.name = m.key;
	migrations_add(c->world, &m);
}

/* "--changeset author:id attributes", also "-- changeset". */
static void read_sql(struct changelog *c)
{
	struct arena *a = c->world->arena;

	for (const char *line = c->text; line; line = strchr(line, '\n')) {
		line += *line == '\n';

		const char *end = line + strcspn(line, "\n");
		if (strncmp(line, "--", 2) != 0)
			continue;
		const char *word = skip(line + 2, " \t");
		if (strncasecmp(word, "liquibase formatted sql", 23) == 0)
			c->logical = attribute(a, word, end, "logicalFilePath");
		if (strncasecmp(word, "changeset", 9) != 0)
			continue;
		const char *author = skip(word + 9, " \t");
		const char *colon = memchr(author, ':', (size_t)(end - author));

		if (colon)
			add_change_set(c, value_at(a, colon + 1, " \t\r\n"),
				       arena_strndup(a, author, (size_t)(colon - author)),
				       attribute(a, colon, end, "logicalFilePath"));
	}
}

/* A change set begins at the word and its attributes end with it: ">" in XML, the next list of
 * changes in YAML and JSON. */
static void read_marked(struct changelog *c, const char *begin, const char *stop)
{
	struct arena *a = c->world->arena;
	const char *first = strstr(c->text, begin);

	if (first)
		c->logical = attribute(a, c->text + 1, first, "logicalFilePath");
	for (const char *s = first; s; s = strstr(s, begin)) {
		s += strlen(begin);

		const char *next = strstr(s, begin), *end = strstr(s, stop);
		if (!end || (next && next < end))
			end = next ? next : s + strlen(s);
		add_change_set(c, attribute(a, s, end, "id"), attribute(a, s, end, "author"),
			       attribute(a, s, end, "logicalFilePath"));
	}
}

static int liquibase_files(struct world *w, struct err *e)
{
	for (size_t i = 0; i < w->n_files; i++) {
		struct changelog c = {.world = w, .file = &w->files[i]};
		const char *base = c.file->base;
		size_t size;
		bool is_yaml = str_ends(base, ".yaml") || str_ends(base, ".yml");

		if (!is_yaml && !str_ends(base, ".sql") && !str_ends(base, ".xml") &&
		    !str_ends(base, ".json"))
			continue;
		if (migrations_read(w, c.file, &c.text, &size, e) != 0)
			return -1;
		if (str_ends(base, ".xml"))
			c.text = migrations_code(w->scratch, c.text, SOURCE_XML);
		else if (is_yaml)
			c.text = migrations_code(w->scratch, c.text, SOURCE_YAML);
		if (str_ends(base, ".sql"))
			read_sql(&c);
		else if (str_ends(base, ".xml"))
			read_marked(&c, "<changeSet", ">");
		else if (is_yaml)
			read_marked(&c, "changeSet:", "changes:");
		else
			read_marked(&c, "\"changeSet\"", "\"changes\"");
		migrations_end_scratch(w);
	}
	return 0;
}

/* Does a end with b, at a component? */
static bool ends_with_path(const char *a, const char *b)
{
	size_t n = strlen(a), m = strlen(b);

	return n >= m && strcmp(a + n - m, b) == 0 && (n == m || a[n - m - 1] == '/');
}

/* Chains the migrations of one id and author, the last of which is found by both. */
static void index_tails(struct world *w)
{
	for (size_t i = 0; i < w->n_migrations; i++) {
		struct migration *m = &w->migrations[i];
		size_t *last = map_get(&w->row_names, m->body);

		if (!last) {
			last = arena_alloc(w->arena, sizeof(*last));
			map_put(&w->row_names, m->body, last);
		}
		m->next = *last;
		*last = i + 1;
	}
}

/* How well a file's path goes with a row's; 0 = not at all. The closer in length, the better. */
static size_t likeness(const char *path, const char *filename)
{
	size_t n = strlen(path), m = strlen(filename);

	if (!ends_with_path(filename, path) && !ends_with_path(path, filename))
		return 0;
	return SIZE_MAX - (n > m ? n - m : m - n);
}

/* The path as the files have it, so that keys agree; the row's own when no file does. */
static const char *path_of(struct world *w, const char *filename, const char *tail)
{
	const char *bare = str_starts(filename, "classpath:") ? filename + 10 : filename;
	const char *best = bare;
	size_t best_likeness = 0;

	if (w->row_names.n == 0)
		index_tails(w);
	const size_t *last = map_get(&w->row_names, tail);

	for (size_t i = last ? *last : 0; i > 0; i = w->migrations[i - 1].next) {
		const char *key = w->migrations[i - 1].key;
		const char *path = arena_strndup(w->scratch, key, strlen(key) - strlen(tail));
		size_t found = likeness(path, bare);

		if (found <= best_likeness)
			continue;
		best = path;
		best_likeness = found;
	}
	return best;
}

static bool liquibase_take(struct world *w, cells c, struct applied *out)
{
	const char *tail =
		arena_printf(w->scratch, "::%s::%s", c[0] ? c[0] : "NULL", c[1] ? c[1] : "NULL");
	const char *type = c[3] ? c[3] : "NULL";

	*out = (struct applied){
		.key = arena_printf(w->scratch, "%s%s", path_of(w, c[2] ? c[2] : "NULL", tail),
				    tail),
		.name = arena_printf(w->scratch, "%s%s", c[2] ? c[2] : "NULL", tail),
	};
	if (strcmp(type, "FAILED") == 0) {
		out->state = APPLIED_FAILED;
	} else if (strcmp(type, "EXECUTED") != 0 && strcmp(type, "RERAN") != 0 &&
		   strcmp(type, "MARK_RAN") != 0 && strcmp(type, "SKIPPED") != 0) {
		out->state = APPLIED_UNKNOWN;
		out->remark = arena_printf(w->scratch, "EXECTYPE is %s", type);
	}
	return true;
}

/* It undoes changes it knows by itself; SQL somebody wrote only with a rollback beside it. */
static bool liquibase_has_down(const char *text)
{
	bool is_sql = strstr(text, "liquibase formatted sql") || strstr(text, "<sql") ||
		      strstr(text, "sql:");

	return !is_sql || strstr(text, "rollback");
}

const struct framework migrations_liquibase = {
	.name = "liquibase",
	.title = "Liquibase",
	.tables = "DATABASECHANGELOG databasechangelog",
	.columns = liquibase_columns,
	.lock_suffix = "LOCK",
	.lock_column = "LOCKED",
	.order_by = "ORDEREXECUTED",
	.files = liquibase_files,
	.take = liquibase_take,
	.has_down = liquibase_has_down,
	.knows = KNOWS(FOUND_PENDING) | KNOWS(FOUND_MISSING) | KNOWS(FOUND_FAILED) |
		 KNOWS(FOUND_UNKNOWN) | KNOWS(FOUND_DUPLICATE),
	.apply = "liquibase update",
	.repair = "mend the database, then liquibase update, or release-locks when none runs",
	.compares =
		"change sets by id, author and path in .xml, .yaml, .json and formatted .sql; the "
		"lock; "
		"MD5SUM is of the parsed changes and cannot be computed from the file, so an "
		"edited one is not seen; change sets run in any order",
};
