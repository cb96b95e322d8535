/*
 * Values in and out of statements. Bindings are borrowed (SQLITE_STATIC): every statement is
 * stepped before the text it was given goes away, and cleared before it is used again.
 *
 * SQLite keeps neither NaN (it becomes NULL) nor the sign of zero in every representation; both
 * travel as blobs so that a record gives back exactly the bits it was given. All NaNs are one NaN.
 */
#include <math.h>
#include <string.h>

#include "runner/base/arena.h"
#include "runner/history/store.h"

/* A failed bind (memory) leaves NULL behind, which the column's NOT NULL or the reader refuses. */

void store_bind_int(sqlite3_stmt *s, int at, int64_t v)
{
	(void)sqlite3_bind_int64(s, at, v); /* see above */
}

void store_bind_id(sqlite3_stmt *s, int at, int64_t id)
{
	if (id != 0)
		(void)sqlite3_bind_int64(s, at, id); /* see above; unbound is NULL */
}

void store_bind_real(sqlite3_stmt *s, int at, double v)
{
	unsigned char bytes[8];
	uint64_t bits;

	if (!isnan(v) && !(v == 0 && signbit(v))) {
		(void)sqlite3_bind_double(s, at, v); /* see above */
		return;
	}
	if (isnan(v))
		v = NAN;
	memcpy(&bits, &v, sizeof(bits));
	for (size_t i = 0; i < 8; i++)
		bytes[i] = (unsigned char)(bits >> (56 - 8 * i) & 0xff);
	(void)sqlite3_bind_blob(s, at, bytes, 8, SQLITE_TRANSIENT); /* see above */
}

void store_bind_text(sqlite3_stmt *s, int at, const char *text)
{
	if (text != NULL)
		(void)sqlite3_bind_text(s, at, text, -1, SQLITE_STATIC); /* see above */
}

void store_bind_digest(sqlite3_stmt *s, int at, const unsigned char *digest, size_t n)
{
	(void)sqlite3_bind_blob(s, at, digest, (int)n, SQLITE_STATIC); /* see above */
}

double store_real(sqlite3_stmt *s, int at)
{
	const unsigned char *bytes;
	uint64_t bits = 0;
	double v;

	switch (sqlite3_column_type(s, at)) {
	case SQLITE_INTEGER:
	case SQLITE_FLOAT:
		return sqlite3_column_double(s, at);
	case SQLITE_BLOB:
		break;
	default:
		return NAN;
	}
	if (sqlite3_column_bytes(s, at) != 8)
		return NAN;
	bytes = sqlite3_column_blob(s, at);
	for (size_t i = 0; i < 8; i++)
		bits = bits << 8 | bytes[i];
	memcpy(&v, &bits, sizeof(v));
	return v;
}

const char *store_text(sqlite3_stmt *s, int at, struct arena *a)
{
	const char *text = (const char *)sqlite3_column_text(s, at);

	return text == NULL ? NULL : arena_strndup(a, text, (size_t)sqlite3_column_bytes(s, at));
}

const char *store_text_or(sqlite3_stmt *s, int at, struct arena *a, const char *absent)
{
	const char *text = store_text(s, at, a);

	return text == NULL ? absent : text;
}

void store_digest(sqlite3_stmt *s, int at, unsigned char *out, size_t n)
{
	const void *bytes = sqlite3_column_blob(s, at);

	memset(out, 0, n);
	if (bytes != NULL && (size_t)sqlite3_column_bytes(s, at) == n)
		memcpy(out, bytes, n);
}

enum outcome store_outcome(sqlite3_stmt *s, int at)
{
	switch (sqlite3_column_int64(s, at)) {
	case OUTCOME_PASS:
		return OUTCOME_PASS;
	case OUTCOME_WARN:
		return OUTCOME_WARN;
	case OUTCOME_FAIL:
		return OUTCOME_FAIL;
	case OUTCOME_SKIP:
		return OUTCOME_SKIP;
	default:
		return OUTCOME_UNDECIDED;
	}
}

enum run_state store_run_state(sqlite3_stmt *s, int at)
{
	switch (sqlite3_column_int64(s, at)) {
	case RUN_COMPLETE:
		return RUN_COMPLETE;
	case RUN_INTERRUPTED:
		return RUN_INTERRUPTED;
	default:
		return RUN_INCOMPLETE;
	}
}

void *store_grow(struct arena *a, void *items, size_t size, size_t n, size_t *cap)
{
	void *more;

	if (n < *cap)
		return items;
	*cap = n == 0 ? 16 : n * 2;
	more = arena_array(a, *cap, size);
	if (n > 0)
		memcpy(more, items, n * size);
	return more;
}
