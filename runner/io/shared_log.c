/* Names of records on a server, and which driver opens them. */
#include "runner/io/shared_log.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/str.h"

#define MAX_NAME 64

static const char *const schemes[] = {"postgresql://", "postgres://"};

/* What stands behind the scheme, which has no case (RFC 3986, 3.1); NULL = it is another. */
static const char *after_scheme(const char *path)
{
	for (size_t i = 0; path != NULL && i < sizeof(schemes) / sizeof(schemes[0]); i++)
		if (strncasecmp(path, schemes[i], strlen(schemes[i])) == 0)
			return path + strlen(schemes[i]);
	return NULL;
}

bool shared_url_is(const char *path)
{
	return after_scheme(path) != NULL;
}

static int hex_digit(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = strchr(digits, c >= 'A' && c <= 'F' ? c - 'A' + 'a' : c);

	return c != '\0' && at != NULL ? (int)(at - digits) : -1;
}

/* NULL: no such encoding, or a zero byte. */
static const char *decode(struct arena *a, const char *text, size_t n)
{
	char *out = arena_alloc(a, n + 1), *to = out;

	for (size_t i = 0; i < n; i++) {
		int high = -1, low = -1;

		if (text[i] != '%') {
			*to++ = text[i];
			continue;
		}
		if (i + 2 < n) {
			high = hex_digit(text[i + 1]);
			low = hex_digit(text[i + 2]);
		}
		if (high < 0 || low < 0 || (high == 0 && low == 0))
			return NULL;
		*to++ = (char)(high * 16 + low);
		i += 2;
	}
	return out;
}

/* Nothing of it is shown: any part may be the secret. */
static int malformed(struct err *e)
{
	(void)err_set(e, ERR_USAGE, "cannot read the URL of the record");
	return err_help(e,
			"it is postgresql://USER@HOST:PORT/DATABASE?record=NAME; characters like "
			"@ / : ? %% in names and passwords are written %%40 %%2F %%3A %%3F %%25");
}

/* "pgsql://", "postgresql:/u@h", " postgres://": of a server, but not as we know it. */
static bool is_like_url(const char *p)
{
	const char *after;
	size_t n = 0;

	p += strspn(p, " \t\r\n");
	while (isalnum((unsigned char)p[n]) || (n > 0 && p[n] != '\0' && strchr("+-.", p[n])))
		n++;
	after = p + n;
	if (n == 0 || *after != ':')
		return false;
	if (strncasecmp(p, "postgres", strlen("postgres")) == 0 || str_starts(after, "://"))
		return true;
	return after[1] == '/' && strchr(after, '@') != NULL;
}

/* "host=db user=assize": libpq's other way to say it. */
static bool is_like_keywords(const char *p)
{
	static const char *const words[] = {"host",	"hostaddr", "port",    "dbname", "user",
					    "password", "passfile", "service", "sslmode"};

	for (;;) {
		size_t n;

		p += strspn(p, " \t\r\n");
		n = strcspn(p, " \t\r\n=");
		for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
			if (n == strlen(words[i]) && strncmp(p, words[i], n) == 0 &&
			    p[n + strspn(p + n, " \t\r\n")] == '=')
				return true;
		p += strcspn(p, " \t\r\n");
		if (*p == '\0')
			return false;
	}
}

int shared_url_check(const char *path, struct err *e)
{
	if (shared_url_is(path) || (!is_like_url(path) && !is_like_keywords(path)))
		return 0;
	(void)err_set(
		e, ERR_USAGE,
		is_like_url(path)
			? "cannot read the URL of the record: it does not begin with "
			  "postgresql://"
			: "cannot take libpq's keywords for a record: it is a file, or a URL");
	return err_help(e,
			"one on a server is postgresql://USER@HOST:PORT/DATABASE?record=NAME, its "
			"password in PGPASSWORD or ~/.pgpass; a file of such a name is ./NAME");
}

static bool is_record_name(const char *name)
{
	return str_is_name(name) && strlen(name) <= MAX_NAME;
}

struct parts {
	struct arena *a;
	struct shared_url *out;
	struct buf conninfo, shown; /* parameters of it */
	size_t n_params;
};

/* What says where the record is; anything else may be a secret. */
static const char *const places[] = {"host", "hostaddr", "port", "dbname", "user", "service"};

static int take_param(struct parts *p, const char *text, size_t n, struct err *e)
{
	const char *eq = memchr(text, '=', n);
	const char *key = eq == NULL ? NULL : decode(p->a, text, (size_t)(eq - text));
	const char *value = eq == NULL ? NULL : decode(p->a, eq + 1, n - (size_t)(eq - text) - 1);

	if (key == NULL || value == NULL)
		return malformed(e);
	if (strcmp(key, "sslpassword") == 0 || strcmp(key, "oauth_client_secret") == 0)
		p->out->has_secret = true;
	if (strcmp(key, "password") == 0) {
		p->out->password = value;
		return 0;
	}
	if (strcmp(key, "record") == 0 && !is_record_name(value)) {
		(void)err_set(e, ERR_USAGE, "cannot call a record \"%s\"", value);
		return err_help(e, "letters, digits, _ . -, at most %d; it begins with a letter",
				MAX_NAME);
	}
	if (strcmp(key, "record") == 0) {
		p->out->name = value;
		return 0;
	}
	/* Unbounded: cannot fail. */
	(void)buf_printf(&p->conninfo, "%s%.*s", p->n_params++ == 0 ? "?" : "&", (int)n, text);
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (strcmp(key, places[i]) == 0)
			(void)buf_printf(&p->shown, "%.*s&", (int)n, text); /* same */
	return 0;
}

/* USER or USER:PASSWORD; gives the user as it is written. */
static int take_user(struct parts *p, const char *text, size_t n, const char **user, struct err *e)
{
	const char *colon = memchr(text, ':', n);
	size_t n_user = colon == NULL ? n : (size_t)(colon - text);

	*user = arena_strndup(p->a, text, n_user);
	if (colon == NULL)
		return 0;
	p->out->password = decode(p->a, colon + 1, n - n_user - 1);
	return p->out->password == NULL ? malformed(e) : 0;
}

/* HOST:PORT,HOST:PORT/DATABASE: is what stands for a port one? Else it may be a secret. */
static bool has_ports(const char *place)
{
	bool is_port = false, is_bracketed = false;

	for (; *place != '\0' && *place != '/'; place++) {
		if (*place == '[' || *place == ']')
			is_bracketed = *place == '[';
		else if (*place == ',')
			is_port = false;
		else if (is_port && (*place < '0' || *place > '9'))
			return false;
		else if (*place == ':' && !is_bracketed)
			is_port = true;
	}
	return true;
}

static int take_apart(struct parts *p, const char *rest, struct err *e)
{
	struct arena *a = p->a;
	size_t n_place = strcspn(rest, "?#");
	const char *query = rest + n_place;
	const char *place = arena_strndup(a, rest, n_place), *user = "";
	const char *at = strrchr(place, '@'), *slash = strchr(place, '/');

	/* libpq looks for one '@' before the first '/': any other is a password's. */
	if (at != NULL && (strchr(place, '@') != at || (slash != NULL && slash < at)))
		return malformed(e);
	if (strchr(query, '#') != NULL || strchr(query, '@') != NULL)
		return malformed(e);
	if (at != NULL && take_user(p, place, (size_t)(at - place), &user, e) != 0)
		return -1;
	place = at == NULL ? place : at + 1;
	if (!has_ports(place))
		return malformed(e);
	(void)buf_printf(&p->conninfo, "postgresql://%s%s%s", user, at == NULL ? "" : "@", place);
	while (*query != '\0') {
		size_t n = strcspn(++query, "&");

		if (n > 0 && take_param(p, query, n, e) != 0)
			return -1;
		query += n;
	}
	p->out->shown = arena_printf(a, "postgresql://%s%s%s?%srecord=%s", user,
				     at == NULL ? "" : "@", place, p->shown.data, p->out->name);
	return 0;
}

int shared_url_parse(struct arena *a, const char *url, struct shared_url *out, struct err *e)
{
	struct shared_url parsed = {.name = SHARED_URL_DEFAULT_NAME};
	struct parts p = {.a = a, .out = &parsed};
	const char *rest = after_scheme(url);
	int rc;

	if (rest == NULL)
		return malformed(e);
	buf_init(&p.conninfo, BUF_UNBOUNDED);
	buf_init(&p.shown, BUF_UNBOUNDED);
	rc = take_apart(&p, rest, e);
	parsed.conninfo = arena_strdup(a, p.conninfo.data);
	buf_release(&p.conninfo);
	buf_release(&p.shown);
	if (rc == 0)
		*out = parsed;
	return rc;
}

const char *shared_url_again(struct arena *a, const char *url)
{
	struct shared_url parsed;

	if (shared_url_parse(a, url, &parsed, NULL) != 0)
		return NULL;
	if (parsed.has_secret)
		return parsed.shown;
	if (strcmp(parsed.name, SHARED_URL_DEFAULT_NAME) == 0)
		return parsed.conninfo;
	return arena_printf(a, "%s%crecord=%s", parsed.conninfo,
			    strchr(parsed.conninfo, '?') != NULL ? '&' : '?', parsed.name);
}

bool shared_url_has_secret(const char *url)
{
	struct arena *a = arena_new();
	struct shared_url parsed;
	bool has = shared_url_parse(a, url, &parsed, NULL) != 0 || parsed.password != NULL ||
		   parsed.has_secret;

	arena_free(a);
	return has;
}

int shared_log_open(const struct shared_url *url, struct shared_log **out, struct err *e)
{
#ifdef ASSIZE_POSTGRES
	return shared_log_open_postgres(url, out, e);
#else
	(void)out;
	(void)err_set(e, ERR_RECORD,
		      "cannot open record \"%s\": this assize was built without PostgreSQL",
		      url->shown);
	return err_help(e, "install libpq-dev and build again");
#endif
}
