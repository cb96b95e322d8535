/*
 * formats: tricky values of each, as SQLite sees them. tests/t/engines.t compares the other engines
 * with it.
 */
#include "tests/unit/database_world.h"

#include "audits/formats.h"
#include "runner/io/db_dialect.h"

struct format_case {
	const char *format;
	const char *good, *bad; /* words; "_" stands for a blank, "~" for a line break */
};

static const struct format_case cases[] = {
	{"email", "a@b.co first.last+tag@sub-domain.example.org o'neil@x.yz a@1.2",
	 "a@b @b.co a@ a@@b.co a_b@c.de a@-b.co a@b-.co a@b..co a@b.co~ é@b.co a@b.co. a@[::1]"},
	{"uuid", "123e4567-e89b-12d3-a456-426614174000 00000000-0000-0000-0000-00000000000F",
	 "123e4567e89b12d3a456426614174000 123e4567-e89b-12d3-a456-42661417400 "
	 "g23e4567-e89b-12d3-a456-426614174000 {123e4567-e89b-12d3-a456-426614174000}"},
	{"iso_date", "2024-02-29 2000-02-29 2023-12-31 2024-04-30 0004-02-29 2023-01-01 1600-02-29",
	 "2023-02-29 1900-02-29 2100-02-29 2024-02-30 2024-04-31 2024-13-01 2024-00-10 2024-01-00 "
	 "2024-1-1 24-01-01 20240101 2024-01-32 2024-01-01~ 2024-01-01_00:00 2024/01/01"},
	{"iso_datetime",
	 "2024-02-29T23:59:59Z 2024-02-29_00:00 2024-12-31T23:59:60Z "
	 "2024-01-01T12:30:00.123456+02:00 "
	 "2024-01-01T12:30-0530 2024-01-01_12:30:00+00",
	 "2023-02-29T00:00:00Z 2024-01-01 2024-01-01T24:00:00Z 2024-01-01T12:60Z "
	 "2024-01-01T12:30:61Z 2024-01-01T12:30:00+24:00 2024-01-01T12:30:00z 2024-01-01T12Z"},
	{"time", "00:00 23:59:59 12:30:00.5", "24:00 12:60 1:00 12:30:99 noon"},
	{"ipv4", "0.0.0.0 255.255.255.255 10.1.2.3",
	 "256.1.1.1 1.1.1 1.1.1.1.1 01.1.1.1 1.1.1.1/32 1.1.1.-1 1.1.1.1~"},
	{"ipv6",
	 ":: ::1 1:2:3:4:5:6:7:8 fe80::1 2001:db8::8:800:200c:417a 1:: 1:2:3:4:5:6:7:: "
	 "::2:3:4:5:6:7:8 ::ffff:192.0.2.1 1:2:3:4:5:6:192.0.2.1 1::192.0.2.1 "
	 "1:2:3:4:5::192.0.2.1 1:2:3::192.0.2.1",
	 "1:2:3:4:5:6:7 1:2:3:4:5:6:7:8:9 1::2::3 :1 1: 12345:: ::g ::1% fe80::1%eth0 "
	 "::192.0.2.256 1:2:3:4:5:6::192.0.2.1 1:2:3:4:5:6:7:192.0.2.1 ::: [::1]"},
	{"url",
	 "https://example.org http://user:pw@h.example:8080/p/a?q=1#f ftp://x "
	 "postgres://h/db https://example.org/a%20b",
	 "example.org //example.org https:// https:///x mailto:a@b.co https://exa_mple.org/a_b "
	 "1http://x https://h:port/"},
	{"host", "example.org localhost a-b.c x1.2.3 xn--bcher-kva.example",
	 "-a.org a-.org a..b .org org. a_b"},
	{"integer", "0 -1 +7 007 123456789012345678901234567890", "1.0 1e3 - + 0x1 1_000 1~"},
	{"number", "0 -1.5 .5 1. 1e3 1E-3 +2", "1,5 . e3 1e 0x1 NaN inf --1 1.2.3"},
	{"hex", "0 deadBEEF", "0x1 g -1"},
	{"sha256", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
	 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b85 e3b0"},
	{"semver", "1.0.0 0.0.4 1.2.3-alpha.1 1.0.0-0A.is.legal+build.1 1.0.0+0.0.1",
	 "1.0 v1.0.0 01.0.0 1.0.0-01 1.0.0- 1.0.0+ 1.0.0-a..b"},
};

static int format_of(const char *name)
{
	for (int i = 0; format_names[i]; i++)
		if (strcmp(format_names[i], name) == 0)
			return i;
	fail_msg("no format \"%s\"", name);
	return 0;
}

static int take_value(void *ctx, const struct db_row *row, struct err *e)
{
	(void)e;
	*(int64_t *)ctx = row->values[0].integer;
	return 0;
}

static bool is_valid(struct world *w, struct db *db, int format, const char *value)
{
	struct buf sql;
	int64_t said = -1;

	buf_init(&sql, BUF_UNBOUNDED);
	buf_puts(&sql, "SELECT ");
	dialect_is_all(DB_SQLITE, &sql, "?1", format_pattern(format), NULL);
	if (db_query(db, sql.data, &value, 1, clock_monotonic_ms(&w->clock) + 10000, take_value,
		     &said, &w->err) != 0)
		fail_msg("%s", w->err.message);
	buf_release(&sql);
	return said == 1;
}

static void judge(struct world *w, struct db *db, const char *name, const char *words,
		  bool expected)
{
	for (const char *s = words; *s;) {
		size_t n = strcspn(s, " ");
		char *value = arena_strndup(w->arena, s, n);

		for (char *c = value; *c; c++)
			*c = *c == '_' ? ' ' : *c == '~' ? '\n' : *c;
		if (is_valid(w, db, format_of(name), value) != expected)
			fail_msg("%s: \"%s\" should%s be one", name, value, expected ? "" : " not");
		s += n + (s[n] == ' ');
	}
}

static void test_formats_take_what_they_should(void **state)
{
	struct world *w = *state;
	struct db_source source = {.name = "shop", .location = w->path, .max_connections = 1};
	struct db *db;

	execute(w, "CREATE TABLE t (a)");
	if (db_acquire(w->probe_world.dbs, &source, clock_monotonic_ms(&w->clock) + 10000, &db,
		       &w->err) != 0)
		fail_msg("%s", w->err.message);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		judge(w, db, cases[i].format, cases[i].good, true);
		judge(w, db, cases[i].format, cases[i].bad, false);
		assert_false(is_valid(w, db, format_of(cases[i].format), ""));
	}
	db_release(w->probe_world.dbs, db);
}

/* Words that PCRE2, ICU and PostgreSQL read differently. */
static void test_formats_are_written_for_every_engine(void **state)
{
	(void)state;
	for (int i = 1; format_names[i]; i++) {
		const char *s = format_pattern(i);

		assert_null(strchr(s, '\\'));
		assert_null(strstr(s, "(?"));
		assert_null(strstr(s, "&&"));
		for (; *s; s++)
			assert_in_range(*s, 0x20, 0x7e);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_formats_take_what_they_should, set_up,
						tear_down),
		cmocka_unit_test(test_formats_are_written_for_every_engine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
