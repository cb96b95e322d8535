/*
 * db_sqlite_values: two questions about one value, which SQL answers slowly on SQLite.
 *
 * assize_in(x, set): is the text of x one of the set? The set is a list of netstrings, "3:new,", of
 * which a statement makes a table once; IN (...) looks into a b-tree for each row, and CAST makes a
 * text of each integer.
 *
 * assize_length(x): characters of a text, bytes of a blob; a text with NUL, behind which SQLite
 * counts no further, is as long as its bytes.
 *
 * Source: https://sqlite.org/appfunc.html, https://cr.yp.to/proto/netstrings.txt.
 */
#include <stdlib.h>
#include <string.h>

#include "runner/base/arena.h"
#include "runner/io/db_sqlite.h"

/* "-9223372036854775808" */
#define INTEGER_BYTES 20

struct member {
	const char *text; /* NULL = free */
	size_t len;
};

/* Open addressing; at least half of the slots are free. */
struct set {
	char *source;
	size_t n_slots;
	struct member slots[];
};

/* ---- a set ---- */

/* FNV-1a. */
static size_t hash(const char *text, size_t len)
{
	uint32_t h = 2166136261u;

	for (size_t i = 0; i < len; i++)
		h = (h ^ (unsigned char)text[i]) * 16777619u;
	return h;
}

/* The slot of the text, or the free one where it belongs. */
static struct member *find(struct set *set, const char *text, size_t len)
{
	size_t i = hash(text, len) % set->n_slots;

	while (set->slots[i].text &&
	       (set->slots[i].len != len || memcmp(set->slots[i].text, text, len) != 0))
		i = (i + 1) % set->n_slots;
	return &set->slots[i];
}

static void set_free(void *ptr)
{
	struct set *set = ptr;

	free(set->source);
	free(set);
}

/* The next of a list, which moves on; false: at its end, or it is none. */
static bool next_netstring(const char **list, struct member *out)
{
	char *colon;
	unsigned long len = strtoul(*list, &colon, 10);

	if (colon == *list || *colon != ':' || len > strlen(colon + 1) || colon[1 + len] != ',')
		return false;
	*out = (struct member){colon + 1, len};
	*list = colon + 1 + len + 1;
	return true;
}

static struct set *set_new(const char *list)
{
	char *source = xstrdup(list);
	const char *rest = source;
	struct member m;
	size_t n = 0;

	while (next_netstring(&rest, &m))
		n++;
	size_t bytes = sizeof(struct set) + (2 * n + 1) * sizeof(struct member);
	struct set *set = xmalloc(bytes);

	memset(set, 0, bytes);
	set->source = source;
	set->n_slots = 2 * n + 1;
	for (rest = source; next_netstring(&rest, &m);)
		*find(set, m.text, m.len) = m;
	return set;
}

/* ---- functions ---- */

/* Written backwards; returns where it begins. */
static const char *write_integer(int64_t x, char *end)
{
	uint64_t rest = x < 0 ? 0 - (uint64_t)x : (uint64_t)x;

	do
		*--end = (char)('0' + rest % 10);
	while ((rest /= 10) > 0);
	if (x < 0)
		*--end = '-';
	return end;
}

static void on_in(sqlite3_context *ctx, int n_args, sqlite3_value **args)
{
	struct set *set = sqlite3_get_auxdata(ctx, 1);
	bool is_kept = set != NULL;
	char digits[INTEGER_BYTES];
	int type = sqlite3_value_type(args[0]);
	const char *text;
	size_t len;

	(void)n_args; /* registered with two */
	switch (type) {
	case SQLITE_NULL:
		return; /* NULL */
	case SQLITE_INTEGER:
		text = write_integer(sqlite3_value_int64(args[0]), digits + sizeof(digits));
		len = (size_t)(digits + sizeof(digits) - text);
		break;
	default:
		text = (const char *)sqlite3_value_text(args[0]);
		len = (size_t)sqlite3_value_bytes(args[0]);
		if (!text && type != SQLITE_BLOB)
			oom();
	}
	if (!text)
		text = ""; /* of an empty blob */
	if (!set) {
		const char *list = (const char *)sqlite3_value_text(args[1]);

		if (!list)
			oom();
		set = set_new(list);
	}
	sqlite3_result_int(ctx, find(set, text, len)->text != NULL);
	if (!is_kept) /* SQLite may free it at once: it is not touched again */
		sqlite3_set_auxdata(ctx, 1, set, set_free);
}

/* As SQLite counts: a byte of a sequence that nothing begins is a character. */
static size_t count_characters(const unsigned char *text, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len; n++) {
		bool is_long = text[i++] >= 0xc0;

		while (is_long && i < len && (text[i] & 0xc0) == 0x80)
			i++;
	}
	return n;
}

static void on_length(sqlite3_context *ctx, int n_args, sqlite3_value **args)
{
	(void)n_args; /* registered with one */
	int type = sqlite3_value_type(args[0]);

	if (type == SQLITE_NULL)
		return; /* NULL */
	if (type == SQLITE_BLOB) {
		sqlite3_result_int(ctx, sqlite3_value_bytes(args[0]));
		return;
	}
	const unsigned char *text = sqlite3_value_text(args[0]);
	int len = sqlite3_value_bytes(args[0]);

	if (!text)
		oom();
	if (memchr(text, '\0', (size_t)len))
		sqlite3_result_int(ctx, len);
	else
		sqlite3_result_int64(ctx, (int64_t)count_characters(text, (size_t)len));
}

int sqlite_add_values(struct sqlite_db *s)
{
	int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY;

	if (sqlite3_create_function_v2(s->handle, "assize_in", 2, flags, NULL, on_in, NULL, NULL,
				       NULL) != SQLITE_OK)
		return -1;
	return sqlite3_create_function_v2(s->handle, "assize_length", 1, flags, NULL, on_length,
					  NULL, NULL, NULL) == SQLITE_OK
		       ? 0
		       : -1;
}
