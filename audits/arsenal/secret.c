/*
 * A template is text with %xN in it: N characters of set x. %k is what GitHub and npm put behind
 * their prefix: 30 characters and the CRC-32 of them in base 62 (github.blog, 2021: "Behind
 * GitHub's new authentication token formats").
 */
#include "audits/arsenal/secret.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/io/digest.h"

#define CHECKED_BYTES 30
#define SUM_BYTES     6

static const struct template
{
	const char *family, *text;
}
templates[] = {
	{"RSA private key",
	 "-----BEGIN RSA PRIVATE KEY-----\n%b64\n%b64\n%b64\n-----END RSA PRIVATE KEY-----"},
	{"OpenSSH private key", "-----BEGIN OPENSSH PRIVATE KEY-----\n%b70\n%b70\n%b70\n"
				"-----END OPENSSH PRIVATE KEY-----"},
	{"PGP private key", "-----BEGIN PGP PRIVATE KEY BLOCK-----\n\n%b64\n%b64\n%b64\n"
			    "-----END PGP PRIVATE KEY BLOCK-----"},
	{"private key in JSON", "\"private_key\": \"-----BEGIN PRIVATE KEY-----\\n%b64\\n%b64\\n"
				"-----END PRIVATE KEY-----\\n\""},
	{"PuTTY private key", "PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\n"
			      "Comment: deploy\nPublic-Lines: 2\n%b64\n%b44\nPrivate-Lines: 1\n%b48"
			      "\nPrivate-MAC: %h64"},
	{"age", "AGE-SECRET-KEY-1%u58"},
	{"AWS access key", "aws_access_key_id = AKIA%u16"},
	{"AWS secret key", "aws_secret_access_key = %b40"},
	{"Anthropic", "sk-ant-api03-%w93AA"},
	{"Atlassian", "ATATT3xFfGF0%w171"},
	{"Azure storage", "DefaultEndpointsProtocol=https;AccountName=shop;AccountKey=%b86=="},
	{"DigitalOcean", "dop_v1_%h64"},
	{"GitHub, classic", "ghp_%k"},
	{"GitHub, fine-grained", "github_pat_%a22_%a59"},
	{"GitHub, of an app", "ghs_%k"},
	{"GitLab", "glpat-%a20"},
	{"Google", "AIza%w35"},
	{"Hugging Face", "hf_%a34"},
	{"JSON web token", "Authorization: Bearer "
			   "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJleHAiOjE5MDAwMDAwMDB9.%w43"},
	{"kubeconfig", "    client-key-data: %b400"},
	{"npm", "npm_%k"},
	{"OpenAI", "sk-proj-%a74T3BlbkFJ%a74"},
	{"password in a URL", "https://deploy:%a16@git.example.com/shop.git"},
	{"PyPI", "pypi-AgEIcHlwaS5vcmc%w60"},
	{"SendGrid", "SG.%w22.%w43"},
	{"Slack", "xoxb-%d12-%d12-%a24"},
	{"Slack webhook", "https://hooks.slack.com/services/T%A9/B%A9/%a24"},
	{"Stripe", "sk_live_%a24"},
	{"Telegram", "%d10:AA%w33"},
	{"Twilio", "SK%h32"},
	{"Vault", "hvs.%w90"},
};

#define N_TEMPLATES (sizeof(templates) / sizeof(templates[0]))

static const char *set_of(char letter)
{
	switch (letter) {
	case 'A':
		return "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
	case 'b':
		return "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	case 'd':
		return "0123456789";
	case 'h':
		return "0123456789abcdef";
	case 'u':
		return "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
	case 'w':
		return "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
	default: /* a */
		return "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
	}
}

/* xorshift (Marsaglia 2003): it need not be hard to guess, only look like it. */
static uint64_t next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static void put_random(struct buf *b, const char *set, size_t n, uint64_t *state)
{
	size_t of = strlen(set);

	for (size_t i = 0; i < n; i++)
		(void)buf_putc(b, set[next(state) % of]); /* is small */
}

static void put_checked(struct buf *b, uint64_t *state)
{
	static const char digits[] =
		"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
	char sum[SUM_BYTES];
	uint32_t crc;

	put_random(b, set_of('a'), CHECKED_BYTES, state);
	crc = crc32_add(0, b->data + b->len - CHECKED_BYTES, CHECKED_BYTES);
	for (size_t i = SUM_BYTES; i > 0; i--, crc /= 62)
		sum[i - 1] = digits[crc % 62];
	(void)buf_add(b, sum, sizeof(sum)); /* is small */
}

const char *secret_made(struct arena *a, size_t i, const char **family)
{
	uint64_t state = UINT64_C(0x9e3779b97f4a7c15) * (i + 1);
	const char *text;
	struct buf b;

	if (i >= N_TEMPLATES)
		return NULL;
	*family = templates[i].family;
	buf_init(&b, BUF_UNBOUNDED); /* of templates of our own */
	for (const char *p = templates[i].text; *p != '\0'; p++) {
		size_t n = 0;
		char letter;

		if (*p != '%') {
			(void)buf_putc(&b, *p);
			continue;
		}
		letter = *++p;
		while (p[1] >= '0' && p[1] <= '9' && letter != 'k')
			n = n * 10 + (size_t)(*++p - '0');
		if (letter == 'k')
			put_checked(&b, &state);
		else
			put_random(&b, set_of(letter), n, &state);
	}
	text = arena_strndup(a, b.data, b.len);
	buf_release(&b);
	return text;
}

const char *secret_example(struct arena *a)
{
	uint64_t state = 1;
	struct buf b;
	char *text;

	buf_init(&b, BUF_UNBOUNDED); /* one token */
	(void)buf_puts(&b, "ghp_");
	put_checked(&b, &state);
	text = arena_strndup(a, b.data, b.len);
	text[b.len - 1] = text[b.len - 1] == 'x' ? 'y' : 'x';
	buf_release(&b);
	return text;
}
