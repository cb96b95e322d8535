/*
 * What is signed is the text up to and with its last newline. Every rule of the specification that
 * makes a note malformed makes it so here: a reader that forgives would see another note than its
 * neighbour.
 */
#include "runner/io/note.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/base64.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/num.h"
#include "runner/base/str.h"
#include "runner/base/utf8.h"
#include "runner/io/digest.h"
#include "runner/io/digest_verify.h"

#define DASH	    "\xE2\x80\x94 " /* U+2014 and a space */
#define DASH_BYTES  4
#define ID_BYTES    4
#define STAMP_BYTES 8

/* First four bytes of SHA-256(name || 0x0A || algorithm || key) */
static uint32_t key_id(const char *name, int algorithm,
		       const unsigned char public[static SIGN_PUBLIC_BYTES])
{
	unsigned char digest[SHA256_BYTES], kind = (unsigned char)algorithm;
	struct sha256 h;

	sha256_init(&h);
	sha256_add(&h, name, strlen(name));
	sha256_add(&h, "\n", 1);
	sha256_add(&h, &kind, 1);
	sha256_add(&h, public, SIGN_PUBLIC_BYTES);
	sha256_final(&h, digest);
	return num_be32(digest);
}

/* Unicode spaces, which Go's reader counts as such. */
static bool is_space(uint32_t c)
{
	return c <= ' ' || c == 0x7F || c == 0x85 || c == 0xA0 || c == 0x1680 ||
	       (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F ||
	       c == 0x205F || c == 0x3000;
}

bool note_is_name(const char *name)
{
	const char *end = name + strlen(name);

	for (const char *p = name; p < end;) {
		uint32_t c;
		size_t n = utf8_decode(p, (size_t)(end - p), &c);

		if (n == 0 || is_space(c) || c == '+')
			return false;
		p += n;
	}
	return name[0] != '\0';
}

static int malformed(struct err *e, const char *why)
{
	return err_set(e, ERR_MEASURE, "not a signed note: %s", why);
}

/* One line without its newline. */
static int parse_signature(struct arena *a, const char *line, size_t n, struct note_signature *out,
			   struct err *e)
{
	const char *space;
	const unsigned char *bytes;
	size_t n_bytes;

	if (n < DASH_BYTES || memcmp(line, DASH, DASH_BYTES) != 0)
		return malformed(e, "a line behind the text is no signature");
	line += DASH_BYTES;
	n -= DASH_BYTES;
	space = memchr(line, ' ', n);
	if (space == NULL)
		return malformed(e, "a signature without a name");
	out->name = arena_strndup(a, line, (size_t)(space - line));
	bytes = base64_decode(a, space + 1, n - (size_t)(space + 1 - line), &n_bytes);
	if (!note_is_name(out->name) || bytes == NULL || n_bytes <= ID_BYTES)
		return malformed(e, "a signature that cannot be read");
	out->id = num_be32(bytes);
	out->bytes = bytes + ID_BYTES;
	out->n = n_bytes - ID_BYTES;
	return 0;
}

static bool has_control(const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)text[i] < 0x20 && text[i] != '\n')
			return true;
	return false;
}

/* The last empty line divides text and signatures: the text may have empty lines of its own. */
static const char *find_division(const char *text, size_t n)
{
	const char *found = NULL;

	for (size_t i = 0; i + 1 < n; i++)
		if (text[i] == '\n' && text[i + 1] == '\n')
			found = text + i;
	return found;
}

int note_parse(struct arena *a, const char *text, size_t n, struct note *out, struct err *e)
{
	const char *division, *at, *end = text + n;
	struct note note = {0};

	if (n == 0 || n > NOTE_MAX_BYTES)
		return malformed(e, n == 0 ? "it is empty" : "it is larger than 1 MB");
	if (!str_is_utf8(text, n) || has_control(text, n) || text[n - 1] != '\n')
		return malformed(e, "not lines of UTF-8 text");
	division = find_division(text, n);
	if (division == NULL)
		return malformed(e, "no empty line before signatures");
	note.n = (size_t)(division - text) + 1;
	note.text = arena_strndup(a, text, note.n);
	note.signatures = arena_array(a, NOTE_MAX_SIGNATURES, sizeof(*note.signatures));
	for (at = division + 2; at < end;) {
		const char *line_end = memchr(at, '\n', (size_t)(end - at));

		if (note.n_signatures == NOTE_MAX_SIGNATURES)
			return malformed(e, "more than 100 signatures");
		if (parse_signature(a, at, (size_t)(line_end - at),
				    &note.signatures[note.n_signatures++], e) != 0)
			return -1;
		at = line_end + 1;
	}
	if (note.n_signatures == 0)
		return malformed(e, "nobody has signed it");
	*out = note;
	return 0;
}

/* ---- keys ---- */

struct note_key note_key_of(const char *name, const unsigned char public[static SIGN_PUBLIC_BYTES])
{
	struct note_key k = {.name = name, .algorithm = NOTE_ED25519};

	memcpy(k.public, public, SIGN_PUBLIC_BYTES);
	k.id = key_id(name, NOTE_ED25519, public);
	return k;
}

const char *note_key_line(struct arena *a, const struct note_key *k)
{
	unsigned char bytes[1 + SIGN_PUBLIC_BYTES];

	bytes[0] = (unsigned char)k->algorithm;
	memcpy(bytes + 1, k->public, SIGN_PUBLIC_BYTES);
	return arena_printf(a, "%s+%08" PRIx32 "+%s", k->name, k->id,
			    base64_encode(a, bytes, sizeof(bytes)));
}

static int no_key(struct err *e, const char *line, const char *why)
{
	(void)err_set(e, ERR_USAGE, "\"%.100s\" is no key of a note: %s", line, why);
	return err_help(e, "it is one line, NAME+ID+BASE64, as assize ledger init prints it");
}

int note_key_parse(struct arena *a, const char *line, struct note_key *out, struct err *e)
{
	const char *id = strchr(line, '+');
	const char *data = id != NULL ? strchr(id + 1, '+') : NULL;
	struct note_key k = {0};
	const unsigned char *bytes;
	char shown[16];
	size_t n;

	if (data == NULL || data - id != 9)
		return no_key(e, line, "not three parts joined by +");
	k.name = arena_strndup(a, line, (size_t)(id - line));
	bytes = base64_decode(a, data + 1, strlen(data + 1), &n);
	if (!note_is_name(k.name) || bytes == NULL || n != 1 + SIGN_PUBLIC_BYTES)
		return no_key(e, line, "its name or its bytes cannot be read");
	k.algorithm = bytes[0];
	if (k.algorithm != NOTE_ED25519 && k.algorithm != NOTE_COSIGNATURE)
		return no_key(e, line, "its algorithm is neither Ed25519 nor a witness's");
	memcpy(k.public, bytes + 1, SIGN_PUBLIC_BYTES);
	k.id = key_id(k.name, k.algorithm, k.public);
	(void)snprintf(shown, sizeof(shown), "%08" PRIx32, k.id);
	if (strncmp(shown, id + 1, 8) != 0)
		return no_key(e, line, "its id is that of another key");
	*out = k;
	return 0;
}

/* ---- signatures ---- */

static bool verify(const struct note_key *k, const void *message, size_t n,
		   const unsigned char *signature)
{
	return verify_ed25519((struct bytes){k->public, SIGN_PUBLIC_BYTES},
			      (struct bytes){signature, SIGN_SIGNATURE_BYTES},
			      (struct bytes){message, n});
}

/* "cosignature/v1\ntime N\n" and the text, of which the witness saw the time. */
static bool is_cosigned(const struct note *note, const struct note_key *k,
			const struct note_signature *s, int64_t *time_s)
{
	uint64_t stamp = 0;
	struct buf message;
	bool is_good;

	if (s->n != STAMP_BYTES + SIGN_SIGNATURE_BYTES)
		return false;
	for (size_t i = 0; i < STAMP_BYTES; i++)
		stamp = stamp << 8 | s->bytes[i];
	if (stamp == 0 || stamp > INT64_MAX / 1000)
		return false;
	buf_init(&message, BUF_UNBOUNDED); /* the note is bounded */
	(void)buf_printf(&message, "cosignature/v1\ntime %" PRIu64 "\n", stamp);
	(void)buf_add(&message, note->text, note->n);
	is_good = verify(k, message.data, message.len, s->bytes + STAMP_BYTES);
	buf_release(&message);
	if (is_good && time_s != NULL)
		*time_s = (int64_t)stamp;
	return is_good;
}

bool note_is_signed(const struct note *note, const struct note_key *k, int64_t *time_s)
{
	if (time_s != NULL)
		*time_s = 0;
	for (size_t i = 0; i < note->n_signatures; i++) {
		const struct note_signature *s = &note->signatures[i];

		if (s->id != k->id || strcmp(s->name, k->name) != 0)
			continue;
		/* The first one of a key counts: a second is either the same or a lie. */
		if (k->algorithm == NOTE_COSIGNATURE)
			return is_cosigned(note, k, s, time_s);
		return s->n == SIGN_SIGNATURE_BYTES && verify(k, note->text, note->n, s->bytes);
	}
	return false;
}

static int put_signature(struct buf *out, struct arena *a, const char *text, const char *name,
			 const struct sign_key *key, struct err *e)
{
	unsigned char bytes[ID_BYTES + SIGN_SIGNATURE_BYTES], public[SIGN_PUBLIC_BYTES];
	size_t n = strlen(text);
	uint32_t id;

	sign_key_public(key, public);
	id = key_id(name, NOTE_ED25519, public);
	for (size_t i = 0; i < ID_BYTES; i++)
		bytes[i] = (unsigned char)(id >> (24 - 8 * i));
	if (sign_message(key, text, n, bytes + ID_BYTES, e) != 0)
		return -1;
	return buf_printf(out, DASH "%s %s\n", name, base64_encode(a, bytes, sizeof(bytes)));
}

int note_sign(struct arena *a, const char *text, const char *name, const struct sign_key *key,
	      const char **out, struct err *e)
{
	struct buf b;
	int rc;

	if (!note_is_name(name))
		return err_set(e, ERR_USAGE, "\"%s\" cannot be the name of a key", name);
	buf_init(&b, NOTE_MAX_BYTES);
	(void)buf_printf(&b, "%s\n", text); /* the signature's result tells */
	rc = put_signature(&b, a, text, name, key, e);
	if (rc == 0)
		*out = arena_strndup(a, b.data, b.len);
	buf_release(&b);
	return rc;
}

int note_add_signature(struct arena *a, const char *note, const char *name,
		       const struct sign_key *key, const char **out, struct err *e)
{
	struct note parsed;
	struct buf b;
	int rc;

	if (note_parse(a, note, strlen(note), &parsed, e) != 0)
		return -1;
	buf_init(&b, NOTE_MAX_BYTES);
	(void)buf_puts(&b, note); /* the signature's result tells */
	rc = put_signature(&b, a, parsed.text, name, key, e);
	if (rc == 0)
		*out = arena_strndup(a, b.data, b.len);
	buf_release(&b);
	return rc;
}
