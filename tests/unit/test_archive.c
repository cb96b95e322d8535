/* test_archive: hostile archives, each made here byte by byte; and the rules on members. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "audits/archive_rules.h"
#include "audits/zip_layout.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/io/archive.h"
#include "runner/io/archive_tar.h"
#include "runner/io/digest.h"

/* --- archives --- */

static void put_tar(struct buf *out, const char *name, char type, const char *content)
{
	char h[512] = {0};
	unsigned sum = 0;
	size_t n = strlen(content);

	(void)snprintf(h, 100, "%s", name);
	(void)snprintf(h + 100, 8, "%07o", 0644);
	(void)snprintf(h + 108, 8, "%07o", 0);
	(void)snprintf(h + 116, 8, "%07o", 0);
	(void)snprintf(h + 124, 12, "%011o", (unsigned)(n & 0xffff));
	(void)snprintf(h + 136, 12, "%011o", 0);
	h[156] = type;
	memcpy(h + 257, "ustar\00000", 8);
	memset(h + 148, ' ', 8);
	for (size_t i = 0; i < sizeof(h); i++)
		sum += (unsigned char)h[i];
	(void)snprintf(h + 148, 8, "%06o", sum);
	assert_int_equal(buf_add(out, h, sizeof(h)), 0);
	assert_int_equal(buf_add(out, content, n), 0);
	memset(h, 0, sizeof(h));
	assert_int_equal(buf_add(out, h, (512 - n % 512) % 512), 0);
}

static void put_u16(struct buf *out, unsigned v)
{
	unsigned char b[2] = {(unsigned char)(v & 255), (unsigned char)(v >> 8 & 255)};

	assert_int_equal(buf_add(out, b, sizeof(b)), 0);
}

static void put_u32(struct buf *out, uint32_t v)
{
	put_u16(out, v & 0xffff);
	put_u16(out, v >> 16);
}

/* What both headers of a member have in common, from the needed version to the extra length. */
static void put_zip_numbers(struct buf *out, const char *name, const char *content)
{
	uint32_t n = (uint32_t)strlen(content);

	put_u16(out, 20);
	put_u16(out, 0);
	put_u16(out, 0); /* stored */
	put_u32(out, 0);
	put_u32(out, crc32_add(0, content, n));
	put_u32(out, n);
	put_u32(out, n);
	put_u16(out, (unsigned)strlen(name));
	put_u16(out, 0);
}

static void put_zip(struct buf *out, const char *const (*members)[2], size_t n)
{
	uint32_t offsets[8], table;

	assert_true(n <= 8);
	for (size_t i = 0; i < n; i++) {
		offsets[i] = (uint32_t)out->len;
		assert_int_equal(buf_add(out, "PK\3\4", 4), 0);
		put_zip_numbers(out, members[i][0], members[i][1]);
		assert_int_equal(buf_puts(out, members[i][0]), 0);
		assert_int_equal(buf_puts(out, members[i][1]), 0);
	}
	table = (uint32_t)out->len;
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(buf_add(out, "PK\1\2", 4), 0);
		put_u16(out, 20);
		put_zip_numbers(out, members[i][0], members[i][1]);
		for (int k = 0; k < 5; k++)
			put_u16(out, 0);
		put_u32(out, offsets[i]);
		assert_int_equal(buf_puts(out, members[i][0]), 0);
	}
	uint32_t end = (uint32_t)out->len;
	assert_int_equal(buf_add(out, "PK\5\6\0\0\0\0", 8), 0);
	put_u16(out, (unsigned)n);
	put_u16(out, (unsigned)n);
	put_u32(out, end - table);
	put_u32(out, table);
	put_u16(out, 0);
}

static int file_of(const void *p, size_t n)
{
	FILE *f = tmpfile();

	assert_non_null(f);
	assert_int_equal(fwrite(p, 1, n, f), n);
	assert_int_equal(fflush(f), 0);
	int fd = dup(fileno(f));
	assert_true(fd >= 0);
	(void)fclose(f); /* the copy keeps it */
	return fd;
}

/* --- a walk that only counts --- */

struct seen {
	int64_t members, bytes;
	char names[256];
};

static int see_member(void *context, const struct archive_member *m, struct err *e)
{
	struct seen *s = context;
	size_t n = strlen(s->names);

	(void)e;
	s->members++;
	(void)snprintf(s->names + n, sizeof(s->names) - n, "%s|", m->name);
	return 0;
}

static int see_data(void *context, const void *p, size_t n, struct err *e)
{
	struct seen *s = context;

	(void)p;
	(void)e;
	s->bytes += (int64_t)n;
	return 0;
}

static int see_end(void *context, struct err *e)
{
	(void)context;
	(void)e;
	return 0;
}

static int walk_limited(const void *p, size_t n, struct archive_limits limits, struct seen *seen,
			struct archive_summary *summary, struct err *e)
{
	struct archive_sink sink = {seen, see_member, see_data, see_end};
	int fd = file_of(p, n);

	*seen = (struct seen){0};
	*e = (struct err){.class = ERR_NONE};
	int rc = archive_walk(fd, &limits, &sink, summary, e);
	assert_int_equal(rc < 0, e->class != ERR_NONE);
	(void)close(fd);
	return rc;
}

static int walk(const void *p, size_t n, struct seen *seen, struct archive_summary *summary,
		struct err *e)
{
	return walk_limited(p, n, (struct archive_limits){1000, 1 << 20, 100, INT64_MAX}, seen,
			    summary, e);
}

static void test_archive_every_cut_of_a_tar_is_told(void **state)
{
	struct archive_summary summary;
	struct seen seen;
	struct buf tar;
	struct err e;

	(void)state;
	buf_init(&tar, 1 << 20);
	put_tar(&tar, "one", '0', "first");
	put_tar(&tar, "two", '0', "second");
	size_t end = tar.len;
	char zeros[1024] = {0};
	assert_int_equal(buf_add(&tar, zeros, sizeof(zeros)), 0);

	for (size_t n = 0; n < end + 512; n += n % 512 < 2 || n % 512 > 509 ? 1 : 17)
		if (walk(tar.data, n, &seen, &summary, &e) == 0)
			fail_msg("cut after %zu of %zu bytes: read as \"%s\"", n, end, seen.names);
	assert_int_equal(walk(tar.data, end + 512, &seen, &summary, &e), 0);
	assert_int_equal(walk(tar.data, tar.len, &seen, &summary, &e), 0);
	assert_string_equal(seen.names, "one|two|");
	assert_int_equal(summary.bytes, 11);
	assert_int_equal(summary.extra_bytes, 0);
	buf_release(&tar);
}

static void test_archive_headers_may_lie(void **state)
{
	struct archive_summary summary;
	struct seen seen;
	struct buf tar;
	struct err e;

	(void)state;
	buf_init(&tar, 1 << 20);
	/* Every byte of a header: an error, or the members that are there; never a crash. */
	put_tar(&tar, "one", '0', "first");
	put_tar(&tar, "two", '0', "second");
	char zeros[1024] = {0};
	assert_int_equal(buf_add(&tar, zeros, sizeof(zeros)), 0);
	for (size_t i = 0; i < 512; i += i < 160 ? 1 : 9) {
		tar.data[i] = (char)(tar.data[i] ^ 0x5a);
		if (walk(tar.data, tar.len, &seen, &summary, &e) == 0)
			fail_msg("byte %zu: read as \"%s\"", i, seen.names);
		tar.data[i] = (char)(tar.data[i] ^ 0x5a);
	}
	buf_release(&tar);
}

static void test_archive_doubts_come_in_pieces_of_any_size(void **state)
{
	static const char record[] = "12 path=two\n";
	struct buf tar;

	(void)state;
	buf_init(&tar, 1 << 20);
	put_tar(&tar, "one", '0', "first");
	put_tar(&tar, "././@LongLink", 'L', "three");
	put_tar(&tar, "PaxHeaders/x", 'x', record);
	put_tar(&tar, "two", '0', "second");
	for (size_t piece = 1; piece <= tar.len; piece += piece < 520 ? 1 : 101) {
		struct tar_scan s;

		tar_scan_init(&s);
		for (size_t i = 0; i < tar.len; i += piece) {
			size_t n = tar.len - i < piece ? tar.len - i : piece;

			tar_scan_add(&s, (int64_t)i, tar.data + i, n);
			tar_scan_add(&s, 0, tar.data, i + n); /* again from the beginning */
		}
		assert_string_equal(s.doubt, "programs differ in what they unpack: at byte 1024 a "
					     "member has two names that differ");
		tar_scan_release(&s);
	}
	buf_release(&tar);
}

static void test_archive_limits_end_the_pass(void **state)
{
	struct archive_summary summary;
	struct seen seen;
	struct buf tar;
	struct err e;
	char zeros[1024] = {0};

	(void)state;
	buf_init(&tar, 1 << 20);
	put_tar(&tar, "one", '0', "first");
	put_tar(&tar, "two", '0', "second");
	assert_int_equal(buf_add(&tar, zeros, sizeof(zeros)), 0);
	assert_int_equal(walk_limited(tar.data, tar.len,
				      (struct archive_limits){1, 99, 9, INT64_MAX}, &seen, &summary,
				      &e),
			 -1);
	assert_string_equal(e.message, "it holds more than 1 members (max_members)");
	assert_int_equal(walk_limited(tar.data, tar.len,
				      (struct archive_limits){9, 10, 9, INT64_MAX}, &seen, &summary,
				      &e),
			 -1);
	assert_string_equal(e.message, "it holds more than 10 B (max_bytes), at member \"two\"");
	assert_int_equal(walk_limited(tar.data, tar.len, (struct archive_limits){9, 99, 9, 0},
				      &seen, &summary, &e),
			 -1);
	assert_non_null(strstr(e.message, "in time"));
	buf_release(&tar);
}

/* --- zip --- */

struct findings {
	struct buf text;
};

static void zip_found(void *context, const char *name, const char *text)
{
	struct findings *f = context;

	assert_int_equal(buf_printf(&f->text, "%s: %s|", name, text), 0);
}

static void zip_gap(void *context, const char *text)
{
	struct findings *f = context;

	assert_int_equal(buf_printf(&f->text, "gap: %s|", text), 0);
}

static int layout(const void *p, size_t n, struct findings *f, struct err *e)
{
	struct zip_sink sink = {f, zip_found, zip_gap, 100};
	struct arena *a = arena_new();
	int fd = file_of(p, n);

	buf_reset(&f->text);
	*e = (struct err){.class = ERR_NONE};
	int rc = zip_layout_check(a, fd, (int64_t)n, &sink, e);
	(void)close(fd);
	arena_free(a);
	return rc;
}

static const char *const zip_members[][2] = {{"one", "first"}, {"two", "second"}};

static void test_zip_every_cut_is_told(void **state)
{
	struct findings f;
	struct buf zip;
	struct err e;

	(void)state;
	buf_init(&f.text, 1 << 20);
	buf_init(&zip, 1 << 20);
	put_zip(&zip, zip_members, 2);
	assert_int_equal(layout(zip.data, zip.len, &f, &e), 0);
	assert_string_equal(f.text.data, "");
	for (size_t n = 0; n < zip.len; n++)
		if (layout(zip.data, n, &f, &e) == 0)
			fail_msg("cut after %zu bytes is told by nothing", n);
	buf_release(&zip);
	buf_release(&f.text);
}

/* A byte of a header that two programs read in two places. */
static void test_zip_every_lie_is_told(void **state)
{
	/* Of the first local header: flags, method, checksum, sizes, name length, name. */
	static const size_t told[] = {6, 8, 14, 15, 16, 17, 18, 19, 22, 23, 26, 27, 30, 31, 32};
	struct findings f;
	struct buf zip;
	struct err e;

	(void)state;
	buf_init(&f.text, 1 << 20);
	buf_init(&zip, 1 << 20);
	put_zip(&zip, zip_members, 2);
	for (size_t i = 0; i < zip.len; i++) {
		for (int bit = 0; bit < 8; bit += 7) {
			zip.data[i] = (char)(zip.data[i] ^ 1 << bit);

			int rc = layout(zip.data, zip.len, &f, &e);
			bool is_known = false;
			for (size_t k = 0; k < sizeof(told) / sizeof(told[0]); k++)
				is_known = is_known || told[k] == i;
			if (is_known && bit == 0 && rc == 0 && f.text.len == 0)
				fail_msg("byte %zu: told by nothing", i);
			zip.data[i] = (char)(zip.data[i] ^ 1 << bit);
		}
	}
	buf_release(&zip);
	buf_release(&f.text);
}

/* --- rules --- */

struct row {
	enum member_type type;
	const char *name, *link;
};

static void expect_findings(const struct row *rows, size_t n, struct archive_wants wants,
			    const char *expected)
{
	struct archive_review r;
	struct arena *a = arena_new();
	const char *got = "";

	archive_review_init(&r, a, &wants);
	for (size_t i = 0; i < n; i++) {
		struct archive_member m = {.name = rows[i].name,
					   .link = rows[i].link,
					   .type = rows[i].type,
					   .mode = 0644};

		(void)archive_review_add(&r, &m);
	}
	assert_int_equal(archive_review_judge(&r, INT64_MAX, NULL), 0);
	for (size_t i = 0; i < r.n_findings; i++)
		got = arena_printf(a, "%s%s: %s|", got, r.findings[i].name, r.findings[i].text);
	assert_string_equal(got, expected);
	arena_free(a);
}

#define EXPECT(expected, ...)                                                                      \
	expect_findings((const struct row[]){__VA_ARGS__},                                         \
			sizeof((const struct row[]){__VA_ARGS__}) / sizeof(struct row),            \
			(struct archive_wants){0}, expected)

static void test_archive_path_is_one_of_many_spellings(void **state)
{
	struct arena *a = arena_new();

	(void)state;
	assert_string_equal(archive_path(a, "./a//b/./c/"), "a/b/c");
	assert_string_equal(archive_path(a, "/a"), "a");
	assert_string_equal(archive_path(a, "."), "");
	assert_string_equal(archive_path(a, "..a/..."), "..a/...");
	assert_string_equal(archive_path(a, "a/../b"), "a/../b"); /* never resolved by text */
	arena_free(a);
}

static void test_archive_links_are_followed_like_a_kernel_would(void **state)
{
	(void)state;
	EXPECT("", {MEMBER_FILE, "a/f", NULL}, {MEMBER_SYMLINK, "b/l", "../a/f"});
	EXPECT("", {MEMBER_SYMLINK, "l", "nowhere"}); /* dangling, but inside */
	EXPECT("", {MEMBER_SYMLINK, "a/b/l", "../../x"});
	EXPECT("l: a symbolic link to \"a/../../x\" leads out of the archive|",
	       {MEMBER_SYMLINK, "l", "a/../../x"});
	/* By text d/s/.. is d; by the link s, which leads to the top, it is above the top. */
	EXPECT("d/l: a symbolic link to \"s/../x\" leads out of the archive|",
	       {MEMBER_SYMLINK, "d/s", ".."}, {MEMBER_SYMLINK, "d/l", "s/../x"});
	EXPECT("l: a symbolic link to \"m\" leads out of the archive|"
	       "m: a symbolic link to \"/etc\" leads out of the archive|",
	       {MEMBER_SYMLINK, "l", "m"}, {MEMBER_SYMLINK, "m", "/etc"});
	EXPECT("l: a symbolic link to \"l\" leads in a circle|", {MEMBER_SYMLINK, "l", "l"});
	/* Each hop makes the way longer. */
	EXPECT("l: a symbolic link to \"l/x\" leads in a circle|", {MEMBER_SYMLINK, "l", "l/x"});
}

static void test_archive_a_way_of_any_length_ends(void **state)
{
	char *link = malloc(100001);

	(void)state;
	assert_non_null(link);
	for (size_t i = 0; i < 100000; i += 2)
		memcpy(link + i, "a/", 2);
	link[100000] = '\0';

	struct archive_wants wants = {0};
	struct archive_review r;
	struct arena *a = arena_new();
	struct archive_member m = {.name = "l", .link = link, .type = MEMBER_SYMLINK};
	archive_review_init(&r, a, &wants);
	(void)archive_review_add(&r, &m);
	m = (struct archive_member){.name = link, .link = "x", .type = MEMBER_SYMLINK};
	(void)archive_review_add(&r, &m);
	assert_int_equal(archive_review_judge(&r, INT64_MAX, NULL), 0);
	assert_int_equal(r.n_findings, 2);
	for (size_t i = 0; i < 2; i++)
		assert_non_null(strstr(r.findings[i].text, "leads too far to be followed"));
	arena_free(a);
	free(link);
}

static void test_archive_judging_ends_in_time(void **state)
{
	struct archive_wants wants = {0};
	struct archive_review r;
	struct arena *a = arena_new();
	struct archive_member m = {.name = "f", .type = MEMBER_FILE};
	struct err e = {.class = ERR_NONE};

	(void)state;
	archive_review_init(&r, a, &wants);
	(void)archive_review_add(&r, &m);
	assert_int_equal(archive_review_judge(&r, 0, &e), -1);
	assert_string_equal(e.message, "could not judge all of its members in time");
	arena_free(a);
}

static void test_archive_order_does_not_matter(void **state)
{
	(void)state;
	EXPECT("d/f: lies below \"d\", which is a symbolic link: it would be written through it|",
	       {MEMBER_FILE, "d/f", NULL}, {MEMBER_SYMLINK, "d", "e"});
	EXPECT("A: differs from \"a\" only in case|", {MEMBER_FILE, "A", NULL},
	       {MEMBER_FILE, "a", NULL});
	EXPECT("A: differs from \"a\" only in case|", {MEMBER_FILE, "a", NULL},
	       {MEMBER_FILE, "A", NULL});
}

static void test_archive_required_names_nothing_else(void **state)
{
	const char *globs[] = {"bin/*", "README"};
	struct pos nowhere[2] = {{0}};
	struct archive_wants wants = {.required = {globs, nowhere, 2}};
	const struct row rows[] = {{MEMBER_FILE, "./README", NULL},
				   {MEMBER_DIRECTORY, "bin/", NULL}};

	(void)state;
	expect_findings(rows, 2, wants, "bin/*: required, and no member is it|");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_archive_every_cut_of_a_tar_is_told),
		cmocka_unit_test(test_archive_headers_may_lie),
		cmocka_unit_test(test_archive_doubts_come_in_pieces_of_any_size),
		cmocka_unit_test(test_archive_limits_end_the_pass),
		cmocka_unit_test(test_zip_every_cut_is_told),
		cmocka_unit_test(test_zip_every_lie_is_told),
		cmocka_unit_test(test_archive_path_is_one_of_many_spellings),
		cmocka_unit_test(test_archive_links_are_followed_like_a_kernel_would),
		cmocka_unit_test(test_archive_a_way_of_any_length_ends),
		cmocka_unit_test(test_archive_judging_ends_in_time),
		cmocka_unit_test(test_archive_order_does_not_matter),
		cmocka_unit_test(test_archive_required_names_nothing_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
