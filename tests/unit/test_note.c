/* note: what golang.org/x/mod/sumdb/note accepts is accepted, and nothing else is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/io/note.h"

/* The example of the Go package's documentation. */
#define NEUMANN "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
#define TEXT                                                                                       \
	"If you think cryptography is the answer to your problem,\n"                               \
	"then you don't know what your problem is.\n"
#define SIGNATURE                                                                                  \
	"\xE2\x80\x94 PeterNeumann "                                                               \
	"x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNX"                          \
	"gKvqfqdngotpRZb6KE6RyyBwJnAM=\n"

struct world {
	struct arena *a;
	char dir[64], path[96];
};

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	w->a = arena_new();
	(void)snprintf(w->dir, sizeof(w->dir), "/tmp/assize-note.XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	(void)snprintf(w->path, sizeof(w->path), "%s/key", w->dir);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	(void)unlink(w->path); /* may not be there */
	assert_int_equal(rmdir(w->dir), 0);
	arena_free(w->a);
	free(w);
	return 0;
}

static bool is_signed(struct world *w, const char *text, const char *line)
{
	struct note note;
	struct note_key key;
	struct err e = {0};

	assert_int_equal(note_key_parse(w->a, line, &key, &e), 0);
	return note_parse(w->a, text, strlen(text), &note, &e) == 0 &&
	       note_is_signed(&note, &key, NULL);
}

static void test_note_of_another_program_is_read(void **state)
{
	struct world *w = *state;

	assert_true(is_signed(w, TEXT "\n" SIGNATURE, NEUMANN));
	assert_false(is_signed(w, "x" TEXT "\n" SIGNATURE, NEUMANN));
	/* a second signature of the same key does not help a first that is wrong */
	assert_false(is_signed(w, "x" TEXT "\n" SIGNATURE SIGNATURE, NEUMANN));
	/* an empty line within the text belongs to it */
	assert_false(is_signed(w, TEXT "\nmore\n\n" SIGNATURE, NEUMANN));
}

static void test_note_that_is_none_is_refused(void **state)
{
	static const char *const bad[] = {
		"",
		TEXT,
		TEXT "\n",
		TEXT SIGNATURE,
		TEXT "\nPeterNeumann x08go/ZJ\n",
		TEXT "\n\xE2\x80\x94 PeterNeumann\n",
		TEXT "\n\xE2\x80\x94 Peter+Neumann x08go/ZJ\n",
		TEXT "\n\xE2\x80\x94 PeterNeumann x08go_ZJ\n",
		TEXT "\n\xE2\x80\x94 PeterNeumann x08gow==\n",
		TEXT "\n" SIGNATURE "\n",
		"a\x01\n\n" SIGNATURE,
		"a\xff\n\n" SIGNATURE,
		TEXT "\n\xE2\x80\x94 PeterNeumann x08go/ZJ",
	};
	struct world *w = *state;
	struct note note;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct err e = {0};

		if (note_parse(w->a, bad[i], strlen(bad[i]), &note, &e) == 0)
			fail_msg("accepted: %s", bad[i]);
		assert_non_null(strstr(e.message, "not a signed note: "));
	}
}

static void test_note_key_that_is_none_is_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"PeterNeumann",
		"PeterNeumann+c74f20a3",
		"PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
		"PeterNeuman+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
		"PeterNeumann+c74f20a3+AhpC2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
		"+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
	};
	struct world *w = *state;
	struct note_key key;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct err e = {0};

		if (note_key_parse(w->a, bad[i], &key, &e) == 0)
			fail_msg("accepted: %s", bad[i]);
	}
}

static struct sign_key *new_key(struct world *w)
{
	struct sign_key *k;
	struct err e = {0};

	assert_int_equal(sign_key_make(w->path, &e), 0);
	assert_int_equal(sign_key_load(w->path, &k, &e), 0);
	return k;
}

static void test_note_signed_here_is_read_here(void **state)
{
	struct world *w = *state;
	struct sign_key *k = new_key(w);
	unsigned char public[SIGN_PUBLIC_BYTES];
	struct note_key key, read;
	const char *note, *twice;
	struct err e = {0};

	sign_key_public(k, public);
	key = note_key_of("shop.example/audits", public);
	assert_int_equal(note_key_parse(w->a, note_key_line(w->a, &key), &read, &e), 0);
	assert_int_equal(read.id, key.id);
	assert_int_equal(note_sign(w->a, TEXT, key.name, k, &note, &e), 0);
	assert_true(is_signed(w, note, note_key_line(w->a, &key)));
	assert_false(is_signed(w, note, NEUMANN));
	assert_int_equal(note_add_signature(w->a, note, "second", k, &twice, &e), 0);
	key = note_key_of("second", public);
	assert_true(is_signed(w, twice, note_key_line(w->a, &key)));
	assert_int_equal(note_sign(w->a, TEXT, "a b", k, &note, &e), -1);
	sign_key_free(k);
}

static void test_key_is_private_and_never_overwritten(void **state)
{
	struct world *w = *state;
	struct sign_key *k = new_key(w);
	struct err e = {0};
	struct stat st;

	sign_key_free(k);
	assert_int_equal(stat(w->path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(sign_key_make(w->path, &e), -1);
	assert_non_null(strstr(e.message, "the file is there already"));
	assert_int_equal(chmod(w->path, 0640), 0);
	e = (struct err){0};
	assert_int_equal(sign_key_load(w->path, &k, &e), -1);
	assert_non_null(strstr(e.message, "others may read or write it (mode 0640)"));
	e = (struct err){0};
	assert_int_equal(sign_key_parse("nonsense", 8, &k, &e), -1);
	assert_non_null(strstr(e.message, "not an Ed25519 private key"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_note_of_another_program_is_read),
		TEST(test_note_that_is_none_is_refused),
		TEST(test_note_key_that_is_none_is_refused),
		TEST(test_note_signed_here_is_read_here),
		TEST(test_key_is_private_and_never_overwritten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
