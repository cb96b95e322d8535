/*
 * What a connection string must not hold: a password, since it is shown and recorded; and, when
 * definitions come from a commit, the authorities to trust in a file of the work tree, where
 * whoever is to be judged has the last word. Other files of authorities (`ca_file:`) are read from
 * the commit; the libraries that read these want a path of the file system.
 *
 * The drivers parse the strings; what is looked for here is found in all their forms: keyword=value
 * with blanks between, the query of a URI, KEYWORD=value; of ODBC.
 */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "runner/base/arena.h"
#include "runner/base/node.h"
#include "runner/base/str.h"
#include "runner/io/db.h"
#include "runner/io/file.h"
#include "runner/load_parts.h"

/* "password=...", or "user:password@" in a URI. */
static bool has_password(const char *text)
{
	static const char *const words[] = {"password", "passwd", "pwd"};
	const char *authority = strstr(text, "://");

	for (const char *s = text; *s; s++)
		for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
			size_t n = strlen(words[i]);

			if (strncasecmp(s, words[i], n) == 0 && s[n + strspn(s + n, " ")] == '=')
				return true;
		}
	if (!authority)
		return false;
	authority += 3;
	size_t user = strcspn(authority, ":@/?");

	return authority[user] == ':' && authority[user + strcspn(authority + user, "@/?")] == '@';
}

/* A connection string is shown and recorded: what must not be is said by password:. */
static bool check_password(struct loader *l, const struct node *node)
{
	if (node->has_secret || !has_password(node->text))
		return true;
	(void)diags_at(l->diags, node->pos, "use password: \"${env:NAME}\"",
		       "a connection string cannot hold a password");
	return false;
}

/* What comes from the environment is looked at when it is used: a message would repeat it. */
static void check_form(struct loader *l, const struct node *node)
{
	struct err e = {0};

	if (node->has_secret || db_check_location(DB_MYSQL, l->arena, node->text, &e) == 0)
		return;
	(void)diags_at(l->diags, node->pos, e.help[0] ? e.help : NULL, "%s", e.message);
}

/* ---- whom to trust ---- */

/* Of libpq; of our MySQL strings; of the ODBC drivers of both. */
static const char *const trusts[] = {"sslrootcert", "sslcrl", "sslcrldir", "ssl_ca",
				     "ssl_capath",  "sslca",  "sslcapath"};

static int hex_digit(char c)
{
	return c >= '0' && c <= '9'	    ? c - '0'
	       : isxdigit((unsigned char)c) ? (c | 32) - 'a' + 10
					    : -1;
}

/* What stands behind the "=": quoted, up to the next blank, or up to a separator of its form. */
static const char *value_at(struct arena *a, const char *s, const char *ends, bool is_uri)
{
	char *out = arena_alloc(a, strlen(s) + 1);
	bool is_quoted = !is_uri && *s == '\'';
	size_t n = 0;

	for (s += is_quoted ? 1 : 0; *s && (is_quoted ? *s != '\'' : !strchr(ends, *s)); s++) {
		if (!is_uri && *s == '\\' && s[1])
			out[n++] = *++s;
		else if (is_uri && *s == '%' && hex_digit(s[1]) >= 0 && hex_digit(s[2]) >= 0) {
			out[n++] = (char)(hex_digit(s[1]) * 16 + hex_digit(s[2]));
			s += 2;
		} else
			out[n++] = *s;
	}
	out[n] = '\0';
	return out;
}

static void check_trust(struct loader *l, const struct node *node, enum target_type type)
{
	bool is_uri = strstr(node->text, "://") != NULL;
	const char *ends = is_uri ? "&" : type == TARGET_ODBC ? ";}" : " \t\r\n";

	for (const char *s = node->text; *s; s++) {
		if (s > node->text && !strchr(" \t\r\n?&;{", s[-1]))
			continue;
		for (size_t i = 0; i < sizeof(trusts) / sizeof(*trusts); i++) {
			size_t n = strlen(trusts[i]);
			const char *eq = strncasecmp(s, trusts[i], n) == 0
						 ? s + n + strspn(s + n, " \t\r\n")
						 : "";
			const char *value;

			if (*eq != '=')
				continue;
			eq++;
			value = value_at(l->arena, eq + strspn(eq, " \t\r\n"), ends, is_uri);
			if (*value == '\0' || strcmp(value, "system") == 0) /* a word of libpq's */
				continue;
			value = file_absolute(l->arena, l->options->cwd, value);
			if (load_policy_leads_in_tree(l, value))
				(void)diags_at(l->diags, node->pos,
					       "name a file outside of the work tree, which no "
					       "commit can change",
					       "%s \"%s\" of a connection string is in the work "
					       "tree and cannot be read at %s",
					       trusts[i], str_escaped(l->arena, value), l->ref);
		}
	}
}

void load_connection(struct loader *l, const struct node *node, enum target_type type)
{
	if (node->type != NODE_SCALAR || node->len == 0)
		return; /* reported by its row */
	if (check_password(l, node) && type == TARGET_MYSQL)
		check_form(l, node);
	if (l->git)
		check_trust(l, node, type);
}
