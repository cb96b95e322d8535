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
#include <strings.h>

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

/* What stands between a name and its value: of ini, shell, JSON, also inside a text, YAML and XML.
 */
static bool is_between(unsigned char c)
{
	return c != '\0' && strchr(" \t\r\n\"'`\\:=,>|-[](){}", c);
}

static bool is_blank(unsigned char c)
{
	return c == ' ' || c == '\t';
}

static bool is_block_sign(unsigned char c)
{
	return c == '+' || (c >= '1' && c <= '9');
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

	if (n > 0 && s->p[head + n - 1] == '.') /* of the sentence */
		n--;
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
static size_t jwt_length(const struct secret_sight *s, size_t from)
{
	/* Of RFC 7519, jwt.io and PyJWT: {"iss":"joe", {"sub":"1234567890", {"some":"payload" */
	static const char *const examples[] = {"eyJpc3MiOiJqb2Ui", "eyJzdWIiOiIxMjM0NTY3ODkw",
					       "eyJzb21lIjoicGF5bG9hZCJ9"};
	size_t header = span(s, from, 1024, is_word), claims, signature, at = from + header + 1;

	if (at >= s->n || s->p[at - 1] != '.' || s->p[at] != 'e' ||
	    !is_jws_header(s->p + from, header))
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
	return signature >= 43 && disorder(s->p + at, signature) >= 3.5 ? at + signature - from : 0;
}

static size_t find_jwt(const struct rule *r, const struct secret_sight *s)
{
	(void)r;
	return is_word(s->p[-1]) ? 0 : jwt_length(s, 0);
}

/* Of an installation: with a checksum, or since 2026 the number of the app and a JSON web token. */
static size_t find_installation_token(const struct rule *r, const struct secret_sight *s)
{
	size_t checked = find_checked_token(r, s), at = strlen(r->begins), n;

	if (checked > 0 || is_word(s->p[-1]))
		return checked;
	at += span(s, at, 64, is_alnum);
	if (at >= s->n || s->p[at++] != '_')
		return 0;
	n = jwt_length(s, at);
	return n > 0 ? at + n : 0;
}

/* The base64 of "OpenAI" stands in the middle of each. */
static size_t find_openai_key(const struct rule *r, const struct secret_sight *s)
{
	size_t n = find_token(r, s);
	const struct secret_sight token = {s->p, n};

	return until(&token, 0, "T3BlbkFJ") < n ? n : 0;
}

/* --- secrets that are known by the name beside them --- */

/* The word in any case and what may part it from the next: what is behind both; from: no word. */
static size_t behind_word(const struct secret_sight *s, size_t from, const char *word)
{
	size_t n = strlen(word);

	if (from + n > s->n || strncasecmp((const char *)s->p + from, word, n) != 0)
		return from;
	n += from;
	return n < s->n && s->p[n] != '\0' && strchr("_-. ", s->p[n]) ? n + 1 : n;
}

/* 30 random bytes in base64: no path, no digest, and not the key of the manual. */
static bool is_aws_secret(const unsigned char *p)
{
	bool has_upper = false, has_lower = false, has_other = false;

	for (size_t i = 0; i < 40; i++) {
		has_upper |= p[i] >= 'A' && p[i] <= 'Z';
		has_lower |= p[i] >= 'a' && p[i] <= 'z';
		has_other |= !is_hex(p[i] | 0x20);
		if (i + 7 <= 40 && memcmp(p + i, "EXAMPLE", 7) == 0)
			return false;
	}
	return has_upper && has_lower && has_other && disorder(p, 40) >= 4.0;
}

/*
 * aws_secret_access_key, SecretAccessKey, AWS_SECRET_KEY and the like, and 40 characters. A name of
 * both, "aws" and "secret access key", is found from its "secret" on.
 */
static size_t find_aws_secret(const struct rule *r, const struct secret_sight *s)
{
	bool is_aws = (r->begins[0] | 0x20) == 'a';
	size_t secret = behind_word(s, 0, is_aws ? "aws" : ""),
	       access = behind_word(s, secret, "secret"), key = behind_word(s, access, "access"),
	       at = behind_word(s, key, "key"), n;

	if (access == secret || (key > access) == is_aws || (at == key && !is_aws))
		return 0;
	/* What parted the words parts the last of them from its value as well. */
	at -= is_between(s->p[at - 1]);
	n = span(s, at, 64, is_between);
	at += n;
	/* Of a container's environment: the name, then "value" and it. */
	if (behind_word(s, at, "value") > at && span(s, at + 5, 1, is_between) > 0) {
		at += 5;
		at += span(s, at, 64, is_between);
	}
	if (n == 0 || span(s, at, 41, is_base64) != 40 ||
	    (at + 40 < s->n && is_word(s->p[at + 40])))
		return 0;
	return is_aws_secret(s->p + at) ? at + 40 : 0;
}

/* The name may be the end of a longer one. The key of Azure's emulator is the same everywhere. */
static size_t find_named_token(const struct rule *r, const struct secret_sight *s)
{
	static const char public[] = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6";
	size_t name = strlen(r->begins), n = span(s, name, 64, is_between), at = name + n;

	if (n == 0 || s->p[name] == '-')
		return 0;
	n = span(s, at, r->most + 1, r->is);
	if (n < r->least || n > r->most || memcmp(s->p + at, public, sizeof(public) - 1) == 0)
		return 0;
	return disorder(s->p + at, n) >= 3.0 ? at + n : 0;
}

/* Behind the end of a line and the indentation of the next; from: no line ends there. */
static size_t next_line(const struct secret_sight *s, size_t from)
{
	size_t at = from + (from < s->n && s->p[from] == '\r');

	if (at >= s->n || s->p[at] != '\n')
		return from;
	return at + 1 + span(s, at + 1, 64, is_blank);
}

/* Behind the lines of base64 that follow, as far as a rule looks. */
static size_t behind_block(const struct rule *r, const struct secret_sight *s, size_t end)
{
	for (;;) {
		size_t at = next_line(s, end), n = at > end ? span(s, at, r->most, r->is) : 0;
		bool is_last = at + n == s->n && s->n < SECRET_WINDOW;

		at += n;
		if (n == 0 || (!is_last && (at >= ahead(s) || next_line(s, at) == at)))
			return end;
		end = at;
	}
}

/* On the line of its name, or below it in a block of YAML. */
static size_t find_kubeconfig_key(const struct rule *r, const struct secret_sight *s)
{
	size_t name = strlen(r->begins), n = span(s, name, 64, is_between), at = name + n;
	bool is_block = memchr(s->p + name, '\n', n) != NULL;

	/* Part of a longer name is another. */
	if (n == 0 || is_word(s->p[-1]) || is_word(s->p[name]))
		return 0;
	/* "|+" and "|2" say how the block ends and where its lines begin. */
	if (s->p[at - 1] == '|' && span(s, at, 1, is_block_sign) > 0) {
		is_block = true;
		at += 1 + span(s, at + 1, 64, is_between);
	}
	n = span(s, at, r->most + 1, r->is);
	if (n < r->least || n > r->most || disorder(s->p + at, n) < 3.0)
		return 0;
	return is_block ? behind_block(r, s, at + n) : at + n;
}

static const struct rule rules[] = {
	{"-----BEGIN ", "private key", 0, 0, NULL, find_private_key},
	{"PuTTY-User-Key-File-", "private key of PuTTY", 0, 0, NULL, find_putty_key},
	{"AKIA", "AWS access key", 16, 16, is_upper, find_token},
	{"ASIA", "AWS access key", 16, 16, is_upper, find_token},
	{"ABIA", "AWS access key", 16, 16, is_upper, find_token},
	{"ACCA", "AWS access key", 16, 16, is_upper, find_token},
	{"ABSKQmVkcm9ja0FQSUtleS", "AWS Bedrock key", 80, 400, is_base64, find_token},
	{"bedrock-api-key-YmVkcm9jay5hbWF6b25hd3MuY29t", "AWS Bedrock key", 40, 7000, is_base64,
	 find_token},
	{"secret", "AWS secret key", 0, 0, NULL, find_aws_secret},
	{"Secret", "AWS secret key", 0, 0, NULL, find_aws_secret},
	{"SECRET", "AWS secret key", 0, 0, NULL, find_aws_secret},
	{"aws", "AWS secret key", 0, 0, NULL, find_aws_secret},
	{"Aws", "AWS secret key", 0, 0, NULL, find_aws_secret},
	{"AWS", "AWS secret key", 0, 0, NULL, find_aws_secret},
	{"ghp_", "GitHub token", 36, 36, is_alnum, find_checked_token},
	{"gho_", "GitHub token", 36, 36, is_alnum, find_checked_token},
	{"ghu_", "GitHub token", 36, 36, is_alnum, find_checked_token},
	{"ghs_", "GitHub token", 36, 36, is_alnum, find_installation_token},
	{"ghr_", "GitHub token", 36, 36, is_alnum, find_checked_token},
	{"github_pat_", "GitHub token", 82, 82, is_word, find_token},
	{"glpat-", "GitLab token", 20, 300, is_word, find_token},
	{"npm_", "npm token", 36, 36, is_alnum, find_checked_token},
	{"pypi-AgEIcHlwaS5vcmc", "PyPI token", 50, 1000, is_word, find_token},
	{"pypi-AgENdGVzdC5weXBpLm9yZ", "PyPI token", 50, 1000, is_word, find_token},
	{"AIza", "Google API key", 35, 35, is_word, find_token},
	{"AQ.Ab", "Google API key", 40, 100, is_word, find_token},
	{"GOCSPX-", "Google client secret", 28, 28, is_word, find_token},
	{"ya29.", "Google token", 60, 2000, is_word, find_token},
	{"xoxb-", "Slack token", 20, 300, is_word, find_token},
	{"xoxp-", "Slack token", 20, 300, is_word, find_token},
	{"xoxa-", "Slack token", 20, 300, is_word, find_token},
	{"xoxr-", "Slack token", 20, 300, is_word, find_token},
	{"xoxs-", "Slack token", 20, 300, is_word, find_token},
	{"xoxe-", "Slack token", 20, 300, is_word, find_token},
	{"xoxo-", "Slack token", 20, 300, is_word, find_token},
	{"xoxc-", "Slack token", 20, 300, is_word, find_token},
	{"xapp-", "Slack token", 20, 300, is_word, find_token},
	{"sk_live_", "Stripe key", 24, 300, is_alnum, find_token},
	{"rk_live_", "Stripe key", 24, 300, is_alnum, find_token},
	{"whsec_", "Stripe key", 32, 300, is_alnum, find_token},
	{"hooks.slack.com/services/", "Slack webhook", 40, 80, is_path, find_token},
	{"hooks.slack.com/workflows/", "Slack webhook", 40, 80, is_path, find_token},
	{"hooks.slack.com/triggers/", "Slack webhook", 40, 80, is_path, find_token},
	{"sk-ant-", "Anthropic API key", 80, 300, is_word, find_token},
	{"sk-proj-", "OpenAI API key", 40, 300, is_word, find_token},
	{"sk-", "OpenAI API key", 40, 300, is_word, find_openai_key},
	{"hf_", "Hugging Face token", 34, 34, is_alnum, find_token},
	{"api_org_", "Hugging Face token", 34, 34, is_alnum, find_token},
	{"SG.", "SendGrid API key", 66, 66, is_dotted, find_token},
	{"dop_v1_", "DigitalOcean token", 64, 64, is_alnum, find_token},
	{"doo_v1_", "DigitalOcean token", 64, 64, is_alnum, find_token},
	{"dor_v1_", "DigitalOcean token", 64, 64, is_alnum, find_token},
	{"SK", "Twilio API key", 32, 32, is_hex, find_token},
	{":AA", "Telegram bot token", 33, 33, is_word, find_telegram_token},
	{"eyJ", "JSON web token", 0, 0, NULL, find_jwt},
	{"hvs.", "Vault token", 24, 300, is_word, find_token},
	{"hvb.", "Vault token", 50, 2000, is_word, find_token},
	{"hvr.", "Vault token", 24, 300, is_word, find_token},
	{"glrt-", "GitLab token", 20, 300, is_word, find_token},
	{"gldt-", "GitLab token", 20, 300, is_word, find_token},
	{"glrtr-", "GitLab token", 20, 300, is_word, find_token},
	{"glptt-", "GitLab token", 20, 300, is_word, find_token},
	{"glft-", "GitLab token", 20, 300, is_word, find_token},
	{"glimt-", "GitLab token", 20, 300, is_word, find_token},
	{"glagent-", "GitLab token", 20, 300, is_word, find_token},
	{"gloas-", "GitLab token", 20, 300, is_word, find_token},
	{"glsoat-", "GitLab token", 20, 300, is_word, find_token},
	{"glffct-", "GitLab token", 20, 300, is_word, find_token},
	{"glwt-", "GitLab token", 20, 300, is_word, find_token},
	{"glcbt-", "GitLab token", 20, 4000, is_dotted, find_token},
	{"GR1348941", "GitLab token", 20, 20, is_word, find_token},
	{"ATATT3xFfGF0", "Atlassian token", 100, 400, is_word, find_token},
	{"ATCTT3xFfG", "Atlassian token", 100, 400, is_word, find_token},
	{"AGE-SECRET-KEY-1", "age key", 58, 58, is_upper, find_token},
	{"AGE-SECRET-KEY-PQ-1", "age key", 58, 58, is_upper, find_token},
	{"AccountKey", "Azure storage key", 88, 88, is_base64, find_named_token},
	{"accountKey", "Azure storage key", 88, 88, is_base64, find_named_token},
	{"accountkey", "Azure storage key", 88, 88, is_base64, find_named_token},
	{"account_key", "Azure storage key", 88, 88, is_base64, find_named_token},
	{"account-key", "Azure storage key", 88, 88, is_base64, find_named_token},
	{"ACCOUNT_KEY", "Azure storage key", 88, 88, is_base64, find_named_token},
	{"STORAGE_KEY", "Azure storage key", 88, 88, is_base64, find_named_token},
	{"client-key-data", "key of a kubeconfig", 40, 8000, is_base64, find_kubeconfig_key},
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
	case 'G':
	case 'P':
	case 'S':
	case '_':
	case 'a':
	case 'b':
	case 'c':
	case 'd':
	case 'e':
	case 'g':
	case 'h':
	case 'n':
	case 'p':
	case 'r':
	case 's':
	case 'w':
	case 'x':
	case 'y':
		return true;
	default: /* any other byte */
		return false;
	}
}

size_t secrets_rule_find(const struct secret_sight *s, const char **name)
{
	for (size_t i = 0; i < N_RULES; i++) {
		const struct rule *r = &rules[i];
		size_t n;

		if (r->begins[0] != (char)*s->p)
			continue;
		n = strlen(r->begins);
		if (s->n < n || memcmp(s->p, r->begins, n) != 0)
			continue;
		n = r->find(r, s);
		if (n > 0) {
			*name = r->name;
			return n;
		}
	}
	return 0;
}
