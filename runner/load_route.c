/*
 * The way to an http target: a proxy, and who one is there. Keys that say nothing without another
 * one are errors, because somebody believes they do.
 */
#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/node.h"
#include "runner/base/route.h"
#include "runner/base/str.h"
#include "runner/load_parts.h"

static void needs(struct loader *l, const struct node *node, const char *key, const char *other)
{
	const struct node *value = node_get(node, key);

	if (value != NULL && node_get(node, other) == NULL)
		(void)diags_at(l->diags, value->pos, NULL, "\"%s\" says nothing without \"%s\"",
			       key, other);
}

static void check_proxy(struct loader *l, const struct node *value)
{
	static const char *const schemes[] = {"http://", "https://", "socks5://", "socks5h://"};
	const char *host = NULL;

	if (value->type != NODE_SCALAR || value->len == 0)
		return; /* reported by its row */
	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
		if (str_starts(value->text, schemes[i]))
			host = value->text + strlen(schemes[i]);
	if (host == NULL || strcspn(host, "/?#") == 0 || strpbrk(host, " \t\n?#") != NULL ||
	    host[strcspn(host, "/")] != '\0')
		(void)diags_at(l->diags, value->pos,
			       "for example \"http://proxy.example.com:3128\"",
			       "\"proxy\" must be an http, https, socks5 or socks5h URL of a host "
			       "and a port");
	else if (strchr(host, '@') != NULL)
		(void)diags_at(l->diags, value->pos,
			       "use proxy_user and proxy_password: \"${env:NAME}\"",
			       "the URL of a proxy cannot hold credentials");
}

void load_route(struct loader *l, const struct node *node, const struct route *r)
{
	if (r->proxy != NULL)
		check_proxy(l, node_get(node, "proxy"));
	needs(l, node, "proxy_user", "proxy");
	needs(l, node, "proxy_password", "proxy_user");
	needs(l, node, "proxy_ca_file", "proxy");
	needs(l, node, "key_file", "cert_file");
	needs(l, node, "key_password", "cert_file");
}
