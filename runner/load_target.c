/*
 * Targets: exactly one of the type keys says what a target is and where, the others qualify it.
 */
#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/node.h"
#include "runner/base/str.h"
#include "runner/io/file.h"
#include "runner/load_parts.h"

static const char *const http_versions[] = {"auto", "1.1", "2", NULL}; /* enum route_http */

const struct key_row target_rows[] = {
	{.name = "sqlite",
	 .type = KEY_PATH,
	 .flags = KEY_WORLD,
	 .offset = offsetof(struct target_raw, sqlite),
	 .help = "a SQLite database file",
	 .example = "data/shop.db"},
	{.name = "postgres",
	 .type = KEY_TEXT,
	 .offset = offsetof(struct target_raw, postgres),
	 .help = "a PostgreSQL database: a libpq connection string or URI, without the password; "
		 "the "
		 "environment (PGHOST, ...), ~/.pgpass and service files are not asked; where a "
		 "row-level "
		 "security policy would hide rows from the role, a check is undecided",
	 .example = "\"host=db dbname=ledger user=audit sslmode=verify-full\""},
	{.name = "mysql",
	 .type = KEY_TEXT,
	 .offset = offsetof(struct target_raw, mysql),
	 .help = "a MySQL or MariaDB database: keyword=value of host, port, socket, user, dbname, "
		 "ssl, ssl_verify, ssl_ca, ssl_capath, ssl_cert, ssl_key; an answer for which the "
		 "server warns (a text taken for a number, a text cut short) is undecided",
	 .example = "\"host=db dbname=shop user=audit\""},
	{.name = "odbc",
	 .type = KEY_TEXT,
	 .offset = offsetof(struct target_raw, odbc),
	 .help = "any other database: an ODBC connection string, without the password",
	 .example = "\"DSN=warehouse;UID=audit\""},
	{.name = "password",
	 .type = KEY_TEXT,
	 .offset = offsetof(struct target_raw, password),
	 .help = "databases with a server: the role's password",
	 .example = "\"${env:LEDGER_PASSWORD}\""},
	{.name = "statement_timeout",
	 .type = KEY_DURATION,
	 .offset = offsetof(struct target_raw, statement_timeout_ms),
	 .min = 1,
	 .max = INT64_C(24) * 3600 * 1000,
	 .help = "databases with a server: no statement may take longer, whatever a check's "
		 "timeout",
	 .example = "30s"},
	{.name = "allow_writable_role",
	 .type = KEY_BOOL,
	 .offset = offsetof(struct target_raw, allow_writable_role),
	 .help = "databases with a server: accept a role that could write; grants are the boundary",
	 .example = "true"},
	{.name = "http",
	 .type = KEY_TEXT,
	 .offset = offsetof(struct target_raw, http),
	 .help = "a base URL, http or https, without credentials",
	 .example = "\"https://api.example.com\""},
	{.name = "prometheus",
	 .type = KEY_TEXT,
	 .offset = offsetof(struct target_raw, prometheus),
	 .help = "a query API: the URL before /api/v1, path included (Thanos, Mimir and "
		 "VictoriaMetrics have one), without credentials",
	 .example = "\"https://mimir.example.com/prometheus\""},
	{.name = "git",
	 .type = KEY_PATH,
	 .flags = KEY_WORLD,
	 .offset = offsetof(struct target_raw, git),
	 .help = "a git repository, bare or with a work tree",
	 .example = "."},
	{.name = "headers",
	 .type = KEY_PAIRS,
	 .offset = offsetof(struct target_raw, headers),
	 .help = "http and prometheus only: headers sent with every request",
	 .example = "{ Authorization: \"Bearer ${env:API_TOKEN}\" }"},
	{.name = "ca_file",
	 .type = KEY_PATH,
	 .flags = KEY_POLICY,
	 .offset = offsetof(struct target_raw, ca_file),
	 .help = "http and prometheus only: certificate authorities to trust instead of the "
		 "system's (PEM)",
	 .example = "ca.pem"},
	{.name = "cert_file",
	 .type = KEY_PATH,
	 .flags = KEY_WORLD,
	 .offset = offsetof(struct target_raw, route.cert_file),
	 .help = "http and prometheus only: certificate to show to the server, with its chain "
		 "(PEM)",
	 .example = "client.pem"},
	{.name = "key_file",
	 .type = KEY_PATH,
	 .flags = KEY_WORLD,
	 .offset = offsetof(struct target_raw, route.key_file),
	 .help = "http and prometheus only: private key of cert_file (PEM); else it is in "
		 "cert_file",
	 .example = "client.key"},
	{.name = "key_password",
	 .type = KEY_TEXT,
	 .offset = offsetof(struct target_raw, route.key_password),
	 .help = "http and prometheus only: pass phrase of the private key",
	 .example = "\"${env:KEY_PASSWORD}\""},
	{.name = "proxy",
	 .type = KEY_TEXT,
	 .offset = offsetof(struct target_raw, route.proxy),
	 .help = "http and prometheus only: URL of the proxy to go through: http, https, socks5 or "
		 "socks5h; "
		 "the environment's is never used",
	 .example = "\"http://proxy.example.com:3128\""},
	{.name = "proxy_user",
	 .type = KEY_TEXT,
	 .offset = offsetof(struct target_raw, route.proxy_user),
	 .help = "http and prometheus only: name to log in to the proxy with",
	 .example = "audit"},
	{.name = "proxy_password",
	 .type = KEY_TEXT,
	 .offset = offsetof(struct target_raw, route.proxy_password),
	 .help = "http and prometheus only: password to log in to the proxy with",
	 .example = "\"${env:PROXY_PASSWORD}\""},
	{.name = "proxy_ca_file",
	 .type = KEY_PATH,
	 .flags = KEY_POLICY,
	 .offset = offsetof(struct target_raw, route.proxy_ca_file),
	 .help = "http and prometheus only: certificate authorities to trust for an https proxy "
		 "(PEM)",
	 .example = "proxy-ca.pem"},
	{.name = "http_version",
	 .type = KEY_ENUM,
	 .offset = offsetof(struct target_raw, route.http_version),
	 .choices = http_versions,
	 .def = "auto",
	 .help = "http and prometheus only: 2 is undecided when the server does not speak it; auto "
		 "takes what "
		 "TLS agrees on"},
	{.name = "max_connections",
	 .type = KEY_INT,
	 .offset = offsetof(struct target_raw, max_connections),
	 .min = 1,
	 .max = 64,
	 .def = "4",
	 .help = "at most so many sessions or requests at once; the wait of an HTTP check for its "
		 "turn "
		 "is not part of its timeout"},
	KEY_END,
};

/* The node that says what the target is; NULL with a diagnostic unless there is exactly one. */
static struct node *type_node(struct loader *l, const struct group *g, const struct node *node,
			      enum target_type *type)
{
	struct node *found = NULL;

	for (int t = TARGET_SQLITE; t <= TARGET_LAST; t++) {
		const char *name = target_type_name((enum target_type)t);
		struct node *value = node_get(node, name);

		if (!value)
			continue;
		if (found) {
			(void)diags_at(l->diags, value->pos, "split it into two targets",
				       "target \"%s\" is both %s and %s", g->name,
				       target_type_name(*type), name);
			return NULL;
		}
		found = value;
		*type = (enum target_type)t;
	}
	if (!found && !keys_has_unknown(target_rows, node))
		(void)diags_at(l->diags, g->pos,
			       "add one of sqlite, postgres, mysql, odbc, http, prometheus, git",
			       "target \"%s\" does not say what it is", g->name);
	return found;
}

/*
 * A URL that can be requested. What an authority holds before @ are credentials, which belong where
 * they are neither written down nor shown.
 */
static void check_url(struct loader *l, const struct node *node, const char *key)
{
	const char *host = NULL, *at;
	size_t n;

	if (node->type != NODE_SCALAR || node->len == 0)
		return; /* reported by its row */
	if (str_starts(node->text, "http://") || str_starts(node->text, "https://"))
		host = strstr(node->text, "://") + 3;
	if (!host || strcspn(host, "/?#") == 0 || strpbrk(node->text, " \t\n") ||
	    strpbrk(host, "?#")) {
		(void)diags_at(l->diags, node->pos, "for example \"https://api.example.com\"",
			       "\"%s\" must be an http or https URL without query or fragment",
			       key);
		return;
	}
	n = strcspn(host, "/");
	at = memchr(host, '@', n);
	if (at && !node->has_secret)
		(void)diags_at(l->diags, node->pos,
			       "use headers: { Authorization: \"Basic ${env:NAME}\" }",
			       "the URL of a target cannot hold credentials");
}

/* Keys that qualify some types only. */
static void check_options(struct loader *l, const struct group *g, const struct node *node,
			  enum target_type type)
{
	const unsigned web = TARGET_BIT(TARGET_HTTP) | TARGET_BIT(TARGET_PROMETHEUS);
	const unsigned servers = TARGET_DATABASES & ~TARGET_BIT(TARGET_SQLITE);
	const struct {
		const char *key, *owners;
		unsigned bits;
	} options[] = {
		{"headers", "http targets", web},
		{"ca_file", "http targets", web},
		{"cert_file", "http targets", web},
		{"key_file", "http targets", web},
		{"key_password", "http targets", web},
		{"proxy", "http targets", web},
		{"proxy_user", "http targets", web},
		{"proxy_password", "http targets", web},
		{"proxy_ca_file", "http targets", web},
		{"http_version", "http targets", web},
		{"password", "databases with a server", servers},
		{"statement_timeout", "databases with a server", servers},
		{"allow_writable_role", "databases with a server", servers},
	};

	for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++) {
		const struct node *value = node_get(node, options[i].key);

		if (value && !(TARGET_BIT(type) & options[i].bits))
			(void)diags_at(l->diags, value->pos, "remove it",
				       "\"%s\" belongs to %s, \"%s\" is none", options[i].key,
				       options[i].owners, g->name);
	}
}

void load_target(struct loader *l, const struct group *g, const struct node *node)
{
	const struct target_raw *raw = g->value;
	struct definition *d = l->definition;
	struct target *t = arena_alloc(l->arena, sizeof(*t));
	const char *places[] = {
		[TARGET_SQLITE] = raw->sqlite, [TARGET_POSTGRES] = raw->postgres,
		[TARGET_MYSQL] = raw->mysql,   [TARGET_ODBC] = raw->odbc,
		[TARGET_HTTP] = raw->http,     [TARGET_PROMETHEUS] = raw->prometheus,
		[TARGET_GIT] = raw->git,
	};
	struct node *what;

	if (!load_name(l, &l->targets, "target", g, t) || node->type != NODE_MAPPING)
		return;
	t->name = g->name;
	t->pos = g->pos;
	t->password = raw->password;
	t->statement_timeout_ms = raw->statement_timeout_ms;
	t->allow_writable_role = raw->allow_writable_role;
	t->headers = raw->headers;
	t->ca_file = raw->ca_file;
	t->route = raw->route;
	t->max_connections = raw->max_connections;
	what = type_node(l, g, node, &t->type);
	if (!what)
		return;
	t->location = places[t->type];
	t->place = load_place(l, what, t->type);
	if (t->type == TARGET_HTTP || t->type == TARGET_PROMETHEUS) {
		check_url(l, what, target_type_name(t->type));
		load_route(l, node, &t->route);
	} else if (t->type != TARGET_SQLITE && t->type != TARGET_GIT)
		load_connection(l, what, t->type);
	else if (t->location)
		t->location = file_absolute(l->arena, d->root_dir, t->location);
	check_options(l, g, node, t->type);
	(void)map_put(&l->target_nodes, g->name, what); /* the name is new */
	d->targets = load_grow(l->arena, d->targets, d->n_targets, sizeof(struct target *));
	d->targets[d->n_targets++] = t;
}
