/* rows: how many rows a table has, or of those a condition holds for. 0 is a value. */
#include <stddef.h>

#include "audits/kind_rows.h"
#include "audits/scan.h"
#include "runner/model/kind.h"

static const struct key_row rows_keys[] = {SCAN_KEYS, KEY_END};

static const struct value_row rows_values[] = {
	{.name = "", .type = VALUE_INT, .unit = "rows", .usual = ">= 1", .help = "number of rows"},
	{.name = NULL},
};

static void rows_add(struct scan *s, const struct check *c)
{
	(void)c;
	(void)scan_add(s, SCAN_COUNT, "*"); /* found again in rows_emit() */
}

static void rows_emit(struct probe *p, size_t check, struct scan *s)
{
	const struct scan_term *t = scan_add(s, SCAN_COUNT, "*");
	struct measurement m = measurement_int("", scan_rows(s, t), "rows");

	(void)p;
	m.n = scan_rows(s, t);
	scan_emit(s, check, &m, t);
}

static const struct scan_part rows_part = {.add = rows_add, .emit = rows_emit};

static void rows_check(struct keys_context *ctx, struct check *c)
{
	scan_check(ctx, c, &rows_part);
}

const struct audit_kind audit_kind_rows = {
	.name = "rows",
	.family = "database",
	.summary = "how many rows a table has",
	.blind = "It counts rows and looks at none: the right number of wrong rows passes. With "
		 "only a "
		 "lower bound, a table loaded twice passes as well.",
	.spec_size = sizeof(struct scan_spec),
	.keys = rows_keys,
	.values = rows_values,
	.targets = TARGET_DATABASES,
	.arsenal = &arsenal_rows,
	.scalar_key = "table",
	.check = rows_check,
	.merge_key = scan_merge_key,
	.describe = scan_describe,
	.probe = scan_probe,
};
