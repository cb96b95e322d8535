/* dsse: what is signed is read again; everything else is refused, whatever it is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/io/dsse.h"
#include "runner/io/sign.h"

struct world {
	struct arena *arena;
	char path[64];
	struct sign_key *key;
	unsigned char public[SIGN_PUBLIC_BYTES];
};

static int begin(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	struct err e = {0};
	char dir[] = "/tmp/assize-dsse.XXXXXX";

	if (!w || !mkdtemp(dir))
		return -1;
	w->arena = arena_new();
	strcpy(w->path, dir);
	strcat(w->path, "/key");
	if (sign_key_make(w->path, &e) < 0 || sign_key_load(w->path, &w->key, &e) < 0)
		return -1;
	sign_key_public(w->key, w->public);
	*state = w;
	return 0;
}

static int end(void **state)
{
	struct world *w = *state;

	(void)unlink(w->path);
	*strrchr(w->path, '/') = '\0';
	(void)rmdir(w->path);
	sign_key_free(w->key);
	arena_free(w->arena);
	free(w);
	return 0;
}

static const char *signed_text(struct world *w, enum dsse_form form, const char *p, size_t n)
{
	struct err e = {0};
	const char *out;

	assert_int_equal(dsse_sign(w->arena, form, "t/x", p, n, w->key, &out, &e), 0);
	return out;
}

static int verify(struct world *w, const char *text, const char *type, struct dsse *out)
{
	struct err e = {0};

	return dsse_verify(w->arena, text, strlen(text), type, w->public, out, &e);
}

static void test_dsse_reads_what_it_signed(void **state)
{
	static const char payload[] = "\0{\"a\":\"\xff\"}"; /* bytes, not text */
	struct world *w = *state;
	struct dsse got;

	for (int form = DSSE_ENVELOPE; form <= DSSE_BUNDLE; form++) {
		for (size_t n = 0; n < sizeof(payload); n++) {
			const char *text = signed_text(w, (enum dsse_form)form, payload, n);

			assert_int_equal(verify(w, text, "t/x", &got), 0);
			assert_int_equal(got.n, n);
			assert_memory_equal(got.payload, payload, n);
			assert_int_equal(verify(w, text, "t/y", &got), -1);
		}
	}
}

/* The text with one byte other than it was, everywhere. */
static void test_dsse_refuses_every_flipped_byte_that_matters(void **state)
{
	struct world *w = *state;
	const char *text = signed_text(w, DSSE_ENVELOPE, "{\"x\":1}", 7);
	size_t from = (size_t)(strstr(text, "payload") - text), n = strlen(text), n_taken = 0;
	char *copy = arena_strdup(w->arena, text);
	struct dsse got;

	for (size_t i = from; i < n - 1; i++) {
		copy[i] ^= 1;
		if (verify(w, copy, "t/x", &got) == 0) {
			/* the hint at the key is for finding it, and not signed */
			assert_int_equal(got.n, 7);
			assert_memory_equal(got.payload, "{\"x\":1}", 7);
			n_taken++;
		}
		copy[i] ^= 1;
	}
	assert_true(n_taken <= 64 + strlen("keyid"));
}

static void test_dsse_has_one_reading_of_base64(void **state)
{
	struct world *w = *state;
	/* 62 and 63 in the payload: + and / */
	const char *text = signed_text(w, DSSE_ENVELOPE, "\xfb\xff\xfe", 3);
	const char *const from = "\"payload\":\"+//+\"";
	static const struct {
		const char *to;
		int result;
	} cases[] = {
		{"\"payload\":\"+//+\"", 0},
		{"\"payload\":\"-__-\"", 0},
		{"\"payload\":\"-//-\"", -1},
		{"\"payload\":\"+__+\"", -1},
		{"\"payload\":\" +//+\"", -1},
		{"\"payload\":\"+//+=\"", -1},
		{"\"payload\":\"+//+====\"", -1},
		{"\"payload\":\"\"", -1},
		{"\"payload\":7", -1},
		{"\"payload\":null", -1},
	};
	const char *at = strstr(text, from);
	struct dsse got;

	assert_non_null(at);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const char *changed = arena_printf(w->arena, "%.*s%s%s", (int)(at - text), text,
						   cases[i].to, at + strlen(from));

		assert_int_equal(verify(w, changed, "t/x", &got), cases[i].result);
	}
}

static void test_dsse_refuses_what_is_none(void **state)
{
	static const char *const texts[] = {
		"",
		"{}",
		"[]",
		"null",
		"{\"payload\":\"\",\"payloadType\":\"t/x\"}",
		"{\"payload\":\"\",\"payloadType\":\"t/x\",\"signatures\":{}}",
		"{\"payload\":\"\",\"payloadType\":\"t/x\",\"signatures\":[]}",
		"{\"payload\":\"\",\"payloadType\":\"t/x\",\"signatures\":[7]}",
		"{\"payload\":\"\",\"payloadType\":\"t/x\",\"signatures\":[{\"sig\":\"\"}]}",
		"{\"payload\":\"\",\"payloadType\":\"t/x\",\"signatures\":[{\"sig\":\"AA==\"}]}",
		"{\"mediaType\":\"x\"}",
		"{\"mediaType\":\"application/vnd.dev.sigstore.bundle.v0.3+json\"}",
		("{\"mediaType\":\"application/vnd.dev.sigstore.bundle.v0.3+json\","
		 "\"dsseEnvelope\":[]}"),
	};
	struct world *w = *state;
	struct dsse got;

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		assert_int_equal(verify(w, texts[i], "t/x", &got), -1);
}

static void test_dsse_reads_public_keys(void **state)
{
	static const char good[] = "-----BEGIN PUBLIC KEY-----\n"
				   "MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n"
				   "-----END PUBLIC KEY-----\n"; /* RFC 8032, test 1 */
	static const char *const bad[] = {
		"",
		"-----BEGIN PUBLIC KEY-----\n",
		"-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----\n",
		("-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VuAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIa"
		 "aPcHURo=\n-----END PUBLIC KEY-----\n"), /* X25519 */
		"-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA\n-----END PUBLIC KEY-----\n",
		"-----END PUBLIC KEY-----\n-----BEGIN PUBLIC KEY-----\n",
	};
	struct world *w = *state;
	unsigned char key[SIGN_PUBLIC_BYTES];
	struct err e = {0};

	assert_int_equal(dsse_public_key(w->arena, good, strlen(good), key, &e), 0);
	assert_memory_equal(key, "\xd7\x5a\x98\x01\x82\xb1\x0a\xb7", 8);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(dsse_public_key(w->arena, bad[i], strlen(bad[i]), key, &e), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dsse_reads_what_it_signed),
		cmocka_unit_test(test_dsse_refuses_every_flipped_byte_that_matters),
		cmocka_unit_test(test_dsse_has_one_reading_of_base64),
		cmocka_unit_test(test_dsse_refuses_what_is_none),
		cmocka_unit_test(test_dsse_reads_public_keys),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
