/*
 * ledger_check: does a proof hold, what is canonical? For suites that live elsewhere.
 *
 *	ledger_check inclusion INDEX SIZE ROOT LEAF-HASH [PROOF..]
 *	ledger_check consistency OLD SIZE OLD-ROOT ROOT [PROOF..]
 *	ledger_check note KEY FILE
 *	ledger_check jcs FILE
 *
 * Hashes are base64. Prints yes or no (jcs: the canonical form); exit status 0. What cannot be a
 * hash, a size, a note or JSON at all is no. Used wrongly: 3.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/base64.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/num.h"
#include "runner/history/merkle.h"
#include "runner/io/file.h"
#include "runner/io/jcs.h"
#include "runner/io/note.h"

static bool read_hash(struct arena *a, const char *text, struct merkle_hash *out)
{
	size_t n;
	const unsigned char *bytes = base64_decode(a, text, strlen(text), &n);

	if (bytes == NULL || n != SHA256_BYTES)
		return false;
	memcpy(out->bytes, bytes, SHA256_BYTES);
	return true;
}

static bool read_size(const char *text, uint64_t *out)
{
	int64_t v;

	if (num_parse_int(text, strlen(text), &v) != 0 || v < 0)
		return false;
	*out = (uint64_t)v;
	return true;
}

static bool holds(struct arena *a, int argc, char **argv)
{
	bool is_inclusion = strcmp(argv[1], "inclusion") == 0;
	struct merkle_proof proof = {.n = 0};
	struct merkle_hash first, second;
	uint64_t low, size;

	if (argc - 6 > MERKLE_MAX_PROOF || !read_size(argv[2], &low) ||
	    !read_size(argv[3], &size) || !read_hash(a, argv[4], &first) ||
	    !read_hash(a, argv[5], &second))
		return false;
	for (int i = 6; i < argc; i++)
		if (!read_hash(a, argv[i], &proof.items[proof.n++]))
			return false;
	return is_inclusion ? merkle_includes(&second, low, size, &proof, &first)
			    : merkle_is_consistent(low, &first, size, &second, &proof);
}

static bool is_signed(struct arena *a, const char *line, const struct buf *text)
{
	struct note_key key;
	struct note note;

	return note_key_parse(a, line, &key, NULL) == 0 &&
	       note_parse(a, text->data, text->len, &note, NULL) == 0 &&
	       note_is_signed(&note, &key, NULL);
}

static int on_file(struct arena *a, int argc, char **argv)
{
	struct buf text, out;
	struct err e = {0};
	bool is_good = true;

	buf_init(&text, 64 * 1024 * 1024);
	buf_init(&out, BUF_UNBOUNDED);
	if (file_read(argv[argc - 1], &text, &e) != 0)
		return fprintf(stderr, "ledger_check: %s\n", e.message), 3;
	if (strcmp(argv[1], "note") == 0)
		(void)puts(is_signed(a, argv[2], &text) ? "yes" : "no");
	else if ((is_good = jcs_of_json(text.data, text.len, &out, &e) == 0))
		(void)fwrite(out.data, 1, out.len, stdout);
	else
		(void)puts("no");
	buf_release(&out);
	buf_release(&text);
	return 0;
}

int main(int argc, char **argv)
{
	struct arena *a = arena_new();
	int status = 0;

	if (argc >= 6 && (strcmp(argv[1], "inclusion") == 0 || strcmp(argv[1], "consistency") == 0))
		(void)puts(holds(a, argc, argv) ? "yes" : "no");
	else if ((argc == 4 && strcmp(argv[1], "note") == 0) ||
		 (argc == 3 && strcmp(argv[1], "jcs") == 0))
		status = on_file(a, argc, argv);
	else
		status = 3;
	arena_free(a);
	return status;
}
