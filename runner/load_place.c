/*
 * Where a target is, when its definition leaves that to the environment: scheme, host, port, path,
 * database, without user, password and whatever else may be a secret. What is measured here and
 * there can be told apart by it; definitions, which hold the references, are the same.
 *
 * A form that is not understood gives nothing: what may be a password is never taken for a host.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/node.h"
#include "runner/load_parts.h"

#define BLANKS " \t\r\n"

/* Keys of connection strings, of all drivers, that say where. */
static bool is_where(const char *key, size_t n)
{
	static const char *const keys[] = {"host",    "hostaddr", "server", "servername", "address",
					   "addr",    "port",	  "dbname", "database",	  "db",
					   "service", "socket",	  "dsn"};

	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		if (strlen(keys[i]) == n && strncasecmp(keys[i], key, n) == 0)
			return true;
	return false;
}

/* Where the value at s ends, quotes included. */
static const char *end_of(const char *s, const char *separators)
{
	char quote = *s == '\'' ? '\'' : *s == '{' ? '}' : '\0';

	for (s += quote != '\0' ? 1 : 0; *s != '\0'; s++) {
		if (quote == '\0' && strchr(separators, *s) != NULL)
			return s;
		if (quote != '}' && *s == '\\' && s[1] != '\0')
			s++;
		else if (quote != '\0' && *s == quote)
			return s + 1;
	}
	return s;
}

/* keyword = value, with separators between them; as written, in their order. */
static void add_pairs(struct buf *b, const char *s, const char *separators)
{
	char stops[16];

	(void)snprintf(stops, sizeof(stops), "=%s", separators);
	for (;;) {
		const char *key, *end;
		size_t n;

		s += strspn(s, separators);
		s += strspn(s, BLANKS);
		if (*s == '\0')
			return;
		key = s;
		n = strcspn(s, stops);
		s += n;
		while (n > 0 && strchr(BLANKS, key[n - 1]) != NULL)
			n--;
		s += strspn(s, BLANKS);
		if (*s != '=')
			continue;
		s++;
		s += strspn(s, BLANKS);
		end = end_of(s, separators);
		if (is_where(key, n)) {
			(void)buf_add(b, key, n);
			(void)buf_putc(b, '=');
			(void)buf_add(b, s, (size_t)(end - s));
			(void)buf_putc(b, '\n');
		}
		s = end;
	}
}

/* The last @ of an authority ends who asks. A fragment says nothing to a server. */
static void add_url(struct buf *b, const char *url)
{
	const char *authority = strstr(url, "://") + 3;
	const char *end = authority + strcspn(authority, "/?#"), *host = authority;
	const char *query = end + strcspn(end, "?#");

	for (const char *s = authority; s < end; s++)
		if (*s == '@')
			host = s + 1;
	(void)buf_add(b, url, (size_t)(authority - url));
	(void)buf_add(b, host, (size_t)(query - host));
	(void)buf_putc(b, '\n');
	if (*query == '?')
		add_pairs(b, query + 1, "&#");
}

const char *load_place(struct loader *l, const struct node *node, enum target_type type)
{
	const char *place;
	struct buf b;

	if (node->type != NODE_SCALAR || node->written == NULL)
		return NULL;
	buf_init(&b, BUF_UNBOUNDED);
	if (strstr(node->text, "://") != NULL)
		add_url(&b, node->text);
	else if (type == TARGET_SQLITE || type == TARGET_GIT)
		(void)buf_puts(&b, node->text);
	else
		add_pairs(&b, node->text, type == TARGET_ODBC ? ";" : BLANKS);
	place = arena_strndup(l->arena, b.len > 0 ? b.data : "", b.len);
	buf_release(&b);
	return place;
}
