/* test_digest: FIPS 180-4 vectors, files, and files that will not hold still. */
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "runner/base/err.h"
#include "runner/io/digest.h"

/* The examples of FIPS 180-4 and the empty text. */
static const struct {
	const char *text, *hex;
} vectors[] = {
	{"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
	{"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
	{"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
	 "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
};

static void test_digest_knows_the_published_vectors(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		unsigned char digest[SHA256_BYTES], back[SHA256_BYTES];
		char hex[SHA256_HEX];

		sha256_of(vectors[i].text, strlen(vectors[i].text), digest);
		sha256_hex(digest, hex);
		assert_string_equal(hex, vectors[i].hex);
		assert_int_equal(sha256_from_hex(hex, strlen(hex), back), 0);
		assert_memory_equal(digest, back, SHA256_BYTES);
	}
}

static void test_digest_does_not_depend_on_the_pieces(void **state)
{
	char text[1000];
	unsigned char whole[SHA256_BYTES], pieces[SHA256_BYTES];

	(void)state;
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (char)(i * 7);
	sha256_of(text, sizeof(text), whole);
	for (size_t step = 1; step < 200; step += 13) {
		struct sha256 h;

		sha256_init(&h);
		for (size_t i = 0; i < sizeof(text); i += step)
			sha256_add(&h, text + i, sizeof(text) - i < step ? sizeof(text) - i : step);
		sha256_final(&h, pieces);
		assert_memory_equal(whole, pieces, SHA256_BYTES);
	}
}

static void test_digest_refuses_what_is_not_hex(void **state)
{
	unsigned char out[SHA256_BYTES] = {42};
	char hex[SHA256_HEX];

	(void)state;
	memset(hex, 'a', sizeof(hex));
	assert_int_equal(sha256_from_hex(hex, 63, out), -1);
	assert_int_equal(sha256_from_hex(hex, 65, out), -1);
	hex[10] = 'g';
	assert_int_equal(sha256_from_hex(hex, 64, out), -1);
	hex[10] = '\0';
	assert_int_equal(sha256_from_hex(hex, 64, out), -1);
	assert_int_equal(out[0], 42);
	memset(hex, 'A', sizeof(hex));
	assert_int_equal(sha256_from_hex(hex, 64, out), 0);
	assert_int_equal(out[31], 0xaa);
}

static int temporary_file(char path[static 32])
{
	strcpy(path, "/tmp/assize-digest-XXXXXX");

	int fd = mkstemp(path);
	assert_true(fd >= 0);
	return fd;
}

static void test_digest_of_a_file_is_that_of_its_bytes(void **state)
{
	char path[32];
	size_t n = 1000003; /* not a multiple of anything */
	char *bytes = malloc(n);
	unsigned char want[SHA256_BYTES], got[SHA256_BYTES];
	int64_t size;
	int fd = temporary_file(path);

	(void)state;
	for (size_t i = 0; i < n; i++)
		bytes[i] = (char)(i % 251);
	assert_int_equal(write(fd, bytes, n), (ssize_t)n);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	assert_int_equal(sha256_file(fd, INT64_MAX, got, &size, NULL), 0);
	sha256_of(bytes, n, want);
	assert_memory_equal(want, got, SHA256_BYTES);
	assert_int_equal(size, n);
	(void)close(fd);
	(void)unlink(path);
	free(bytes);
}

static void test_digest_of_a_file_stops_at_the_deadline(void **state)
{
	char path[32];
	unsigned char out[SHA256_BYTES];
	struct err e = {.class = ERR_NONE};
	int64_t size;
	int fd = temporary_file(path);

	(void)state;
	assert_int_equal(write(fd, "abc", 3), 3);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	assert_int_equal(sha256_file(fd, 0, out, &size, &e), -1);
	assert_int_equal(e.class, ERR_MEASURE);
	assert_string_equal(e.message, "could not read to the end in time: 3 bytes digested");
	(void)close(fd);
	(void)unlink(path);
}

static void test_digest_of_a_file_read_from_the_middle_is_refused(void **state)
{
	char path[32];
	unsigned char out[SHA256_BYTES];
	struct err e = {.class = ERR_NONE};
	int64_t size;
	int fd = temporary_file(path);

	/* To the reader this is a file that shrank: fewer bytes than announced. */
	(void)state;
	assert_int_equal(write(fd, "abcdef", 6), 6);
	assert_int_equal(lseek(fd, 2, SEEK_SET), 2);
	assert_int_equal(sha256_file(fd, INT64_MAX, out, &size, &e), -1);
	assert_string_equal(e.message, "changed while it was read: 6 bytes announced, 4 read");
	(void)close(fd);
	(void)unlink(path);
}

static void test_digest_of_a_bad_descriptor_is_an_error(void **state)
{
	unsigned char out[SHA256_BYTES];
	struct err e = {.class = ERR_NONE};
	int64_t size;
	int fd = open("/", O_RDONLY);

	(void)state;
	assert_int_equal(sha256_file(-1, INT64_MAX, out, &size, &e), -1);
	assert_string_equal(e.message, "could not stat: Bad file descriptor");
	assert_int_equal(sha256_file(fd, INT64_MAX, out, &size, &e), -1);
	assert_string_equal(e.message, "could not read: Is a directory");
	(void)close(fd);
}

static void *digest_repeatedly(void *p)
{
	unsigned char out[SHA256_BYTES];
	char hex[SHA256_HEX];

	for (int i = 0; i < 1000; i++) {
		sha256_of("abc", 3, out);
		sha256_hex(out, hex);
		if (strcmp(hex, vectors[1].hex) != 0)
			return p;
	}
	return NULL;
}

static void test_digest_works_in_many_threads(void **state)
{
	pthread_t threads[8];

	(void)state;
	for (size_t i = 0; i < 8; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, digest_repeatedly, threads), 0);
	for (size_t i = 0; i < 8; i++) {
		void *failed;

		assert_int_equal(pthread_join(threads[i], &failed), 0);
		assert_null(failed);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_digest_knows_the_published_vectors),
		cmocka_unit_test(test_digest_does_not_depend_on_the_pieces),
		cmocka_unit_test(test_digest_refuses_what_is_not_hex),
		cmocka_unit_test(test_digest_of_a_file_is_that_of_its_bytes),
		cmocka_unit_test(test_digest_of_a_file_stops_at_the_deadline),
		cmocka_unit_test(test_digest_of_a_file_read_from_the_middle_is_refused),
		cmocka_unit_test(test_digest_of_a_bad_descriptor_is_an_error),
		cmocka_unit_test(test_digest_works_in_many_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
