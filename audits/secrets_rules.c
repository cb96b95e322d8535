/*
 * secrets_rules: a table of beginnings, and what must stand behind each of them.
 *
 * A secret is told from what only looks like one: by its checksum where it has one, else by the
 * disorder of its characters, and by the examples of the vendors' own manuals.
 */
#include "audits/secrets_rules.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "audits/secrets_scan.h"
#include "runner/io/digest.h"

/* --- characters --- */

static bool is_alnum(unsigned char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_upper(unsigned char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool is_hex(unsigned char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

static bool is_word(unsigned char c)
{
	return is_alnum(c) || c == '_' || c == '-';
}

static bool is_base64(unsigned char c)
{
	return is_alnum(c) || c == '+' || c == '/' || c == '=';
}

static bool is_dotted(unsigned char c)
{
	return is_word(c) || c == '.';
}

static bool is_path(unsigned char c)
{
	return is_alnum(c) || c == '/';
}

static bool is_userinfo(unsigned char c)
{
	return c > ' ' && c < 127 && !strchr("/@:\"'<>`\\|{}$", c);
}

/* At most `most` of them: a beginning that is repeated must not be looked at from each to the end.
 */
static size_t span(const struct secret_sight *s, size_t from, size_t most,
		   bool (*is)(unsigned char))
{
	size_t n = 0;

	while (n < most && from + n < s->n && is(s->p[from + n]))
		n++;
	return n;
}

/* How much of what is ahead is looked at, however much more happens to be there already. */
static size_t ahead(const struct secret_sight *s)
{
	return s->n < SECRET_WINDOW ? s->n : SECRET_WINDOW;
}

/* Where the text begins, from a place on; all that is looked at when it is nowhere. */
static size_t until(const struct secret_sight *s, size_t from, const char *text)
{
	size_t n = strlen(text);

	for (size_t at = from; at + n <= ahead(s); at++)
		if (memcmp(s->p + at, text, n) == 0)
			return at;
	return ahead(s);
}

/* Bits a character, after Shannon: "aaaa" 0, random base64 above 4. */
static double disorder(const unsigned char *p, size_t n)
{
	unsigned counts[256] = {0};
	double bits = 0;

	for (size_t i = 0; i < n; i++)
		counts[p[i]]++;
	for (size_t i = 0; i < 256; i++) {
		double share = (double)counts[i] / (double)n;

		if (counts[i] > 0)
			bits -= share * log2(share);
	}
	return bits;
}

/* --- rules: the length of the secret at s, 0 when there is none --- */

struct rule {
	const char *begins;
	const char *name;
	size_t least, most; /* characters behind the beginning */
	bool (*is)(unsigned char);
	size_t (*find)(const struct rule *r, const struct secret_sight *s);
};

/* A number of characters that are in order neither by chance nor by hand. */
static size_t find_token(const struct rule *r, const struct secret_sight *s)
{
	size_t head = strlen(r->begins);
	size_t n = is_word(s->p[-1]) ? 0 : span(s, head, r->most + 1, r->is);

	if (n == 0 || n < r->least || n > r->most)
		return 0;
	if (disorder(s->p + head, n) < (n < 24 ? 2.5 : 3.0))
		return 0;
	/* The keys of the vendors' own manuals. */
	if (n >= 7 && memcmp(s->p + head + n - 7, "EXAMPLE", 7) == 0)
		return 0;
	return head + n;
}

/* The last six are the CRC-32 of those before, in base 62: GitHub, npm. */
static size_t find_checked_token(const struct rule *r, const struct secret_sight *s)
{
	static const char digits[] =
		"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
	size_t head = strlen(r->begins), n = span(s, head, 37, is_alnum);

	if (is_word(s->p[-1]) || n != 36)
		return 0;

	uint32_t crc = crc32_add(0, s->p + head, n - 6);
	for (size_t i = 0; i < 6; i++, crc /= 62)
		if (s->p[head + n - 1 - i] != (unsigned char)digits[crc % 62])
			return 0;
	return head + n;
}

/*
 * "-----BEGIN ... PRIVATE KEY-----" and a body, also with its line ends written as \n. The secret
 * is all of it up to the end mark: the head is that of every key, and so is the first line of many.
 */
static size_t find_private_key(const struct rule *r, const struct secret_sight *s)
{
	size_t at = strlen(r->begins), head, n = 0;

	while (at < s->n && (is_upper(s->p[at]) || s->p[at] == ' '))
		at++;
	head = at;
	if (head < 11 + 11 || s->n < head + 5 || memcmp(s->p + head, "-----", 5) != 0)
		return 0;
	if (memcmp(s->p + head - 11, "PRIVATE KEY", 11) != 0 &&
	    (head < 17 + 11 || memcmp(s->p + head - 17, "PRIVATE KEY BLOCK", 17) != 0))
		return 0;
	/* Headers of the old format and of PGP stand between: look for a long line of base64. */
	for (at = head + 5; at < s->n && at < head + 1024; at++) {
		n = span(s, at, 1024, is_base64);
		if (n >= 40)
			return until(s, at, "-----");
		at += n;
		if (at + 5 <= s->n && memcmp(s->p + at, "-----", 5) == 0)
			return 0;
	}
	return 0;
}

/* PuTTY writes no end mark; the last line is a checksum. */
static size_t find_putty_key(const struct rule *r, const struct secret_sight *s)
{
	return until(s, until(s, strlen(r->begins), "Private-MAC"), "\n");
}

/* Does the base64url hold "alg" with a value that is no "none"? */
static bool is_jws_header(const unsigned char *p, size_t n)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	char text[1024];
	size_t len = 0;
	uint32_t bits = 0;
	const char *alg;

	for (size_t i = 0; i < n; i++) {
		const char *digit = strchr(digits, p[i]);

		if (!digit || p[i] == '\0')
			return false;
		bits = bits << 6 | (uint32_t)(digit - digits);
		if (i % 4 != 0)
			text[len++] = (char)(bits >> (6 - 2 * (i % 4)) & 0xFF);
	}
	text[len] = '\0';
	alg = strstr(text, "\"alg\"");
	return alg && !strstr(alg, "none");
}

/* "://user:password@": a password that is no placeholder. */
static size_t find_url(const struct rule *r, const struct secret_sight *s)
{
	size_t at = strlen(r->begins), user = span(s, at, r->most, is_userinfo), n;

	at += user;
	if (at >= s->n || s->p[at] != ':' || !is_alnum(s->p[-1]))
		return 0;
	n = span(s, ++at, r->most, is_userinfo);
	if (n < r->least || at + n >= s->n || s->p[at + n] != '@' || disorder(s->p + at, n) <= 2.75)
		return 0;
	return at + n;
}

/* ":AA..." behind the number of a bot. */
static size_t find_telegram_token(const struct rule *r, const struct secret_sight *s)
{
	size_t head = strlen(r->begins), n = span(s, head, r->most + 1, r->is);

	if (s->p[-1] < '0' || s->p[-1] > '9' || n != r->least || disorder(s->p + head, n) < 3.5)
		return 0;
	return head + n;
}

/* Three parts with points between, of which the first is JSON that names an algorithm. */
static size_t find_jwt(const struct rule *r, const struct secret_sight *s)
{
	/* Of RFC 7519, jwt.io and PyJWT: {"iss":"joe", {"sub":"1234567890", {"some":"payload" */
	static const char *const examples[] = {"eyJpc3MiOiJqb2Ui", "eyJzdWIiOiIxMjM0NTY3ODkw",
					       "eyJzb21lIjoicGF5bG9hZCJ9"};
	size_t header = is_word(s->p[-1]) ? 0 : span(s, 0, 1024, is_word), claims, signature, at;

	(void)r;
	at = header + 1;
	if (at >= s->n || s->p[header] != '.' || s->p[at] != 'e' || !is_jws_header(s->p, header))
		return 0;
	claims = span(s, at, 4096, is_word);
	for (size_t i = 0; i < sizeof(examples) / sizeof(examples[0]); i++)
		if (claims >= strlen(examples[i]) &&
		    memcmp(s->p + at, examples[i], strlen(examples[i])) == 0)
			return 0;
	at += claims;
	if (at >= s->n || s->p[at] != '.')
		return 0;
	/* 256 bits are the least that RFC 7518 allows; no signature is no secret. */
	signature = span(s, ++at, 2048, is_word);
	return signature >= 43 && disorder(s->p + at, signature) >= 3.5 ? at + signature : 0;
}

static const struct rule rules[] = {
	{"-----BEGIN ", "private key", 0, 0, NULL, find_private_key},
	{"PuTTY-User-Key-File-", "private key of PuTTY", 0, 0, NULL, find_putty_key},
	{"AKIA", "AWS access key", 16, 16, is_upper, find_token},
	{"ASIA", "AWS access key", 16, 16, is_upper, find_token},
	{"ghp_", "GitHub token", 36, 36, is_alnum, find_checked_token},
	{"gho_", "GitHub token", 36, 36, is_alnum, find_checked_token},
	{"ghu_", "GitHub token", 36, 36, is_alnum, find_checked_token},
	{"ghs_", "GitHub token", 36, 36, is_alnum, find_checked_token},
	{"ghr_", "GitHub token", 36, 36, is_alnum, find_checked_token},
	{"github_pat_", "GitHub token", 82, 82, is_word, find_token},
	{"glpat-", "GitLab token", 20, 300, is_word, find_token},
	{"npm_", "npm token", 36, 36, is_alnum, find_checked_token},
	{"pypi-AgEIcHlwaS5vcmc", "PyPI token", 50, 1000, is_word, find_token},
	{"AIza", "Google API key", 35, 35, is_word, find_token},
	{"xoxb-", "Slack token", 20, 300, is_word, find_token},
	{"xoxp-", "Slack token", 20, 300, is_word, find_token},
	{"xoxa-", "Slack token", 20, 300, is_word, find_token},
	{"xoxr-", "Slack token", 20, 300, is_word, find_token},
	{"xoxs-", "Slack token", 20, 300, is_word, find_token},
	{"xapp-", "Slack token", 20, 300, is_word, find_token},
	{"sk_live_", "Stripe key", 24, 300, is_alnum, find_token},
	{"rk_live_", "Stripe key", 24, 300, is_alnum, find_token},
	{"hooks.slack.com/services/", "Slack webhook", 40, 80, is_path, find_token},
	{"sk-ant-", "Anthropic API key", 80, 300, is_word, find_token},
	{"sk-proj-", "OpenAI API key", 40, 300, is_word, find_token},
	{"hf_", "Hugging Face token", 34, 34, is_alnum, find_token},
	{"SG.", "SendGrid API key", 66, 66, is_dotted, find_token},
	{"dop_v1_", "DigitalOcean token", 64, 64, is_alnum, find_token},
	{"SK", "Twilio API key", 32, 32, is_hex, find_token},
	{":AA", "Telegram bot token", 33, 33, is_word, find_telegram_token},
	{"eyJ", "JSON web token", 0, 0, NULL, find_jwt},
	{"hvs.", "Vault token", 24, 300, is_word, find_token},
	{"glrt-", "GitLab token", 20, 300, is_word, find_token},
	{"gldt-", "GitLab token", 20, 300, is_word, find_token},
	{"ATATT3xFfGF0", "Atlassian token", 100, 400, is_word, find_token},
	{"AGE-SECRET-KEY-1", "age key", 58, 58, is_upper, find_token},
	{"AccountKey=", "Azure storage key", 88, 88, is_base64, find_token},
	{"client-key-data: ", "key of a kubeconfig", 40, 8000, is_base64, find_token},
	{"_authToken=", "npm token", 20, 300, is_word, find_token},
	{"://", "password in a URL", 8, 300, NULL, find_url},
};

#define N_RULES (sizeof(rules) / sizeof(rules[0]))

bool secrets_rule_begins(unsigned char c)
{
	switch (c) {
	case '-':
	case ':':
	case 'A':
	case 'P':
	case 'S':
	case '_':
	case 'c':
	case 'd':
	case 'e':
	case 'g':
	case 'h':
	case 'n':
	case 'p':
	case 'r':
	case 's':
	case 'x':
		return true;
	default: /* any other byte */
		return false;
	}
}

size_t secrets_rule_find(const struct secret_sight *s, const char **name)
{
	for (size_t i = 0; i < N_RULES; i++) {
		const struct rule *r = &rules[i];
		size_t n = strlen(r->begins);

		if (r->begins[0] != (char)*s->p || s->n < n || memcmp(s->p, r->begins, n) != 0)
			continue;
		n = r->find(r, s);
		if (n > 0) {
			*name = r->name;
			return n;
		}
	}
	return 0;
}
