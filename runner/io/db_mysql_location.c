/*
 * db_mysql_location: a connection string, in the form libpq made common: keyword=value, blanks
 * between, a value with blanks in single quotes, ' and \ behind a backslash.
 *
 * What is left out on purpose: a password (which comes from the source), option files, and whatever
 * would load code or local files. libmariadb would take a host with "=" in it for a connection
 * string of its own, so such a host is refused.
 */
#include <stddef.h>
#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/base/num.h"
#include "runner/base/str.h"
#include "runner/io/db_mysql.h"

#define BLANKS	  " \t\r\n"
#define HELP_FORM "write \"host=db port=3306 dbname=shop user=audit\", and password: beside it"

enum value_type { VALUE_TEXT, VALUE_ABSOLUTE, VALUE_PORT, VALUE_SWITCH };

static const struct {
	const char *name;
	enum value_type type;
	size_t offset;
} keywords[] = {
	{"host", VALUE_TEXT, offsetof(struct mysql_place, host)},
	{"port", VALUE_PORT, offsetof(struct mysql_place, port)},
	{"socket", VALUE_ABSOLUTE, offsetof(struct mysql_place, socket)},
	{"user", VALUE_TEXT, offsetof(struct mysql_place, user)},
	{"dbname", VALUE_TEXT, offsetof(struct mysql_place, dbname)},
	{"ssl", VALUE_SWITCH, offsetof(struct mysql_place, has_tls)},
	{"ssl_verify", VALUE_SWITCH, offsetof(struct mysql_place, verifies)},
	{"ssl_ca", VALUE_ABSOLUTE, offsetof(struct mysql_place, ssl_ca)},
	{"ssl_capath", VALUE_ABSOLUTE, offsetof(struct mysql_place, ssl_capath)},
	{"ssl_cert", VALUE_ABSOLUTE, offsetof(struct mysql_place, ssl_cert)},
	{"ssl_key", VALUE_ABSOLUTE, offsetof(struct mysql_place, ssl_key)},
};
#define N_KEYWORDS (sizeof(keywords) / sizeof(*keywords))

static int fail_keyword(const char *word, struct err *e)
{
	const char *names[N_KEYWORDS];

	for (size_t i = 0; i < N_KEYWORDS; i++)
		names[i] = keywords[i].name;
	int close = str_closest(word, names, N_KEYWORDS);

	(void)err_set(e, ERR_MEASURE, "cannot read the connection string: unknown keyword \"%s\"",
		      word);
	if (close >= 0)
		return err_help(e, "did you mean \"%s\"?", names[close]);
	return err_help(e, "keywords are host, port, socket, user, dbname, ssl, ssl_verify, "
			   "ssl_ca, ssl_capath, ssl_cert, ssl_key");
}

static int set_switch(const char *name, const char *value, bool *out, struct err *e)
{
	static const char *const yes[] = {"on", "yes", "true", "1"};
	static const char *const no[] = {"off", "no", "false", "0"};

	for (size_t i = 0; i < sizeof(yes) / sizeof(*yes); i++)
		if (strcmp(value, yes[i]) == 0 || strcmp(value, no[i]) == 0) {
			*out = strcmp(value, yes[i]) == 0;
			return 0;
		}
	return err_set(e, ERR_MEASURE,
		       "cannot read the connection string: %s must be on or off, not \"%s\"", name,
		       value);
}

static int set_port(const char *value, unsigned *out, struct err *e)
{
	int64_t port;

	if (num_parse_int(value, strlen(value), &port) != 0 || port < 1 || port > 65535)
		return err_set(e, ERR_MEASURE,
			       "cannot read the connection string: \"%s\" is no port", value);
	*out = (unsigned)port;
	return 0;
}

static int set(struct mysql_place *place, const char *word, const char *value, struct err *e)
{
	size_t i = 0;

	while (i < N_KEYWORDS && strcmp(keywords[i].name, word) != 0)
		i++;
	if (i == N_KEYWORDS)
		return fail_keyword(word, e);
	void *field = (char *)place + keywords[i].offset;

	switch (keywords[i].type) {
	case VALUE_PORT:
		return set_port(value, field, e);
	case VALUE_SWITCH:
		return set_switch(word, value, field, e);
	case VALUE_ABSOLUTE:
		if (value[0] != '/')
			return err_set(e, ERR_MEASURE,
				       "cannot read the connection string: %s must be an absolute "
				       "path, not \"%s\"",
				       word, value);
		break;
	case VALUE_TEXT:
		break;
	}
	*(const char **)field = value;
	return 0;
}

/* The value at *s, which ends behind it; NULL = a quote is not closed. */
static const char *take_value(struct arena *a, const char **s)
{
	char *out = arena_alloc(a, strlen(*s) + 1);
	const char *from = *s;
	bool is_quoted = *from == '\'';
	size_t n = 0;

	if (is_quoted)
		from++;
	while (*from && (is_quoted ? *from != '\'' : strchr(BLANKS, *from) == NULL)) {
		if (*from == '\\' && from[1])
			from++;
		out[n++] = *from++;
	}
	if (is_quoted && *from++ != '\'')
		return NULL;
	*s = from;
	return out;
}

static int check(struct mysql_place *place, struct err *e)
{
	if (place->ssl_ca || place->ssl_capath || place->ssl_cert || place->verifies)
		place->has_tls = true;
	if (!place->dbname || !*place->dbname) {
		(void)err_set(e, ERR_MEASURE,
			      "cannot read the connection string: it does not say "
			      "which database");
		return err_help(e, "add dbname=NAME");
	}
	if (place->host && strpbrk(place->host, "=;"))
		return err_set(e, ERR_MEASURE,
			       "cannot read the connection string: \"%s\" is no host", place->host);
	if (place->host && place->socket)
		return err_set(e, ERR_MEASURE,
			       "cannot read the connection string: it has a host and a socket");
	if (place->verifies && !place->ssl_ca && !place->ssl_capath) {
		(void)err_set(e, ERR_MEASURE,
			      "cannot verify the server: the connection string "
			      "does not say which authority to trust");
		return err_help(e, "add ssl_ca=/path/of/ca.pem");
	}
	return 0;
}

int mysql_place_parse(struct arena *a, const char *location, struct mysql_place *out, struct err *e)
{
	struct mysql_place place = {.host = NULL};
	const char *s = location;

	/* What it holds is not repeated: a password may be in it. */
	if (str_starts(s, "mysql://") || str_starts(s, "mariadb://")) {
		(void)err_set(e, ERR_MEASURE, "cannot read the connection string: it is a URI");
		return err_help(e, HELP_FORM);
	}
	while (*(s += strspn(s, BLANKS))) {
		size_t n = strcspn(s, "=" BLANKS);
		const char *word = arena_strndup(a, s, n);

		s += n;
		s += strspn(s, BLANKS);
		if (*s != '=') {
			(void)err_set(e, ERR_MEASURE,
				      "cannot read the connection string: \"%s\" has no value",
				      word);
			return err_help(e, HELP_FORM);
		}
		s++;
		s += strspn(s, BLANKS);
		const char *value = take_value(a, &s);

		if (!value)
			return err_set(e, ERR_MEASURE,
				       "cannot read the connection string: the quote of \"%s\" is "
				       "not closed",
				       word);
		if (set(&place, word, value, e) != 0)
			return -1;
	}
	if (check(&place, e) != 0)
		return -1;
	*out = place;
	return 0;
}
