/*
 * One row to one JSON object, by the names of its columns; and the two kinds of rows that are named
 * by what they hold.
 */
#include "runner/history/leaf.h"

#include <string.h>

#include "runner/base/err.h"
#include "runner/history/store.h"
#include "runner/io/jcs.h"

/* Appending never checks its result: buffers are unbounded, rows were bounded when written. */

static void put_text(struct jcs *j, const char *name, sqlite3_stmt *s, int at)
{
	jcs_put_text(j, name, (const char *)sqlite3_column_text(s, at),
		     (size_t)sqlite3_column_bytes(s, at));
}

static bool is_real(sqlite3_stmt *s, int at)
{
	int type = sqlite3_column_type(s, at);

	return type == SQLITE_FLOAT || (type == SQLITE_BLOB && sqlite3_column_bytes(s, at) == 8);
}

/* 5, {"real":"0x1p-1"} or {"text":"degraded"}: what a program compares, told apart. */
static void put_value(struct jcs *j, const char *name, sqlite3_stmt *s, int at)
{
	struct jcs inner;

	if (sqlite3_column_type(s, at) == SQLITE_INTEGER) {
		jcs_put_int(j, name, sqlite3_column_int64(s, at));
		return;
	}
	jcs_put_name(j, name);
	jcs_begin(&inner, j->out);
	if (is_real(s, at))
		jcs_put_real(&inner, "real", store_real(s, at));
	else
		put_text(&inner, "text", s, at);
	jcs_end(&inner);
}

static void put_plain(struct jcs *j, const char *name, sqlite3_stmt *s, int at)
{
	switch (sqlite3_column_type(s, at)) {
	case SQLITE_INTEGER:
		jcs_put_int(j, name, sqlite3_column_int64(s, at));
		return;
	case SQLITE_FLOAT:
		jcs_put_real(j, name, sqlite3_column_double(s, at));
		return;
	case SQLITE_BLOB:
		jcs_put_hex(j, name, sqlite3_column_blob(s, at),
			    (size_t)sqlite3_column_bytes(s, at));
		return;
	default:
		put_text(j, name, s, at);
		return;
	}
}

/* {"n":2,"sha256":"..."} of the rows as a JSON array */
static int put_rows(struct record *r, struct jcs *j, const struct leaf_child *child, int64_t id,
		    struct err *e)
{
	sqlite3_stmt *s = store_sql(r, child->sql, e);
	struct buf rows;
	unsigned char digest[SHA256_BYTES];
	char hex[SHA256_HEX];
	size_t n = 0;
	int rc;

	if (s == NULL)
		return -1;
	store_bind_int(s, 1, id);
	buf_init(&rows, BUF_UNBOUNDED);
	(void)buf_putc(&rows, '[');
	while ((rc = store_step(r, s, e)) == 1) {
		if (n++ > 0)
			(void)buf_putc(&rows, ',');
		if (leaf_put_row(r, s, NULL, &rows, e) != 0) {
			rc = -1;
			break;
		}
	}
	(void)buf_putc(&rows, ']');
	sha256_of(rows.data, rows.len, digest);
	buf_release(&rows);
	sha256_hex(digest, hex);
	jcs_put_name(j, child->name);
	(void)buf_printf(j->out, "{\"n\":%zu,\"sha256\":\"%s\"}", n, hex);
	return rc;
}

static int put_child(struct record *r, struct jcs *j, const struct leaf_child *children,
		     const char *name, int64_t id, struct err *e)
{
	for (; children != NULL && children->name != NULL; children++)
		if (strcmp(children->name, name) == 0)
			return put_rows(r, j, children, id, e);
	return err_set(e, ERR_INTERNAL, "no rows are known as \"%s\" of a leaf", name);
}

/* A text by its id, or its digest; an id nobody has stands for nothing. */
static int put_text_of(struct record *r, struct jcs *j, const char *name, int64_t id,
		       bool is_digest, struct err *e)
{
	sqlite3_stmt *s = store_sql(r, "SELECT body FROM texts WHERE id = ?1", e);
	int rc;

	if (s == NULL)
		return -1;
	store_bind_int(s, 1, id);
	rc = store_step(r, s, e);
	if (rc != 1)
		return rc;
	if (is_digest)
		jcs_put_digest(j, name, sqlite3_column_text(s, 0),
			       (size_t)sqlite3_column_bytes(s, 0));
	else
		put_text(j, name, s, 0);
	(void)sqlite3_reset(s); /* after a row: nothing to tell */
	return 0;
}

void leaf_put_kept_digest(struct jcs *j, const char *name, sqlite3_stmt *s, int at)
{
	unsigned char digest[SHA256_BYTES];
	char hex[SHA256_HEX];

	store_digest(s, at, digest, sizeof(digest));
	sha256_hex(digest, hex);
	jcs_put_name(j, name);
	(void)buf_printf(j->out, "{\"sha256\":\"%s\",\"size\":%lld}", hex,
			 (long long)sqlite3_column_int64(s, at + 1));
}

/* Of a text that was pruned. */
static int put_pruned(struct record *r, struct jcs *j, const char *name, int64_t id, struct err *e)
{
	sqlite3_stmt *s = store_sql(r, "SELECT sha256, size FROM pruned_texts WHERE text = ?1", e);
	int rc;

	if (s == NULL)
		return -1;
	store_bind_int(s, 1, id);
	rc = store_step(r, s, e);
	if (rc == 1) {
		leaf_put_kept_digest(j, name, s, 0);
		(void)sqlite3_reset(s); /* after a row: nothing to tell */
	}
	return rc < 0 ? -1 : 0;
}

static void put_outcome(struct jcs *j, const char *name, sqlite3_stmt *s, int at)
{
	int64_t number = sqlite3_column_int64(s, at);
	const char *word = outcome_name(store_outcome(s, at));

	if (number < OUTCOME_UNDECIDED || number > OUTCOME_SKIP) /* changed by somebody */
		jcs_put_int(j, name, number);
	else
		jcs_put_text(j, name, word, strlen(word));
}

/* By its mark. */
static int put_column(struct record *r, struct jcs *j, sqlite3_stmt *s, int at,
		      const struct leaf_child *children, struct err *e)
{
	const char *name = sqlite3_column_name(s, at);

	switch (name[0]) {
	case '$':
	case '&':
		return put_text_of(r, j, name + 1, sqlite3_column_int64(s, at), name[0] == '&', e);
	case '!':
		put_outcome(j, name + 1, s, at);
		return 0;
	case '%':
		jcs_put_real(j, name + 1, store_real(s, at));
		return 0;
	case '=':
		put_value(j, name + 1, s, at);
		return 0;
	case '#':
		if (sqlite3_column_type(s, at) == SQLITE_INTEGER)
			return put_pruned(r, j, name + 1, sqlite3_column_int64(s, at), e);
		jcs_put_digest(j, name + 1, sqlite3_column_blob(s, at),
			       (size_t)sqlite3_column_bytes(s, at));
		return 0;
	case '*':
		return put_child(r, j, children, name + 1, sqlite3_column_int64(s, at), e);
	default:
		put_plain(j, name, s, at);
		return 0;
	}
}

int leaf_put_row(struct record *r, sqlite3_stmt *s, const struct leaf_child *children,
		 struct buf *out, struct err *e)
{
	int n = sqlite3_column_count(s);
	struct jcs j;

	jcs_begin(&j, out);
	for (int i = 0; i < n; i++)
		if (sqlite3_column_type(s, i) != SQLITE_NULL &&
		    put_column(r, &j, s, i, children, e) != 0)
			return -1;
	jcs_end(&j);
	return 0;
}

static int content_text(struct record *r, const char *sql, int64_t id, struct buf *out,
			struct err *e)
{
	sqlite3_stmt *s =
		store_row(r, sql, sql == leaf_facts_sql ? "facts row" : "definition", id, e);
	int rc;

	if (s == NULL)
		return -1;
	rc = leaf_put_row(r, s, NULL, out, e);
	(void)sqlite3_reset(s); /* after a row: nothing to tell */
	return rc;
}

static int content_digest(struct record *r, const char *sql, int64_t id,
			  unsigned char out[static SHA256_BYTES], struct err *e)
{
	struct buf text;
	int rc;

	buf_init(&text, BUF_UNBOUNDED);
	rc = content_text(r, sql, id, &text, e);
	if (rc == 0)
		sha256_of(text.data, text.len, out);
	buf_release(&text);
	return rc;
}

int leaf_of_facts(struct record *r, int64_t id, unsigned char out[static SHA256_BYTES],
		  struct err *e)
{
	return content_digest(r, leaf_facts_sql, id, out, e);
}

int leaf_of_definition(struct record *r, int64_t id, unsigned char out[static SHA256_BYTES],
		       struct err *e)
{
	return content_digest(r, leaf_definition_sql, id, out, e);
}

int leaf_facts_text(struct record *r, int64_t id, struct buf *out, struct err *e)
{
	return content_text(r, leaf_facts_sql, id, out, e);
}

int leaf_definition_text(struct record *r, int64_t id, struct buf *out, struct err *e)
{
	return content_text(r, leaf_definition_sql, id, out, e);
}
