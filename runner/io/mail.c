/*
 * libcurl stuffs dots, waits for answers and does TLS; what it sends is written here.
 */
#include "runner/io/mail.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "runner/base/arena.h"
#include "runner/base/base64.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/num.h"
#include "runner/base/pairs.h"
#include "runner/base/str.h"
#include "runner/base/utf8.h"
#include "runner/io/http_internal.h"

#define MAX_LINE     76 /* of quoted-printable, without CRLF */
#define MAX_PLAIN    60 /* of a subject that is sent as it is */
#define WORD_BYTES   45 /* of an encoded word, before base64: 75 with it */
#define MAX_ADDRESS  260
#define SUBJECT_MOST 400
#define MAX_ANSWER   512 /* RFC 5321, 4.5.3.1.5: of a reply line */

/* ---- the message. Buffers are unbounded and never refuse, hence the (void) before appends ---- */

static bool is_plain(const char *s)
{
	if (strlen(s) > MAX_PLAIN || strstr(s, "=?") != NULL)
		return false;
	for (; *s != '\0'; s++)
		if (*s < ' ' || *s > '~')
			return false;
	return true;
}

/* Encoded words, each of whole characters; a line each. */
static void put_encoded(struct buf *out, const char *s, size_t n)
{
	struct arena *a = arena_new();

	for (size_t at = 0; at < n;) {
		size_t len = utf8_fit(s + at, n - at, WORD_BYTES);

		if (len == 0) /* no text at all: none of its bytes begins a character */
			len = n - at < WORD_BYTES ? n - at : WORD_BYTES;
		(void)buf_printf(out, "%s=?UTF-8?B?%s?=", at > 0 ? "\r\n " : "",
				 base64_encode(a, s + at, len));
		at += len;
	}
	arena_free(a);
}

static void put_subject(struct buf *out, const char *subject)
{
	size_t n = strlen(subject);

	(void)buf_puts(out, "Subject: ");
	if (is_plain(subject))
		(void)buf_puts(out, subject);
	else
		put_encoded(out, subject, n < SUBJECT_MOST ? n : SUBJECT_MOST);
	(void)buf_puts(out, "\r\n");
}

/* RFC 5322, 3.3; the names are not the locale's. */
static void put_date(struct buf *out, int64_t ms)
{
	static const char days[][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
	static const char months[][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
					 "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	time_t seconds = (time_t)(ms / 1000);
	struct tm t;

	if (gmtime_r(&seconds, &t) == NULL)
		return;
	(void)buf_printf(out, "Date: %s, %02d %s %d %02d:%02d:%02d +0000\r\n", days[t.tm_wday],
			 t.tm_mday, months[t.tm_mon], t.tm_year + 1900, t.tm_hour, t.tm_min,
			 t.tm_sec);
}

static void put_to(struct buf *out, const struct texts *to)
{
	(void)buf_puts(out, "To: ");
	for (size_t i = 0; i < to->n; i++)
		(void)buf_printf(out, "%s%s", i > 0 ? ",\r\n " : "", to->items[i]);
	(void)buf_puts(out, "\r\n");
}

static void put_quoted(struct buf *out, const char *s)
{
	size_t column = 0;

	for (; *s != '\0'; s++) {
		unsigned char c = (unsigned char)*s;
		bool is_end = s[1] == '\0' || s[1] == '\n';
		bool is_literal = (c > ' ' && c <= '~' && c != '=') || (c == ' ' && !is_end);
		size_t width = is_literal ? 1 : 3;

		if (c == '\n') {
			(void)buf_puts(out, "\r\n");
			column = 0;
			continue;
		}
		if (column + width > MAX_LINE - 1) { /* room for the = that joins lines */
			(void)buf_puts(out, "=\r\n");
			column = 0;
		}
		(void)buf_printf(out, is_literal ? "%c" : "=%02X", c);
		column += width;
	}
	(void)buf_puts(out, "\r\n");
}

void mail_write(struct buf *out, const struct mail *m)
{
	put_date(out, m->at_ms);
	(void)buf_printf(out, "From: %s\r\n", m->from);
	put_to(out, m->to);
	put_subject(out, m->subject);
	(void)buf_printf(out, "Message-ID: <%s%s>\r\n", m->id, strchr(m->from, '@'));
	(void)buf_puts(out, "Auto-Submitted: auto-generated\r\n"
			    "MIME-Version: 1.0\r\n"
			    "Content-Type: text/plain; charset=utf-8\r\n"
			    "Content-Transfer-Encoding: quoted-printable\r\n\r\n");
	put_quoted(out, m->body);
}

/* ---- the transfer ---- */

struct sending {
	const char *text;
	size_t left;
};

static size_t on_read(char *to, size_t size, size_t n, void *ctx)
{
	struct sending *s = ctx;
	size_t most = size * n < s->left ? size * n : s->left;

	memcpy(to, s->text, most);
	s->text += most;
	s->left -= most;
	return most;
}

/* What was said last, as curl shows it: a line each. */
struct dialogue {
	struct buf *refused;
	char address[MAX_ADDRESS]; /* asked about now; "" = none */
	char refusal[MAX_ANSWER];  /* of what was asked last; "" = none. Not of a farewell */
};

/* "RCPT TO:<a@example.com>": whom the next answer is about. */
static void hear_question(struct dialogue *d, const char *line, size_t n)
{
	static const char words[] = "RCPT TO:<";
	size_t at = sizeof(words) - 1, len = 0;

	d->address[0] = '\0';
	if (n < 4 || strncasecmp(line, "QUIT", 4) != 0)
		d->refusal[0] = '\0';
	if (n < at || strncasecmp(line, words, at) != 0)
		return;
	while (at + len < n && line[at + len] != '>')
		len++;
	(void)snprintf(d->address, sizeof(d->address), "%.*s", (int)len, line + at);
}

/* RFC 5321, 4.2: three digits; a '-' behind them says that more lines follow. */
static void hear_answer(struct dialogue *d, const char *line, size_t n)
{
	const char *separator = d->refused->len > 0 ? ", " : "";

	if (n < 3 || (n > 3 && line[3] == '-'))
		return;
	while (n > 0 && (line[n - 1] == '\r' || line[n - 1] == '\n'))
		n--;
	if (line[0] == '4' || line[0] == '5')
		(void)snprintf(d->refusal, sizeof(d->refusal), "%.*s", (int)n, line);
	if (d->address[0] != '\0' && line[0] != '2') {
		char *said = xmalloc(n + 1);
		struct arena *a = arena_new();

		memcpy(said, line, n);
		said[n] = '\0';
		/* A full buffer leaves it out: the limit of mail.h. */
		(void)buf_printf(d->refused, "%s%s (%s)", separator, d->address,
				 str_escaped(a, said));
		arena_free(a);
		free(said);
	}
	d->address[0] = '\0';
}

static int on_debug(CURL *easy, curl_infotype type, char *data, size_t n, void *ctx)
{
	(void)easy;
	if (type == CURLINFO_HEADER_OUT)
		hear_question(ctx, data, n);
	else if (type == CURLINFO_HEADER_IN)
		hear_answer(ctx, data, n);
	return 0;
}

/* What the server says is not printed anywhere. */
static size_t on_write(char *from, size_t size, size_t n, void *ctx)
{
	(void)from;
	(void)ctx;
	return size * n;
}

static bool is_loopback(const char *server)
{
	const char *host = strstr(server, "://");
	size_t n;

	if (host == NULL)
		return false;
	host += 3;
	n = host[0] == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":/");
	return (n == 9 && strncasecmp(host, "localhost", 9) == 0) ||
	       (n == 5 && strncmp(host, "[::1]", 5) == 0) ||
	       (strncmp(host, "127.", 4) == 0 && strspn(host, "0123456789.") == n);
}

static char *bracketed(const char *address)
{
	char *text = xmalloc(MAX_ADDRESS + 3);

	(void)snprintf(text, MAX_ADDRESS + 3, "<%s>", address); /* the loader bounds it */
	return text;
}

static struct curl_slist *recipients(const struct texts *to)
{
	struct curl_slist *list = NULL;

	for (size_t i = 0; i < to->n; i++) {
		char *address = bracketed(to->items[i]);
		struct curl_slist *longer = curl_slist_append(list, address);

		free(address);
		if (longer == NULL)
			oom();
		list = longer;
	}
	return list;
}

#define SET(option, value)                                                                         \
	do {                                                                                       \
		if (curl_easy_setopt(easy, option, value) != CURLE_OK)                             \
			return err_set(e, ERR_INTERNAL, "libcurl refused " #option);               \
	} while (0)

static int prepare(CURL *easy, const struct mail *m, const char *from, struct curl_slist *to,
		   struct sending *text, struct err *e)
{
	bool is_clear = m->ca_file == NULL && is_loopback(m->server);

	SET(CURLOPT_URL, m->server);
	SET(CURLOPT_PROTOCOLS_STR, "smtp,smtps");
	SET(CURLOPT_PROXY, ""); /* the environment's is never used */
	SET(CURLOPT_USE_SSL, is_clear ? (long)CURLUSESSL_NONE : (long)CURLUSESSL_ALL);
	SET(CURLOPT_MAIL_FROM, from);
	SET(CURLOPT_MAIL_RCPT, to);
	SET(CURLOPT_MAIL_RCPT_ALLLOWFAILS, 1L); /* libcurl 7.69; as that spells it */
	SET(CURLOPT_UPLOAD, 1L);
	SET(CURLOPT_READFUNCTION, on_read);
	SET(CURLOPT_READDATA, text);
	SET(CURLOPT_WRITEFUNCTION, on_write);
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_QUICK_EXIT, 1L); /* http_transfer.c says why */
	SET(CURLOPT_TIMEOUT_MS, (long)m->timeout_ms);
	if (m->ca_file != NULL) {
		if (http_set_issuers(easy, CURLOPT_CAINFO, CURLOPT_CAINFO_BLOB, m->ca_file, e) != 0)
			return -1;
		SET(CURLOPT_CAPATH, NULL); /* the system's folder would be trusted beside it */
	}
	if (m->user != NULL) {
		SET(CURLOPT_USERNAME, m->user);
		SET(CURLOPT_PASSWORD, m->password);
	}
	return 0;
}

static int explain(CURLcode code, const char *detail, int64_t timeout_ms, struct err *e)
{
	char limit[NUM_REAL_MAX];

	/* libcurl has a hundred codes, so this switch has a default; it shows libcurl's own words.
	 */
	switch ((int)code) {
	case CURLE_OPERATION_TIMEDOUT:
		(void)num_format_duration(timeout_ms, limit); /* cannot fail */
		return err_set(e, ERR_MEASURE, "timed out after %s", limit);
	case CURLE_USE_SSL_FAILED:
		(void)err_set(e, ERR_MEASURE, "the server does not speak STARTTLS");
		return err_help(e, "nothing was sent: it could be read on the way");
	case CURLE_PEER_FAILED_VERIFICATION:
		return err_set(e, ERR_MEASURE, "the server's certificate is not trusted: %s",
			       detail);
	case CURLE_LOGIN_DENIED:
		return err_set(e, ERR_MEASURE, "the server refused user or password");
	case CURLE_COULDNT_RESOLVE_HOST:
		return err_set(e, ERR_MEASURE, "could not look up the name of the mail server");
	default:
		return err_set(e, ERR_MEASURE, "the mail was not taken: %s", detail);
	}
}

/* A mail refused after its text is to libcurl a "weird server reply": the server said more. */
static int explain_refusal(const char *refusal, struct err *e)
{
	struct arena *a = arena_new();
	int rc = err_set(e, ERR_MEASURE, "the mail was not taken: %s", str_escaped(a, refusal));

	arena_free(a);
	return rc;
}

static int perform(CURL *easy, const struct mail *m, bool *is_final, struct err *e)
{
	struct dialogue dialogue = {.refused = m->refused};
	char detail[CURL_ERROR_SIZE] = "";
	CURLcode code;
	long status = 0;

	SET(CURLOPT_ERRORBUFFER, detail);
	SET(CURLOPT_DEBUGFUNCTION, on_debug); /* nothing else says who was refused */
	SET(CURLOPT_DEBUGDATA, &dialogue);
	SET(CURLOPT_VERBOSE, 1L);
	code = curl_easy_perform(easy);
	if (code == CURLE_OK)
		return 0;
	if (curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status) == CURLE_OK)
		*is_final = status >= 500 || code == CURLE_LOGIN_DENIED;
	if (code == CURLE_WEIRD_SERVER_REPLY && dialogue.refusal[0] != '\0')
		return explain_refusal(dialogue.refusal, e);
	return explain(code, detail[0] != '\0' ? detail : curl_easy_strerror(code), m->timeout_ms,
		       e);
}

int mail_send(const struct mail *m, bool *is_final, struct err *e)
{
	struct curl_slist *to;
	struct sending text;
	struct buf message;
	char *from;
	CURL *easy;
	int rc;

	*is_final = false;
	if (http_library(e) < 0)
		return -1;
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		oom();
	easy = curl_easy_init();
	if (easy == NULL)
		oom();
	from = bracketed(m->from);
	to = recipients(m->to);
	buf_init(&message, BUF_UNBOUNDED);
	mail_write(&message, m);
	text = (struct sending){message.data, message.len};
	rc = prepare(easy, m, from, to, &text, e);
	if (rc == 0)
		rc = perform(easy, m, is_final, e);
	curl_easy_cleanup(easy);
	curl_slist_free_all(to);
	curl_global_cleanup();
	buf_release(&message);
	free(from);
	return rc;
}
