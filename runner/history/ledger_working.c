/*
 * The seal over tables of work under way: SHA-256 of their rows, as JSON in the order of their
 * keys. It is made with the commit that changes them, and says nothing of who held what when: for
 * that there are records.
 */
#include <string.h>

#include "runner/base/err.h"
#include "runner/history/leaf.h"
#include "runner/history/store.h"

static const char *const working[] = {
	"SELECT boot_id, host, name, pid, pid_space, start_ticks FROM locks ORDER BY name",
	"SELECT open, run, series, since_ms FROM told ORDER BY series",
	"SELECT check_id, due_ms, is_open, run FROM gaps ORDER BY check_id",
	"SELECT attempts, next_ms, notice, tried_ms, why FROM outbox ORDER BY notice",
};

static int add_rows(struct record *r, const char *sql, struct sha256 *h, struct err *e)
{
	sqlite3_stmt *s = store_sql(r, sql, e);
	struct buf row;
	int rc;

	if (s == NULL)
		return -1;
	buf_init(&row, BUF_UNBOUNDED);
	while ((rc = store_step(r, s, e)) == 1) {
		buf_reset(&row);
		if (leaf_put_row(r, s, NULL, &row, e) != 0) {
			rc = -1;
			break;
		}
		(void)buf_putc(&row, '\n'); /* unbounded: cannot fail */
		sha256_add(h, row.data, row.len);
	}
	buf_release(&row);
	sha256_add(h, "\n", 1); /* the end of a table */
	return rc;
}

static int working_digest(struct record *r, unsigned char out[static SHA256_BYTES], struct err *e)
{
	struct sha256 h;

	sha256_init(&h);
	for (size_t i = 0; i < sizeof(working) / sizeof(working[0]); i++) {
		if (add_rows(r, working[i], &h, e) != 0)
			return -1;
	}
	sha256_final(&h, out);
	return 0;
}

int ledger_is_working_sealed(struct record *r, bool *is_so, struct err *e)
{
	unsigned char digest[SHA256_BYTES];
	sqlite3_stmt *s;

	if (working_digest(r, digest, e) != 0)
		return -1;
	s = store_sql(r, "SELECT working FROM head", e);
	if (s == NULL || store_step(r, s, e) < 0)
		return -1;
	*is_so = sqlite3_column_bytes(s, 0) == SHA256_BYTES &&
		 memcmp(sqlite3_column_blob(s, 0), digest, SHA256_BYTES) == 0;
	(void)sqlite3_reset(s); /* after a row: nothing to tell */
	return 0;
}

int ledger_seal_working(struct record *r, struct err *e)
{
	unsigned char digest[SHA256_BYTES];
	sqlite3_stmt *s;

	if (working_digest(r, digest, e) != 0)
		return -1;
	s = store_sql(r, "UPDATE head SET working = ?1", e);
	if (s == NULL)
		return -1;
	store_bind_digest(s, 1, digest, sizeof(digest));
	return store_run(r, s, e);
}
