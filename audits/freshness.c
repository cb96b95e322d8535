/*
 * freshness: how old the newest value of a time column is.
 *
 * Only the largest and the smallest value are read, so that an index answers. For text that is the
 * largest by bytes, not by time; whatever it is, it is a time that stands in the column, so the
 * real newest one can only be newer: mixed notations make data look staler than it is, never
 * fresher. The smallest must be a time as well, which catches numbers, empty texts and most other
 * strangers.
 *
 * A reading without a zone is taken in the check's zone. No rows, only NULLs, a text that is no
 * time and a time in the future are no measurement, each with its reason.
 */
#include <math.h>
#include <stddef.h>
#include <string.h>

#include "audits/kind_rows.h"
#include "audits/scan.h"
#include "runner/base/arena.h"
#include "runner/base/num.h"
#include "runner/base/str.h"
#include "runner/base/utc.h"
#include "runner/io/clock.h"
#include "runner/model/kind.h"

enum time_format { FORMAT_ISO, FORMAT_UNIX, FORMAT_UNIX_MS };

static const char *const format_names[] = {"iso", "unix", "unix_ms", NULL};

struct freshness_spec {
	struct scan_spec scan; /* first: see scan.h */
	const char *column, *zone;
	int format; /* enum time_format */
};

static const struct key_row freshness_keys[] = {
	SCAN_KEYS,
	{.name = "column",
	 .type = KEY_TEXT,
	 .flags = KEY_REQUIRED,
	 .offset = offsetof(struct freshness_spec, column),
	 .help = "column that holds a time",
	 .example = "updated_at"},
	{.name = "format",
	 .type = KEY_ENUM,
	 .offset = offsetof(struct freshness_spec, format),
	 .def = "iso",
	 .choices = format_names,
	 .help = "how the time is written: ISO 8601 text, Unix seconds, Unix milliseconds",
	 .example = "unix"},
	{.name = "zone",
	 .type = KEY_TEXT,
	 .offset = offsetof(struct freshness_spec, zone),
	 .help = "time zone of readings that carry none, a name or an offset such as +05:30; "
		 "UTC unless given",
	 .example = "Europe/Berlin"},
	KEY_END,
};

static const struct value_row freshness_values[] = {
	{.name = "",
	 .type = VALUE_REAL,
	 .unit = "s",
	 .is_at_least_0 = true,
	 .usual = "< 1h",
	 .help = "age of the newest value"},
	{.name = NULL},
};

static void freshness_add(struct scan *s, const struct check *c)
{
	const struct freshness_spec *spec = c->spec;

	(void)scan_add(s, SCAN_MAX, scan_column(s, spec->column)); /* found again when emitting */
	(void)scan_add(s, SCAN_MIN, scan_column(s, spec->column));
}

static const char *show_value(struct arena *a, const struct db_value *v)
{
	char number[NUM_REAL_MAX];

	switch (v->type) {
	case DB_INT:
		return arena_printf(a, "%lld", (long long)v->integer);
	case DB_REAL:
		num_format_real(v->real, number);
		return arena_strdup(a, number);
	case DB_TEXT:
		return arena_printf(
			a, "\"%s\"",
			str_escaped(a, arena_strndup(a, v->text, v->len < 40 ? v->len : 40)));
	case DB_BLOB:
		return "a blob";
	case DB_NULL:
		break;
	}
	return "NULL";
}

/* A clock elsewhere looks like a clock that is wrong. */
static const char *help_future(struct arena *a, const struct freshness_spec *spec,
			       const struct db_value *v)
{
	int64_t ms;
	int has_zone = 1;

	if (spec->format != FORMAT_ISO || utc_parse(v->text, v->len, &ms, &has_zone) != 0 ||
	    has_zone)
		return NULL;
	if (spec->zone)
		return arena_printf(a,
				    "help: it carries no zone and is read by zone: %s; is that the "
				    "zone it is written in?",
				    spec->zone);
	return "help: it carries no zone and is read as UTC; say in which zone it is written, for "
	       "example zone: Europe/Berlin";
}

static int read_text(const struct freshness_spec *spec, const struct db_value *v, int64_t *out,
		     struct err *e)
{
	int64_t ms;
	int has_zone;

	if (v->type != DB_TEXT)
		return err_set(e, ERR_MEASURE,
			       "is not text; say format: unix or unix_ms for a number");
	if (utc_parse(v->text, v->len, &ms, &has_zone) != 0)
		return err_set(e, ERR_MEASURE, "is not an ISO 8601 time");
	if (has_zone) {
		*out = ms;
		return 0;
	}
	/* Where an hour repeats the earlier one: a row is never taken for younger than it may be.
	 */
	return zone_instant_ms(spec->zone ? spec->zone : "UTC", ms, false, out, e);
}

static int read_number(const struct freshness_spec *spec, const struct db_value *v, int64_t *out,
		       struct err *e)
{
	double scale = spec->format == FORMAT_UNIX ? 1000.0 : 1.0;
	double ms;

	if (v->type == DB_INT)
		ms = (double)v->integer * scale;
	else if (v->type == DB_REAL && v->is_rounded)
		return err_set(e, ERR_MEASURE,
			       "is a FLOAT, of which the server sends six digits only; "
			       "ask a view that has column + 0e0");
	else if (v->type == DB_REAL)
		ms = v->real * scale;
	else
		return err_set(e, ERR_MEASURE, "is not a number");
	/* Past the year 5000 in either direction: not a time somebody meant. */
	if (!(fabs(ms) < 1e14))
		return err_set(e, ERR_MEASURE, "is no time a row could have%s",
			       spec->format == FORMAT_UNIX ? "; is it format: unix_ms?" : "");
	*out = (int64_t)ms;
	return 0;
}

static int read_time(const struct freshness_spec *spec, const struct db_value *v, int64_t *out,
		     struct err *e)
{
	return spec->format == FORMAT_ISO ? read_text(spec, v, out, e)
					  : read_number(spec, v, out, e);
}

static struct measurement none(struct probe *p, const struct freshness_spec *spec,
			       const char *which, const struct db_value *v, const char *why)
{
	return measurement_none("", arena_printf(p->arena, "the %s value of \"%s\", %s, %s", which,
						 spec->column, show_value(p->arena, v), why));
}

static struct measurement measure(struct probe *p, const struct scan *s,
				  const struct freshness_spec *spec, const struct scan_term *t,
				  const struct db_value *oldest)
{
	const struct db_value *newest = scan_value(s, t);
	int64_t newest_ms, oldest_ms, age_ms;
	char ahead[NUM_REAL_MAX], when[UTC_MAX];
	struct err e = {0};

	if (scan_rows(s, t) == 0)
		return measurement_none("", scan_no_rows(s));
	if (newest->type == DB_NULL)
		return measurement_none("", arena_printf(p->arena,
							 "\"%s\" is NULL in every row of \"%s\"",
							 spec->column, s->spec->table));
	if (read_time(spec, newest, &newest_ms, &e) != 0)
		return none(p, spec, "largest", newest, e.message);
	if (read_time(spec, oldest, &oldest_ms, &e) != 0)
		return none(p, spec, "smallest", oldest, e.message);
	/* Read after the query: a row written meanwhile is not from the future. */
	age_ms = clock_wall_ms(p->world->clock) - newest_ms;
	struct measurement m = measurement_real("", (double)age_ms / 1000.0, "s");

	if (age_ms < 0) {
		num_format_duration(-age_ms, ahead);
		m = none(p, spec, "largest", newest,
			 arena_printf(p->arena, "is %s in the future", ahead));
		m.evidence = help_future(p->arena, spec, newest);
		return m;
	}

	utc_format(newest_ms, 1, when);
	m.evidence = arena_printf(p->arena, "newest %s: %s", spec->column, when);
	return m;
}

static void freshness_emit(struct probe *p, size_t check, struct scan *s)
{
	const struct freshness_spec *spec = p->checks[check]->spec;
	const struct scan_term *newest = scan_add(s, SCAN_MAX, scan_column(s, spec->column));
	const struct scan_term *oldest = scan_add(s, SCAN_MIN, scan_column(s, spec->column));
	struct measurement m = measure(p, s, spec, newest, scan_value(s, oldest));

	/* When only the smallest could not be asked, that is the reason. */
	scan_emit(s, check, &m, oldest->error ? oldest : newest);
}

static const struct scan_part freshness_part = {.add = freshness_add, .emit = freshness_emit};

static void freshness_check(struct keys_context *ctx, struct check *c)
{
	struct freshness_spec *spec = c->spec;
	struct err e = {0};
	int64_t offset_ms;

	scan_check(ctx, c, &freshness_part);
	if (!spec->zone)
		return;
	if (spec->format != FORMAT_ISO)
		diags_at(
			ctx->diags, keys_pos(c->spec_node, "zone"), NULL,
			"check \"%s\": a number of seconds has no zone; zone goes with format: iso",
			c->name);
	else if (zone_offset_ms(spec->zone, 0, &offset_ms, &e) != 0)
		diags_at(ctx->diags, keys_pos(c->spec_node, "zone"), e.help[0] ? e.help : NULL,
			 "check \"%s\": %s", c->name, e.message);
}

const struct audit_kind audit_kind_freshness = {
	.name = "freshness",
	.family = "database",
	.summary = "age of the newest value of a time column",
	.blind = "One fresh row makes a table fresh: it does not count how many arrived. Only the "
		 "largest and the smallest value are read. Where times are written in different "
		 "ways "
		 "in one column, the largest text may not be the newest time; the age is then too "
		 "high, never too low. The machine's clock is believed.",
	.spec_size = sizeof(struct freshness_spec),
	.keys = freshness_keys,
	.values = freshness_values,
	.targets = TARGET_DATABASES,
	.arsenal = &arsenal_freshness,
	.check = freshness_check,
	.merge_key = scan_merge_key,
	.describe = scan_describe,
	.probe = scan_probe,
};
