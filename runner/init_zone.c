/*
 * By which clock a server writes the time into a column whose type has no zone: MySQL's DATETIME,
 * PostgreSQL's timestamp, a date. What reads it must know the zone; a check takes UTC unless it
 * says zone:, so what init writes for a server elsewhere has to say it.
 *
 * Sessions of ours are in UTC, so the server's setting is asked for and not the session's. Its name
 * alone is not believed: MySQL's SYSTEM has an abbreviation, which many zones share, PostgreSQL
 * also takes POSIX rules, whose signs are the other way round. The server's offsets in January and
 * July tell whether a name means here what it means there, and stand for a zone that has the same
 * all year.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/base/str.h"
#include "runner/base/utc.h"
#include "runner/init_draft.h"
#include "runner/io/clock.h"
#include "runner/io/db.h"

#define HOUR_S	  3600
#define N_MOMENTS 2

/* A day in the middle of a winter and one in the middle of a summer. */
static const char *const days[N_MOMENTS] = {"-01-15", "-07-15"};

struct answer {
	struct arena *arena;
	const char *name, *shown;
	int64_t at_ms[N_MOMENTS], offset_s[N_MOMENTS];
	bool is_known;
};

bool init_lacks_zone(enum db_engine engine, const struct db_column *c)
{
	switch (engine) {
	case DB_POSTGRES:
		return str_ends(c->type, " without time zone") || strcmp(c->type, "date") == 0;
	case DB_MYSQL:
		return str_starts(c->type, "datetime") || strcmp(c->type, "date") == 0;
	case DB_SQLITE:
	case DB_ODBC:
		break;
	}
	return false;
}

static int take_answer(void *ctx, const struct db_row *row, struct err *e)
{
	struct answer *a = ctx;

	(void)e;
	if (row->values[0].type != DB_TEXT)
		return 0;
	a->name = arena_strdup(a->arena, row->values[0].text);
	a->shown = row->values[1].type == DB_TEXT ? arena_strdup(a->arena, row->values[1].text)
						  : a->name;
	for (size_t i = 0; i < N_MOMENTS; i++) {
		if (row->values[2 + i].type != DB_INT)
			return 0;
		a->offset_s[i] = row->values[2 + i].integer;
	}
	a->is_known = true;
	return 0;
}

static int ask(struct db *db, struct answer *a, int64_t deadline_ms, const char *year,
	       struct err *e)
{
	static const char postgres[] =
		"SELECT reset_val, NULL::text,"
		" extract(epoch FROM (TIMESTAMPTZ '%s%s 12:00Z' AT TIME ZONE reset_val)"
		"  - TIMESTAMP '%s%s 12:00')::bigint,"
		" extract(epoch FROM (TIMESTAMPTZ '%s%s 12:00Z' AT TIME ZONE reset_val)"
		"  - TIMESTAMP '%s%s 12:00')::bigint"
		" FROM pg_catalog.pg_settings WHERE name = 'TimeZone'";
	static const char mysql[] = "SELECT @@global.time_zone, IF(@@global.time_zone = 'SYSTEM',"
				    "  @@global.system_time_zone, NULL),"
				    " TIMESTAMPDIFF(SECOND, '%s%s 12:00:00',"
				    "  CONVERT_TZ('%s%s 12:00:00', '+00:00', @@global.time_zone)),"
				    " TIMESTAMPDIFF(SECOND, '%s%s 12:00:00',"
				    "  CONVERT_TZ('%s%s 12:00:00', '+00:00', @@global.time_zone))";
	const char *sql = arena_printf(a->arena, db_engine(db) == DB_POSTGRES ? postgres : mysql,
				       year, days[0], year, days[0], year, days[1], year, days[1]);

	return db_query(db, sql, NULL, 0, deadline_ms, take_answer, a, e);
}

/* "localtime" is another zone on every machine. */
static bool is_name_here(const struct answer *a)
{
	if (strcmp(a->name, "localtime") == 0 || strcasecmp(a->name, "SYSTEM") == 0)
		return false;
	for (size_t i = 0; i < N_MOMENTS; i++) {
		int64_t offset_ms;

		if (zone_offset_ms(a->name, a->at_ms[i], &offset_ms, NULL) != 0 ||
		    offset_ms != a->offset_s[i] * 1000)
			return false;
	}
	return true;
}

static void conclude(const struct answer *a, struct init_target *t)
{
	int64_t s = a->offset_s[0];
	bool is_fixed = a->is_known && s == a->offset_s[1];

	if (is_fixed && s == 0)
		return;
	if (a->is_known && is_name_here(a))
		t->zone = a->name;
	else if (is_fixed && s % 60 == 0 && s >= -14 * HOUR_S && s <= 14 * HOUR_S)
		t->zone = arena_printf(a->arena, "%c%02d:%02d", s > 0 ? '+' : '-',
				       abs((int)(s / HOUR_S)), abs((int)(s % HOUR_S / 60)));
	else
		t->unnamed_zone = a->shown ? a->shown : "";
}

int init_ask_zone(struct db *db, const struct clock *clock, struct arena *a, int64_t deadline_ms,
		  struct init_target *t, struct err *e)
{
	struct answer answer = {.arena = a};
	char year[UTC_MAX];

	if (db_engine(db) != DB_POSTGRES && db_engine(db) != DB_MYSQL)
		return 0;
	(void)utc_format(clock_wall_ms(clock), 0, year); /* its length */
	year[4] = '\0';
	for (size_t i = 0; i < N_MOMENTS; i++) {
		const char *noon = arena_printf(a, "%s%sT12:00:00Z", year, days[i]);
		int has_zone;

		/* A date of four digits, as it was made. */
		(void)utc_parse(noon, strlen(noon), &answer.at_ms[i], &has_zone);
	}
	if (ask(db, &answer, deadline_ms, year, e) != 0)
		return -1;
	conclude(&answer, t);
	return 0;
}
