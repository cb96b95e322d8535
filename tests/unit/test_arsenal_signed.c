/*
 * arsenal_signed: all that is wrong with these signatures is the key. Whoever trusts it accepts
 * them; the real tools say the same.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "audits/arsenal/signed.h"
#include "audits/signature.h"
#include "runner/base/arena.h"
#include "runner/base/base64.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/io/clock.h"
#include "runner/io/file.h"
#include "runner/io/sign.h"
#include "runner/io/signature_ssh_format.h"

struct world {
	struct arena *arena;
	struct clock clock;
	struct signing signing;
	unsigned char public[SIGN_PUBLIC_BYTES];
};

static void write_file(const char *path, const void *p, size_t n)
{
	FILE *f = fopen(path, "wb");

	assert_non_null(f);
	assert_int_equal(fwrite(p, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
}

static int begin(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	struct err e = {0};
	const char *dir;

	w->arena = arena_new();
	w->clock = clock_system();
	assert_int_equal(scratch_create(w->arena, "/tmp", &dir, &e), 0);
	w->signing = (struct signing){
		.arena = w->arena,
		.file = arena_printf(w->arena, "%s/file", dir),
		.scratch = dir,
		.deadline_ms = clock_monotonic_ms(&w->clock) + 60000,
		.now_ms = clock_wall_ms(&w->clock),
		.namespace = "file",
	};
	write_file(w->signing.file, "content\n", 8);
	*state = w;
	return 0;
}

static int end(void **state)
{
	struct world *w = *state;
	struct err e = {0};

	assert_int_equal(scratch_remove(w->signing.scratch, &e), 0);
	arena_free(w->arena);
	free(w);
	return 0;
}

static void know_key(struct world *w)
{
	struct sign_key *key;
	struct err e = {0};

	assert_int_equal(
		sign_key_load(arena_printf(w->arena, "%s/other.key", w->signing.scratch), &key, &e),
		0);
	sign_key_public(key, w->public);
	sign_key_free(key);
}

static struct signature_job job_of(struct world *w, const struct buf *text)
{
	return (struct signature_job){
		.arena = w->arena,
		.clock = &w->clock,
		.deadline_ms = w->signing.deadline_ms,
		.limit_ms = 60000,
		.at_ms = w->signing.now_ms,
		.file = w->signing.file,
		.text = arena_strndup(w->arena, text->data, text->len),
		.n = text->len,
		.scratch = w->signing.scratch,
	};
}

static void test_arsenal_signed_minisign(void **state)
{
	struct world *w = *state;
	unsigned char line[2 + 8 + SIGN_PUBLIC_BYTES] = "Ed";
	struct signature_answer answer = {0};
	struct minisign_spec spec = {0};
	struct signature_job job;
	struct err e = {0};
	struct buf text;

	for (int forged = 0; forged < 2; forged++) {
		w->signing.id = forged ? (const unsigned char *)"trusted!" : NULL;
		buf_init(&text, SIGNATURE_MAX_BYTES);
		assert_int_equal(signed_minisign(&w->signing, &text, &e), 0);
		know_key(w);
		memcpy(line + 2, forged ? w->signing.id : w->public, 8);
		memcpy(line + 10, w->public, SIGN_PUBLIC_BYTES);
		spec.key = base64_encode(w->arena, line, sizeof(line));
		job = job_of(w, &text);
		assert_int_equal(signature_minisign(&job, &spec, &answer, &e), 0);
		assert_true(answer.is_valid);
		assert_string_equal(answer.comment, "signed by somebody");
		line[20] ^= 1;
		spec.key = base64_encode(w->arena, line, sizeof(line));
		assert_int_equal(signature_minisign(&job, &spec, &answer, &e), 0);
		assert_false(answer.is_valid);
		line[20] ^= 1;
		buf_release(&text);
	}
}

static void test_arsenal_signed_ssh(void **state)
{
	struct world *w = *state;
	const char *path = arena_printf(w->arena, "%s/allowed", w->signing.scratch), *line;
	struct ssh_keys keys = {
		.allowed_signers = path, .identity = "release@example.com", .namespace = "file"};
	struct signature_answer answer = {0};
	struct signature_job job;
	struct buf text, key;
	struct err e = {0};

	buf_init(&text, SIGNATURE_MAX_BYTES);
	buf_init(&key, BUF_UNBOUNDED);
	assert_int_equal(signed_ssh(&w->signing, &text, &e), 0);
	know_key(w);
	ssh_put_string(&key, (struct bytes){(const unsigned char *)"ssh-ed25519", 11});
	ssh_put_string(&key, (struct bytes){w->public, SIGN_PUBLIC_BYTES});
	line = arena_printf(w->arena, "release@example.com ssh-ed25519 %s\n",
			    base64_encode(w->arena, key.data, key.len));
	write_file(path, line, strlen(line));
	job = job_of(w, &text);
	assert_int_equal(signature_ssh(&job, &keys, &answer, &e), 0);
	assert_true(answer.is_valid);
	keys.identity = "other@example.com";
	assert_int_equal(signature_ssh(&job, &keys, &answer, &e), 0);
	assert_false(answer.is_valid);
	buf_release(&text);
	buf_release(&key);
}

/* Without the key gpgv only reads it: what it says of it is as of one of gpg's own. */
static void test_arsenal_signed_gpg(void **state)
{
	struct world *w = *state;
	const char *dir = w->signing.scratch;
	const char *path = arena_printf(w->arena, "%s/file.sig", dir), *at;
	char line[512] = "", all[8192] = "";
	struct err e = {0};
	struct buf text;
	FILE *out;

	buf_init(&text, SIGNATURE_MAX_BYTES);
	assert_int_equal(signed_gpg(&w->signing, &text, &e), 0);
	write_file(path, text.data, text.len);
	write_file(arena_printf(w->arena, "%s/ring.gpg", dir), "", 0);
	buf_release(&text);
	out = popen(arena_printf(w->arena,
				 "GNUPGHOME=%s gpgv --keyring %s/ring.gpg --status-fd 1 %s %s "
				 "2>/dev/null",
				 dir, dir, path, w->signing.file),
		    "r");
	assert_non_null(out);
	while (fgets(line, sizeof(line), out) != NULL)
		(void)strncat(all, line, sizeof(all) - strlen(all) - 1);
	(void)pclose(out); /* it cannot verify */
	assert_null(strstr(all, "BADSIG"));
	at = strstr(all, "ERRSIG");
	assert_non_null(at);
	/* EdDSA, SHA-512, of a binary document, no public key (9), by a whole fingerprint */
	assert_non_null(strstr(at, " 22 10 00 "));
	assert_non_null(strstr(at, " 9 "));
	assert_non_null(strstr(all, "NO_PUBKEY"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_arsenal_signed_minisign, begin, end),
		cmocka_unit_test_setup_teardown(test_arsenal_signed_ssh, begin, end),
		cmocka_unit_test_setup_teardown(test_arsenal_signed_gpg, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
