/* One key for all formats: made when the first signature is. */
#include "audits/arsenal/signed.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runner/base/arena.h"
#include "runner/base/base64.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/io/copy.h"
#include "runner/io/digest.h"
#include "runner/io/digest_verify.h"
#include "runner/io/file.h"
#include "runner/io/sign.h"
#include "runner/io/signature_ssh_format.h"

#define ID_BYTES 8

static int load_key(const struct signing *s, struct sign_key **key, struct err *e)
{
	const char *path = arena_printf(s->arena, "%s/other.key", s->scratch);

	if (access(path, F_OK) != 0 && sign_key_make(path, e) < 0)
		return -1;
	return sign_key_load(path, key, e);
}

static int digest_path(const struct signing *s, const char *path, enum digest_type type,
		       unsigned char *out, struct err *e)
{
	struct stat st;
	int fd = file_open(path, &st, e), rc;

	if (fd < 0)
		return -1;
	rc = digest_file(type, fd, s->deadline_ms, out, e);
	(void)close(fd); /* only read from */
	return rc;
}

static void put_base64(struct arena *a, struct buf *out, struct bytes from, size_t width)
{
	const char *text = base64_encode(a, from.p, from.n);

	for (size_t left = strlen(text), part; left > 0; left -= part, text += part) {
		part = left < width ? left : width;
		(void)buf_add(out, text, part); /* the caller's bound is enough */
		(void)buf_putc(out, '\n');
	}
}

/* --- minisign --- */

int signed_minisign(const struct signing *s, struct buf *out, struct err *e)
{
	static const char comment[] = "signed by somebody";
	unsigned char digest[DIGEST_MAX_BYTES], public[SIGN_PUBLIC_BYTES];
	unsigned char line[2 + ID_BYTES + SIGN_SIGNATURE_BYTES] = "ED";
	unsigned char all[SIGN_SIGNATURE_BYTES + sizeof(comment) - 1];
	unsigned char global[SIGN_SIGNATURE_BYTES];
	struct sign_key *key;
	int rc;

	if (digest_path(s, s->file, DIGEST_BLAKE2B512, digest, e) < 0 || load_key(s, &key, e) < 0)
		return -1;
	sign_key_public(key, public);
	memcpy(line + 2, s->id != NULL ? s->id : public, ID_BYTES);
	rc = sign_message(key, digest, DIGEST_MAX_BYTES, line + 2 + ID_BYTES, e);
	if (rc == 0) {
		memcpy(all, line + 2 + ID_BYTES, SIGN_SIGNATURE_BYTES);
		memcpy(all + SIGN_SIGNATURE_BYTES, comment, sizeof(comment) - 1);
		rc = sign_message(key, all, sizeof(all), global, e);
	}
	sign_key_free(key);
	if (rc < 0)
		return -1;
	(void)buf_puts(out, "untrusted comment: signature\n"); /* the caller's bound is enough */
	put_base64(s->arena, out, (struct bytes){line, sizeof(line)}, sizeof(line) * 2);
	(void)buf_printf(out, "trusted comment: %s\n", comment);
	put_base64(s->arena, out, (struct bytes){global, sizeof(global)}, sizeof(global) * 2);
	return 0;
}

/* --- OpenSSH --- */

static struct bytes text_bytes(const char *s)
{
	return (struct bytes){(const unsigned char *)s, strlen(s)};
}

/* What both the blob and the signed message say. */
static void put_purpose(const struct signing *s, struct buf *b)
{
	ssh_put_string(b, text_bytes(s->namespace));
	ssh_put_string(b, text_bytes(""));
	ssh_put_string(b, text_bytes("sha512"));
}

static void put_typed(struct buf *b, const unsigned char *p, size_t n)
{
	struct buf inner;

	buf_init(&inner, BUF_UNBOUNDED); /* a key or a signature */
	ssh_put_string(&inner, text_bytes("ssh-ed25519"));
	ssh_put_string(&inner, (struct bytes){p, n});
	ssh_put_string(b, (struct bytes){(const unsigned char *)inner.data, inner.len});
	buf_release(&inner);
}

int signed_ssh(const struct signing *s, struct buf *out, struct err *e)
{
	unsigned char digest[DIGEST_MAX_BYTES], public[SIGN_PUBLIC_BYTES];
	unsigned char signature[SIGN_SIGNATURE_BYTES];
	struct buf message, blob;
	struct sign_key *key;
	int rc;

	if (digest_path(s, s->file, DIGEST_SHA512, digest, e) < 0 || load_key(s, &key, e) < 0)
		return -1;
	sign_key_public(key, public);
	buf_init(&message, BUF_UNBOUNDED); /* of one signature, both */
	buf_init(&blob, BUF_UNBOUNDED);
	(void)buf_puts(&message, "SSHSIG");
	put_purpose(s, &message);
	ssh_put_string(&message, (struct bytes){digest, DIGEST_MAX_BYTES});
	rc = sign_message(key, message.data, message.len, signature, e);
	(void)buf_add(&blob, "SSHSIG\0\0\0\1", 10);
	put_typed(&blob, public, sizeof(public));
	put_purpose(s, &blob);
	put_typed(&blob, signature, sizeof(signature));
	if (rc == 0) {
		(void)buf_puts(out, "-----BEGIN SSH SIGNATURE-----\n");
		put_base64(s->arena, out,
			   (struct bytes){(const unsigned char *)blob.data, blob.len}, 70);
		(void)buf_puts(out, "-----END SSH SIGNATURE-----\n");
	}
	buf_release(&message);
	buf_release(&blob);
	sign_key_free(key);
	return rc;
}

/* --- OpenPGP --- */

static void put_be(struct buf *b, uint32_t v, size_t n)
{
	while (n-- > 0)
		(void)buf_putc(b, (char)(v >> (8 * n) & 0xff));
}

/* A number without the zeros in front of it, behind its length in bits. */
static void put_mpi(struct buf *b, const unsigned char *p, size_t n)
{
	unsigned bits = 0;

	for (; n > 0 && *p == 0; n--)
		p++;
	for (unsigned top = n > 0 ? *p : 0; top > 0; top >>= 1)
		bits++;
	put_be(b, n > 0 ? (uint32_t)(8 * (n - 1)) + bits : 0, 2);
	(void)buf_add(b, p, n);
}

/* SHA-1 of the key's packet: RFC 4880, 12.2. */
static void fingerprint(const unsigned char *public, uint32_t made, unsigned char out[SHA1_BYTES])
{
	static const unsigned char curve[] = {9,    0x2b, 0x06, 0x01, 0x04,
					      0x01, 0xda, 0x47, 0x0f, 0x01};
	unsigned char point[1 + SIGN_PUBLIC_BYTES] = {0x40};
	struct buf body, all;

	memcpy(point + 1, public, SIGN_PUBLIC_BYTES);
	buf_init(&body, BUF_UNBOUNDED); /* of one key, both */
	buf_init(&all, BUF_UNBOUNDED);
	put_be(&body, 4, 1);
	put_be(&body, made, 4);
	put_be(&body, 22, 1);
	(void)buf_add(&body, curve, sizeof(curve));
	put_mpi(&body, point, sizeof(point));
	put_be(&all, 0x99, 1);
	put_be(&all, (uint32_t)body.len, 2);
	(void)buf_add(&all, body.data, body.len);
	sha1_of(all.data, all.len, out);
	buf_release(&body);
	buf_release(&all);
}

/* The part of the packet that is signed: version, type, algorithms, when and by whom. */
static void put_hashed(struct buf *b, uint32_t made, const unsigned char *print)
{
	static const unsigned char head[] = {4, 0, 22, 10};

	(void)buf_add(b, head, sizeof(head));
	put_be(b, 23 + 6, 2);
	put_be(b, 22, 1);
	put_be(b, 33, 1);
	put_be(b, 4, 1);
	(void)buf_add(b, print, SHA1_BYTES);
	put_be(b, 5, 1);
	put_be(b, 2, 1);
	put_be(b, made, 4);
}

/* SHA-512 of the file, what is signed of the packet, and the length of that. */
static int digest_with(const struct signing *s, const struct buf *hashed, unsigned char *out,
		       struct err *e)
{
	const char *path = arena_printf(s->arena, "%s/signed", s->scratch);
	struct buf tail;
	int fd, rc;

	if (copy_remove(path, e) < 0 || copy_entry(s->file, path, e) < 0)
		return -1;
	buf_init(&tail, BUF_UNBOUNDED); /* of one signature */
	(void)buf_add(&tail, hashed->data, hashed->len);
	put_be(&tail, 0x04ff, 2);
	put_be(&tail, (uint32_t)hashed->len, 4);
	fd = chmod(path, 0600) == 0 ? open(path, O_WRONLY | O_APPEND | O_CLOEXEC) : -1;
	rc = fd < 0 || file_write_all(fd, tail.data, tail.len) != 0
		     ? err_set(e, ERR_MEASURE, "could not write \"%s\": %s", path, strerror(errno))
		     : 0;
	if (fd >= 0 && close(fd) != 0 && rc == 0)
		rc = err_set(e, ERR_MEASURE, "could not write \"%s\": %s", path, strerror(errno));
	buf_release(&tail);
	if (rc == 0)
		rc = digest_path(s, path, DIGEST_SHA512, out, e);
	return copy_remove(path, rc == 0 ? e : NULL) < 0 ? -1 : rc;
}

static void put_packet(struct buf *out, const struct buf *hashed, const unsigned char *print,
		       const unsigned char *digest, const unsigned char *signature)
{
	struct buf body;

	buf_init(&body, BUF_UNBOUNDED); /* of one signature */
	(void)buf_add(&body, hashed->data, hashed->len);
	put_be(&body, 10, 2); /* not signed: the key's id */
	put_be(&body, 9, 1);
	put_be(&body, 16, 1);
	(void)buf_add(&body, print + SHA1_BYTES - ID_BYTES, ID_BYTES);
	(void)buf_add(&body, digest, 2);
	put_mpi(&body, signature, SIGN_SIGNATURE_BYTES / 2);
	put_mpi(&body, signature + SIGN_SIGNATURE_BYTES / 2, SIGN_SIGNATURE_BYTES / 2);
	put_be(out, 0x88, 1);
	put_be(out, (uint32_t)body.len, 1);
	(void)buf_add(out, body.data, body.len);
	buf_release(&body);
}

int signed_gpg(const struct signing *s, struct buf *out, struct err *e)
{
	unsigned char digest[DIGEST_MAX_BYTES], public[SIGN_PUBLIC_BYTES];
	unsigned char signature[SIGN_SIGNATURE_BYTES], print[SHA1_BYTES];
	uint32_t made = (uint32_t)(s->now_ms / 1000);
	struct sign_key *key;
	struct buf hashed;
	int rc;

	if (load_key(s, &key, e) < 0)
		return -1;
	sign_key_public(key, public);
	fingerprint(public, made, print);
	buf_init(&hashed, BUF_UNBOUNDED); /* of one signature */
	put_hashed(&hashed, made, print);
	rc = digest_with(s, &hashed, digest, e);
	if (rc == 0)
		rc = sign_message(key, digest, DIGEST_MAX_BYTES, signature, e);
	if (rc == 0)
		put_packet(out, &hashed, print, digest, signature);
	buf_release(&hashed);
	sign_key_free(key);
	return rc;
}
