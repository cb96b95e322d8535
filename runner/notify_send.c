/*
 * Transports. What comes back is believed in one thing only: a status that says the message was
 * taken.
 */
#include "runner/notify_send.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "audits/command.h"
#include "reports/notice.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/redact.h"
#include "runner/base/str.h"
#include "runner/io/clock.h"
#include "runner/io/http_fetch.h"
#include "runner/io/mail.h"
#include "runner/io/proc.h"
#include "runner/model/definition.h"
#include "runner/model/notify.h"

#define FIRST_PAUSE_MS	 1000
#define MAX_ANSWER	 (4 * 1024) /* kept of it */
#define MAX_SHOWN_ANSWER 120
#define MAX_WHY		 300
#define MAX_OUTPUT	 (64 * 1024)
#define MIN_HIDDEN	 8 /* a shorter part of a URL is a word, and no secret */

/* One attempt, and how long the receiver asks to be left alone. */
struct attempt {
	struct sending *s;
	int64_t deadline_ms, wait_ms;
	struct err *err;
};

/* ---- what is shown of others' words ---- */

/* %XX undone: who answers may have done that, too. */
static const char *decoded(struct arena *a, const char *s, size_t n)
{
	static const char digits[] = "0123456789abcdef";
	char *out = arena_alloc(a, n + 1);
	size_t len = 0;

	for (size_t i = 0; i < n; i++) {
		const char *high = NULL, *low = NULL;

		if (s[i] == '%' && i + 2 < n && s[i + 1] != '\0' && s[i + 2] != '\0') {
			high = strchr(digits, tolower((unsigned char)s[i + 1]));
			low = strchr(digits, tolower((unsigned char)s[i + 2]));
		}
		if (high != NULL && low != NULL)
			out[len++] = (char)((high - digits) * 16 + (low - digits));
		else
			out[len++] = s[i];
		i += high != NULL && low != NULL ? 2 : 0;
	}
	out[len] = '\0';
	return out;
}

static void hide(struct redactor *r, struct arena *a, const char *s, size_t n)
{
	if (n < MIN_HIDDEN)
		return;
	redactor_add(r, arena_strndup(a, s, n));
	redactor_add(r, decoded(a, s, n));
}

/*
 * The path of a webhook's URL is its password. The definition's redactor knows it as a whole (and
 * the secret that was put in, which may be the whole URL); who answers "no such hook: B0/..." says
 * a part of it.
 */
static const struct redactor *redactor_of(const struct sending *s)
{
	struct redactor *r = redactor_new(s->arena);
	const char *host = s->sink->url != NULL ? strstr(s->sink->url, "://") : NULL;
	const char *path = host != NULL ? host + 3 + strcspn(host + 3, "/?") : "";
	size_t n = strlen(path);

	redactor_add_all(r, s->definition->redactor);
	while (n > 0 && path[n - 1] == '/')
		n--;
	hide(r, s->arena, path, n);
	for (size_t at = 0, len; at < n; at += len + 1) {
		len = strcspn(path + at, "/?&=");
		len = len < n - at ? len : n - at;
		hide(r, s->arena, path + at, len);
	}
	return r;
}

/* ": " and their first words on one line; "" if they are not for people. */
static const char *shown(const struct sending *s, const char *text, size_t n)
{
	const char *head = redact_head(s->redactor, s->arena, text, n, MAX_SHOWN_ANSWER);

	if (n == 0 || text[0] == '<' || !str_is_utf8(head, strlen(head)))
		return "";
	return arena_printf(s->arena, ": %s", str_escaped(s->arena, head));
}

/* ---- HTTP ---- */

/* The rest goes by: a receiver that took the message may say of it what it likes. */
static int keep_head(void *ctx, const char *data, size_t n, struct err *e)
{
	struct buf *answer = ctx;
	size_t room = MAX_ANSWER - answer->len;

	(void)e;
	(void)buf_add(answer, data, n < room ? n : room); /* it has that room */
	return 0;
}

static int judge(struct attempt *a, const struct http_response *res, const struct buf *answer)
{
	long status = res->status;

	if (status >= 200 && status < 300)
		return 0;
	/* Too early, too slow, too often: the same request may be taken later. */
	a->s->is_final =
		status >= 300 && status < 500 && status != 408 && status != 425 && status != 429;
	a->wait_ms = http_retry_after_ms(res, clock_wall_ms(a->s->clock));
	return err_set(a->err, ERR_MEASURE, "it answered with status %ld%s", status,
		       shown(a->s, answer->data, strcspn(answer->data, "\r\n")));
}

static int request(struct attempt *a, const char *url, const char *body, const char *key)
{
	const struct notify_sink *sink = a->s->sink;
	struct pair own[] = {{.name = "Content-Type", .value = "application/json"},
			     {.name = "Idempotency-Key", .value = key}};
	struct pairs headers = {.items = own, .n = body == NULL ? 0 : key == NULL ? 1 : 2};
	struct http_request req = {
		.method = body != NULL ? "POST" : "GET",
		.url = url,
		.headers = &headers,
		.extra_headers = &sink->headers,
		.body = body,
		.ca_file = sink->ca_file,
		.hides_url = true,
		.deadline_ms = a->deadline_ms,
	};
	struct http_session *session =
		http_session_new(&(struct http_session_options){.clock = a->s->clock});
	struct http_response res;
	struct buf answer;
	struct http_sink to = {keep_head, &answer};
	int rc;

	buf_init(&answer, MAX_ANSWER);
	rc = http_fetch(session, &req, &to, &res, a->err);
	if (rc == 0)
		rc = judge(a, &res, &answer);
	buf_release(&answer);
	http_session_free(session);
	return rc;
}

/* url + suffix, with one slash between. */
static const char *joined(struct arena *arena, const char *url, const char *suffix)
{
	size_t n = strlen(url);

	while (n > 0 && url[n - 1] == '/')
		n--;
	return arena_printf(arena, "%.*s%s", (int)n, url, suffix);
}

static int post(struct attempt *a, const struct notice_view *v,
		void (*write)(struct buf *, const struct notice_view *), const char *url)
{
	struct buf body;
	int rc;

	buf_init(&body, BUF_UNBOUNDED); /* a notice is bounded */
	write(&body, v);
	rc = request(a, url, body.data, v->notice->key);
	buf_release(&body);
	return rc;
}

/* ---- mail ---- */

static int send_mail(struct attempt *a, const struct notice_view *v)
{
	const struct notify_sink *sink = a->s->sink;
	const char *key = v->notice->key, *slash = strchr(key, '/');
	struct mail m = {
		.server = sink->url,
		.from = sink->from,
		.to = &sink->to,
		.user = sink->user,
		.password = sink->password,
		.ca_file = sink->ca_file,
		.id = slash == NULL ? key
				    : arena_printf(a->s->arena, "%.*s.%s", (int)(slash - key), key,
						   slash + 1),
		.at_ms = v->notice->at_ms,
		.timeout_ms = a->deadline_ms - clock_monotonic_ms(a->s->clock),
	};
	struct buf subject, body, refused;
	int rc;

	buf_init(&subject, BUF_UNBOUNDED); /* a notice is bounded */
	buf_init(&body, BUF_UNBOUNDED);
	buf_init(&refused, MAIL_MAX_REFUSED);
	(void)buf_puts(&subject, "[assize] ");
	notice_title(&subject, v->notice);
	notice_text(&body, v);
	m.subject = subject.data;
	m.body = body.data;
	m.refused = &refused;
	rc = m.timeout_ms > 0 ? mail_send(&m, &a->s->is_final, a->err)
			      : err_set(a->err, ERR_MEASURE, "its time was over");
	if (rc == 0 && refused.len > 0)
		a->s->partly = redact_head(a->s->redactor, a->s->arena, refused.data, refused.len,
					   MAX_WHY);
	buf_release(&refused);
	buf_release(&body);
	buf_release(&subject);
	return rc;
}

/* ---- command ---- */

/* The last words of a program, on one line. */
static const char *last_words(const struct sending *s, const struct proc_result *r)
{
	const char *text = r->err_len > 0 ? r->err : r->out;
	size_t n = r->err_len > 0 ? r->err_len : r->out_len, start;

	while (n > 0 && (text[n - 1] == '\n' || text[n - 1] == ' '))
		n--;
	for (start = n; start > 0 && text[start - 1] != '\n' && text[start - 1] != '\0';)
		start--;
	return shown(s, text + start, n - start);
}

static int run_program(struct attempt *a, const struct notice_view *v)
{
	struct sending *s = a->s;
	const struct command_spec spec = {.run = s->sink->run, .env = s->sink->env};
	const char *root = s->definition->root_dir;
	struct proc_request req = {
		.argv = command_argv(s->arena, &spec.run),
		.env = command_env(s->arena, &spec),
		.cwd = root,
		.deadline_ms = a->deadline_ms,
		.limit_ms = s->sink->timeout_ms,
		.max_output_bytes = MAX_OUTPUT,
		.sandbox = s->sink->sandbox == NULL
				   ? NULL
				   : command_sandbox_of(s->arena, s->sink->sandbox,
							spec.run.items[0], root, root),
	};
	struct proc_result result;
	struct buf body;
	int rc;

	buf_init(&body, BUF_UNBOUNDED); /* a notice is bounded */
	notice_json(&body, v);
	req.input = body.data;
	rc = proc_run(s->arena, s->clock, &req, &result, a->err);
	buf_release(&body);
	if (rc != 0)
		return -1;
	if (result.signal != 0)
		return err_set(a->err, ERR_MEASURE, "it was killed by %s",
			       command_signal_name(result.signal));
	if (result.exit_status != 0)
		return err_set(a->err, ERR_MEASURE, "it ended with status %d%s", result.exit_status,
			       last_words(s, &result));
	return 0;
}

/* ---- attempts ---- */

static int deliver(struct attempt *a, const struct notice_view *v)
{
	const struct notify_sink *sink = a->s->sink;

	switch (sink->type) {
	case NOTIFY_WEBHOOK:
		return post(a, v, notice_json, sink->url);
	case NOTIFY_SLACK:
		return post(a, v, notice_slack, sink->url);
	case NOTIFY_ALERTMANAGER:
		return post(a, v, notice_alerts, joined(a->s->arena, sink->url, "/api/v2/alerts"));
	case NOTIFY_SMTP:
		return send_mail(a, v);
	case NOTIFY_COMMAND:
		return run_program(a, v);
	case NOTIFY_PING:
		return err_set(a->err, ERR_INTERNAL, "a ping carries no message");
	}
	return -1;
}

static void sleep_ms(int64_t ms)
{
	struct timespec left = {.tv_sec = (time_t)(ms / 1000),
				.tv_nsec = (long)(ms % 1000) * 1000000};

	/* A signal that does not end the program ends the wait: one attempt comes early. */
	(void)nanosleep(&left, NULL);
}

static void keep_why(struct sending *s, const struct err *e)
{
	s->why = redact_head(s->redactor, s->arena, e->message, strlen(e->message), MAX_WHY);
}

/* Attempts until one succeeds, none is left, or the next would come too late. */
static int attempt_all(struct sending *s, int (*once)(struct attempt *, const void *),
		       const void *what)
{
	int64_t pause = FIRST_PAUSE_MS;

	s->attempts = 0;
	s->why = s->partly = NULL;
	s->redactor = redactor_of(s);
	for (int64_t i = 0; i <= s->sink->retries; i++) {
		struct err e = {0};
		struct attempt a = {.s = s, .err = &e};
		int64_t now = clock_monotonic_ms(s->clock);

		a.deadline_ms = now + s->sink->timeout_ms;
		if (a.deadline_ms > s->deadline_ms)
			a.deadline_ms = s->deadline_ms;
		s->is_final = false;
		s->attempts++;
		if (once(&a, what) == 0) {
			s->why = NULL;
			return 0;
		}
		keep_why(s, &e);
		now = clock_monotonic_ms(s->clock);
		a.wait_ms = a.wait_ms > pause ? a.wait_ms : pause;
		if (s->is_final || i == s->sink->retries || now + a.wait_ms >= s->deadline_ms)
			return -1;
		sleep_ms(a.wait_ms);
		pause *= 2;
	}
	return -1;
}

static int deliver_once(struct attempt *a, const void *what)
{
	return deliver(a, what);
}

static int ping_once(struct attempt *a, const void *what)
{
	return request(a, what, NULL, NULL);
}

int notify_send(struct sending *s, const struct notice_view *v)
{
	return attempt_all(s, deliver_once, v);
}

int notify_ping(struct sending *s, const char *suffix)
{
	return attempt_all(s, ping_once, joined(s->arena, s->sink->url, suffix));
}
