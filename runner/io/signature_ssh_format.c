/* signature_ssh_format: strings with their length before them, and lines with their options. */
#include "runner/io/signature_ssh_format.h"

#include <string.h>
#include <strings.h>
#include <time.h>

#include "runner/base/arena.h"
#include "runner/base/base64.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/num.h"
#include "runner/base/str.h"
#include "runner/base/utc.h"

static bool take_number(struct bytes *from, uint32_t *out)
{
	if (from->n < 4)
		return false;
	*out = num_be32(from->p);
	from->p += 4;
	from->n -= 4;
	return true;
}

static bool take_string(struct bytes *from, struct bytes *out)
{
	struct bytes left = *from;
	uint32_t n;

	if (!take_number(&left, &n) || n > left.n)
		return false;
	*out = (struct bytes){.p = left.p, .n = n};
	*from = (struct bytes){.p = left.p + n, .n = left.n - n};
	return true;
}

static bool is_word(struct bytes b, const char *word)
{
	return b.n == strlen(word) && memcmp(b.p, word, b.n) == 0;
}

static const struct curve {
	const char *type, *name, *curve;
	enum digest_type digest;
} curves[] = {
	{"ecdsa-sha2-nistp256", "nistp256", "P-256", DIGEST_SHA256},
	{"ecdsa-sha2-nistp384", "nistp384", "P-384", DIGEST_SHA384},
	{"ecdsa-sha2-nistp521", "nistp521", "P-521", DIGEST_SHA512},
	{"sk-ecdsa-sha2-nistp256@openssh.com", "nistp256", "P-256", DIGEST_SHA256},
};

#define TOKEN_ED25519 "sk-ssh-ed25519@openssh.com"
#define USED_BYTES    5 /* flags, and a counter of 32 bits */

static const struct curve *curve_of(const char *key_type)
{
	for (size_t i = 0; i < sizeof(curves) / sizeof(curves[0]); i++)
		if (strcmp(key_type, curves[i].type) == 0)
			return &curves[i];
	return NULL;
}

/* A key on a token says last what it is for: "ssh:", as a rule. */
static bool take_end(struct bytes *from, struct ssh_blob *out)
{
	return (!out->is_token || take_string(from, &out->application)) && from->n == 0;
}

/* What is behind the type of a key. */
static bool take_key(struct bytes from, struct ssh_blob *out)
{
	const struct curve *curve = curve_of(out->key_type);
	struct bytes name;

	if (curve)
		return take_string(&from, &name) && is_word(name, curve->name) &&
		       take_string(&from, &out->point) && take_end(&from, out);
	if (strcmp(out->key_type, "ssh-ed25519") == 0 || out->is_token)
		return take_string(&from, &out->point) && out->point.n == 32 &&
		       take_end(&from, out);
	if (!take_string(&from, &out->exponent) || !take_string(&from, &out->modulus) ||
	    from.n != 0)
		return false;

	struct bytes n = out->modulus;
	while (n.n > 0 && n.p[0] == 0)
		n = (struct bytes){.p = n.p + 1, .n = n.n - 1};
	if (n.n == 0)
		return false;
	out->rsa_bits = n.n * 8;
	for (unsigned char top = n.p[0]; !(top & 0x80); top = (unsigned char)(top << 1))
		out->rsa_bits--;
	return true;
}

/* NULL, or what is wrong with the signature's own part. */
static const char *take_signature(struct bytes from, struct ssh_blob *out)
{
	const struct curve *curve = curve_of(out->key_type);
	struct bytes type, inner;

	if (!take_string(&from, &type) || !take_string(&from, &out->raw) ||
	    from.n != (out->is_token ? USED_BYTES : 0))
		return "its signature is malformed";
	out->used = from;
	if (strcmp(out->key_type, "ssh-rsa") == 0) {
		if (is_word(type, "ssh-rsa"))
			return "it is made with SHA-1, which is broken";
		if (!is_word(type, "rsa-sha2-256") && !is_word(type, "rsa-sha2-512"))
			return "its signature is of another type than its key";
		out->scheme = is_word(type, "rsa-sha2-256") ? DIGEST_SHA256 : DIGEST_SHA512;
		return NULL;
	}
	if (!is_word(type, out->key_type))
		return "its signature is of another type than its key";
	if (!curve)
		return out->raw.n == 64 ? NULL : "its signature is malformed";
	out->scheme = curve->digest;
	inner = out->raw;
	return take_string(&inner, &out->r) && take_string(&inner, &out->s) && inner.n == 0
		       ? NULL
		       : "its signature is malformed";
}

const char *ssh_blob_parse(struct arena *a, struct bytes raw, struct ssh_blob *out)
{
	struct bytes key, type, signature;
	uint32_t version;

	*out = (struct ssh_blob){.rsa_bits = 0};
	if (raw.n < 6 || memcmp(raw.p, "SSHSIG", 6) != 0)
		return "what is inside it is no signature of OpenSSH";
	raw = (struct bytes){.p = raw.p + 6, .n = raw.n - 6};
	if (!take_number(&raw, &version) || version != 1)
		return "it is of a version that is not known";
	if (!take_string(&raw, &out->key) || !take_string(&raw, &out->namespace) ||
	    !take_string(&raw, &out->reserved) || !take_string(&raw, &out->digest_name) ||
	    !take_string(&raw, &signature) || raw.n != 0)
		return "it is malformed";
	if (is_word(out->digest_name, "sha512"))
		out->digest = DIGEST_SHA512;
	else if (is_word(out->digest_name, "sha256"))
		out->digest = DIGEST_SHA256;
	else
		return "its digest is neither sha256 nor sha512";
	key = out->key;
	if (!take_string(&key, &type))
		return "its key is malformed";
	out->key_type =
		str_escaped(a, arena_strndup(a, (const char *)type.p, type.n < 64 ? type.n : 64));
	out->is_certificate = strstr(out->key_type, "-cert-v01") != NULL;
	out->is_token = str_starts(out->key_type, "sk-");
	if (out->is_certificate)
		return NULL;
	if (!curve_of(out->key_type) && strcmp(out->key_type, TOKEN_ED25519) != 0 &&
	    strcmp(out->key_type, "ssh-rsa") != 0 && strcmp(out->key_type, "ssh-ed25519") != 0)
		return "its key is of a type that does not count";
	return take_key(key, out) ? take_signature(signature, out) : "its key is malformed";
}

static bool fits(const struct ssh_blob *blob, struct bytes message)
{
	const struct curve *curve = curve_of(blob->key_type);

	if (curve)
		return verify_ecdsa(curve->curve, blob->point, blob->r, blob->s, blob->scheme,
				    message);
	if (blob->rsa_bits > 0)
		return verify_rsa(blob->modulus, blob->exponent, blob->raw, blob->scheme, message);
	return verify_ed25519(blob->point, blob->raw, message);
}

/* What a token signs: digest of the application, flags, counter, digest of the message. */
bool ssh_verify(const struct ssh_blob *blob, struct bytes message)
{
	unsigned char wrapped[DIGEST_MAX_BYTES + USED_BYTES + DIGEST_MAX_BYTES];
	const size_t n = digest_size(DIGEST_SHA256);

	if (!blob->is_token)
		return fits(blob, message);
	digest_of(DIGEST_SHA256, blob->application.p, blob->application.n, wrapped);
	memcpy(wrapped + n, blob->used.p, USED_BYTES);
	digest_of(DIGEST_SHA256, message.p, message.n, wrapped + n + USED_BYTES);
	return fits(blob, (struct bytes){.p = wrapped, .n = n + USED_BYTES + n});
}

void ssh_put_string(struct buf *out, struct bytes s)
{
	unsigned char n[4] = {(unsigned char)(s.n >> 24), (unsigned char)(s.n >> 16),
			      (unsigned char)(s.n >> 8), (unsigned char)s.n};

	(void)buf_add(out, n, 4); /* the caller's buffer has no bound */
	(void)buf_add(out, s.p, s.n);
}

const char *ssh_fingerprint(struct arena *a, struct bytes key)
{
	unsigned char digest[DIGEST_MAX_BYTES];
	const char *text;

	digest_of(DIGEST_SHA256, key.p, key.n, digest);
	text = base64_encode(a, digest, 32);
	return arena_printf(a, "SHA256:%.*s", (int)strcspn(text, "="), text);
}

bool ssh_list_matches(const char *list, const char *word)
{
	bool matches = false;
	char pattern[256];

	for (const char *p = list; *p;) {
		size_t n = strcspn(p, ",");
		bool excludes = *p == '!';

		if (n - excludes >= sizeof(pattern))
			return false; /* nobody is called like that; an exclusion may not be lost */
		memcpy(pattern, p + excludes, n - excludes);
		pattern[n - excludes] = '\0';
		if (str_glob(pattern, word)) {
			if (excludes)
				return false;
			matches = true;
		}
		p += n;
		p += *p == ',';
	}
	return matches;
}

/* Of digits that were counted before. */
static int digits(const char *s, size_t n)
{
	int v = 0;

	for (size_t i = 0; i < n; i++)
		v = v * 10 + (s[i] - '0');
	return v;
}

int ssh_time_parse(const char *s, size_t n, int64_t *ms)
{
	bool is_utc = n > 0 && (s[n - 1] == 'Z' || s[n - 1] == 'z');
	size_t n_digits = n - is_utc;
	struct civil c = {.ms = 0}, back;
	int64_t at_ms;

	for (size_t i = 0; i < n_digits; i++)
		if (s[i] < '0' || s[i] > '9')
			return -1;
	if (n_digits != 8 && n_digits != 12 && n_digits != 14)
		return -1;
	c.year = digits(s, 4);
	c.month = digits(s + 4, 2);
	c.day = digits(s + 6, 2);
	if (n_digits >= 12) {
		c.hour = digits(s + 8, 2);
		c.minute = digits(s + 10, 2);
	}
	if (n_digits == 14)
		c.second = digits(s + 12, 2);
	if (c.month < 1 || c.month > 12 || c.day < 1 || c.hour > 23 || c.minute > 59 ||
	    c.second > 59)
		return -1;
	at_ms = utc_from_civil(&c);
	utc_civil(at_ms, &back);
	if (back.day != c.day) /* the 31st of June */
		return -1;
	if (!is_utc) {
		struct tm tm = {.tm_year = c.year - 1900,
				.tm_mon = c.month - 1,
				.tm_mday = c.day,
				.tm_hour = c.hour,
				.tm_min = c.minute,
				.tm_sec = c.second,
				.tm_isdst = -1};
		at_ms = (int64_t)mktime(&tm) * 1000;
	}
	if (at_ms <=
	    0) /* 0 is no bound to whoever keeps it; ssh-keygen takes none of them either */
		return -1;
	*ms = at_ms;
	return 0;
}

/* One word of a line; quotes belong to it and keep spaces inside. */
static bool take_word(const char **at, const char *end, const char **word, size_t *n)
{
	bool is_quoted = false;

	while (*at < end && (**at == ' ' || **at == '\t'))
		++*at;
	*word = *at;
	for (; *at < end && (is_quoted || (**at != ' ' && **at != '\t')); ++*at)
		is_quoted ^= **at == '"';
	*n = (size_t)(*at - *word);
	return *n > 0 && !is_quoted;
}

static bool is_key_type(const char *s, size_t n)
{
	return (n > 4 && memcmp(s, "ssh-", 4) == 0) || (n > 6 && memcmp(s, "ecdsa-", 6) == 0) ||
	       (n > 3 && memcmp(s, "sk-", 3) == 0);
}

static int take_public_key(struct arena *a, const char *at, const char *end, struct bytes *key,
			   struct err *e)
{
	const char *type, *text;
	size_t n_type, n;
	struct bytes left, inner;

	if (!take_word(&at, end, &type, &n_type) || !is_key_type(type, n_type) ||
	    !take_word(&at, end, &text, &n))
		return err_set(e, ERR_MEASURE, "there is no public key in it");
	key->p = base64_decode(a, text, n, &key->n);
	left = *key;
	if (!key->p || !take_string(&left, &inner) || inner.n != n_type ||
	    memcmp(inner.p, type, n_type) != 0)
		return err_set(e, ERR_MEASURE, "its public key is damaged");
	return 0;
}

/* Nothing, or a comment? */
static bool is_blank(const char *line, size_t n)
{
	while (n > 0 && (*line == ' ' || *line == '\t')) {
		line++;
		n--;
	}
	return n == 0 || *line == '#';
}

/* What stands behind a NUL would be lost, an exclusion or an end among it. */
static int refuse_nul(const char *line, size_t n, struct err *e)
{
	return memchr(line, '\0', n) ? err_set(e, ERR_MEASURE, "it holds a NUL byte: it is no text")
				     : 0;
}

int ssh_key_parse(struct arena *a, const char *line, size_t n, struct bytes *key, struct err *e)
{
	*key = (struct bytes){.n = 0};
	if (is_blank(line, n))
		return 0;
	return refuse_nul(line, n, e) < 0 ? -1 : take_public_key(a, line, line + n, key, e);
}

/* name or name="value" of n bytes. */
static int take_option(struct arena *a, const char *s, size_t n, struct ssh_signer *out,
		       struct err *e)
{
	const char *equal = memchr(s, '=', n);
	size_t n_name = equal ? (size_t)(equal - s) : n, n_value = equal ? n - n_name - 1 : 0;
	const char *name = arena_strndup(a, s, n_name), *value = equal ? equal + 1 : NULL;

	if (n_value >= 2 && value[0] == '"' && value[n_value - 1] == '"') {
		value++;
		n_value -= 2;
	}
	if (!value && strcasecmp(name, "cert-authority") == 0) {
		out->is_authority = true;
		return 0;
	}
	if (value && strcasecmp(name, "namespaces") == 0 && !out->namespaces) {
		out->namespaces = arena_strndup(a, value, n_value);
		return 0;
	}
	if (value && strcasecmp(name, "valid-after") == 0 && out->after_ms == 0)
		return ssh_time_parse(value, n_value, &out->after_ms) == 0
			       ? 0
			       : err_set(e, ERR_MEASURE, "its valid-after is no time");
	if (value && strcasecmp(name, "valid-before") == 0 && out->before_ms == 0)
		return ssh_time_parse(value, n_value, &out->before_ms) == 0
			       ? 0
			       : err_set(e, ERR_MEASURE, "its valid-before is no time");
	/* ssh-keygen takes none of them twice either: which would count? */
	if (value && (strcasecmp(name, "namespaces") == 0 || strcasecmp(name, "valid-after") == 0 ||
		      strcasecmp(name, "valid-before") == 0))
		return err_set(e, ERR_MEASURE, "it has the option \"%s\" twice",
			       str_escaped(a, name));
	return err_set(e, ERR_MEASURE, "\"%s\" is no option of allowed_signers",
		       str_escaped(a, name));
}

static int take_options(struct arena *a, const char *s, size_t n, struct ssh_signer *out,
			struct err *e)
{
	const char *end = s + n;

	while (s < end) {
		bool is_quoted = false;
		const char *at = s;

		for (; at < end && (is_quoted || *at != ','); at++)
			is_quoted ^= *at == '"';
		if (take_option(a, s, (size_t)(at - s), out, e) < 0)
			return -1;
		s = at + (at < end);
	}
	return 0;
}

int ssh_signer_parse(struct arena *a, const char *line, size_t n, struct ssh_signer *out,
		     struct err *e)
{
	const char *at = line, *end = line + n, *word, *before;
	size_t n_word;

	out->key = (struct bytes){.n = 0};
	if (is_blank(line, n))
		return 0;
	if (refuse_nul(line, n, e) < 0)
		return -1;
	if (!take_word(&at, end, &word, &n_word))
		return err_set(e, ERR_MEASURE, "its principals are not understood");
	if (n_word >= 2 && word[0] == '"') {
		word++;
		n_word -= 2;
	}
	out->principals = arena_strndup(a, word, n_word);
	before = at;
	if (!take_word(&at, end, &word, &n_word))
		return err_set(e, ERR_MEASURE, "there is no public key in it");
	if (!is_key_type(word, n_word)) {
		if (take_options(a, word, n_word, out, e) < 0)
			return -1;
		before = at;
	}
	return take_public_key(a, before, end, &out->key, e);
}
