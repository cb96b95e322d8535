/* test_elf: this very program, cut and spoilt in every way that fits into a second. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "audits/elf_read.h"
#include "runner/base/arena.h"
#include "runner/base/err.h"

static int own_program(int64_t *size)
{
	struct stat st;
	int fd = open("/proc/self/exe", O_RDONLY);

	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	*size = st.st_size;
	return fd;
}

static void test_elf_reads_this_program(void **state)
{
	struct arena *a = arena_new();
	struct elf_facts f;
	struct err e;
	int64_t size;
	int fd = own_program(&size);
	bool has_libc = false;

	(void)state;
	assert_int_equal(elf_read(a, fd, size, &f, &e), 0);
	assert_string_equal(f.type, "pie");
	assert_int_equal(f.is_64, sizeof(void *) == 8);
	assert_int_equal(f.relro, RELRO_FULL); /* as the Makefile links */
	assert_false(f.is_stack_executable);
	assert_true(f.has_debug);
	for (size_t i = 0; i < f.n_needed; i++)
		has_libc = has_libc || strncmp(f.needed[i], "libc.so", 7) == 0;
	assert_true(has_libc);
	assert_true(elf_version_compare(f.glibc, "2.0") > 0);
	(void)close(fd);
	arena_free(a);
}

/* A file that ends earlier: an error, or the same facts; never others. */
static void test_elf_a_cut_changes_nothing_in_silence(void **state)
{
	struct arena *a = arena_new();
	struct elf_facts whole, f;
	struct err e;
	int64_t size;
	int fd = own_program(&size);

	(void)state;
	assert_int_equal(elf_read(a, fd, size, &whole, &e), 0);
	for (int64_t n = 0; n < size; n += n < 2048 ? 1 : size / 97) {
		if (elf_read(a, fd, n, &f, &e) < 0)
			continue;
		assert_string_equal(f.build_id, whole.build_id);
		assert_string_equal(f.glibc, whole.glibc);
		assert_int_equal(f.n_needed, whole.n_needed);
		assert_non_null(f.sections_reason); /* they are at the end */
	}
	(void)close(fd);
	arena_free(a);
}

/* Any byte of the headers may be anything. What counts: it ends, within bounds. */
static void test_elf_headers_may_lie(void **state)
{
	enum { HEAD = 64 + 16 * 56 };
	unsigned char head[HEAD];
	int64_t size;
	int fd = own_program(&size);
	FILE *copy = tmpfile();
	char block[65536];
	ssize_t n;

	(void)state;
	assert_non_null(copy);
	int64_t left = 262144; /* the dynamic section of a small program is within */
	for (; left > 0 && (n = read(fd, block, sizeof(block))) > 0; left -= n)
		assert_int_equal(fwrite(block, 1, (size_t)n, copy), n);
	assert_int_equal(fflush(copy), 0);
	assert_int_equal(pread(fileno(copy), head, HEAD, 0), HEAD);
	for (int i = 0; i < HEAD; i++) {
		static const unsigned char values[] = {0x00, 0x01, 0x7f, 0xff};

		for (size_t k = 0; k < sizeof(values); k++) {
			struct arena *a = arena_new();
			struct elf_facts f;
			struct err e = {.class = ERR_NONE};

			assert_int_equal(pwrite(fileno(copy), &values[k], 1, i), 1);
			int rc = elf_read(a, fileno(copy), size, &f, &e);
			assert_int_equal(rc < 0, e.class != ERR_NONE);
			assert_true(arena_size(a) < (size_t)16 * 1024 * 1024);
			arena_free(a);
		}
		assert_int_equal(pwrite(fileno(copy), &head[i], 1, i), 1);
	}
	(void)fclose(copy);
	(void)close(fd);
}

static void test_elf_versions_are_numbers(void **state)
{
	(void)state;
	assert_true(elf_version_compare("2.4", "2.31") < 0);
	assert_true(elf_version_compare("2.31", "2.4") > 0);
	assert_true(elf_version_compare("2.2.5", "2.2") > 0);
	assert_true(elf_version_compare("2.2", "2.2.5") < 0);
	assert_int_equal(elf_version_compare("2.31", "2.31"), 0);
	assert_true(elf_version_compare("", "2.0") < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_elf_reads_this_program),
		cmocka_unit_test(test_elf_a_cut_changes_nothing_in_silence),
		cmocka_unit_test(test_elf_headers_may_lie),
		cmocka_unit_test(test_elf_versions_are_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
