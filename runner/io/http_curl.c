#include "runner/io/http_curl.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "runner/base/arena.h"
#include "runner/base/pairs.h"
#include "runner/base/route.h"
#include "runner/io/http_internal.h"

/* All but headers and fields. */
#define MAX_OPTIONS 48

struct arguments {
	const char **items;
	size_t n;
};

static void add(struct arguments *x, const char *argument)
{
	x->items[x->n++] = argument;
}

static void add_value(struct arguments *x, const char *option, const char *value)
{
	if (value == NULL)
		return;
	add(x, option);
	add(x, value);
}

static void add_route(struct arguments *x, const struct http_request *req, struct arena *a)
{
	static const struct route direct;
	const struct route *r = req->route != NULL ? req->route : &direct;

	if (r->proxy == NULL) {
		add_value(x, "--noproxy", "*");
	} else {
		add_value(x, "--noproxy", "");
		add_value(x, "--proxy", r->proxy);
		if (r->proxy_user != NULL)
			add_value(x, "--proxy-user",
				  arena_printf(a, "%s:%s", r->proxy_user,
					       r->proxy_password != NULL ? r->proxy_password : ""));
		add_value(x, "--proxy-cacert", r->proxy_ca_file);
	}
	add_value(x, "--cacert", req->ca_file);
	add_value(x, "--cert", r->cert_file);
	add_value(x, "--key", r->cert_file != NULL ? r->key_file : NULL);
	add_value(x, "--pass", r->key_password);
	switch ((enum route_http)r->http_version) {
	case ROUTE_HTTP_AUTO:
		break;
	case ROUTE_HTTP_1_1:
		add(x, "--http1.1");
		break;
	case ROUTE_HTTP_2:
		add(x, strncmp(req->url, "https:", 6) == 0 ? "--http2" : "--http2-prior-knowledge");
		break;
	}
}

static void add_form(struct arguments *x, const struct pairs *form, struct arena *a)
{
	for (size_t i = 0; i < form->n; i++)
		add_value(x, "--data-urlencode",
			  arena_printf(a, "%s=%s", form->items[i].name, form->items[i].value));
}

static void add_method(struct arguments *x, const struct http_request *req, bool has_form)
{
	const char *method = req->method != NULL ? req->method : "GET";

	if (strcmp(method, "HEAD") == 0)
		add(x, "--head");
	/* Said by --data-raw; with --request it would stay a POST behind a redirect, too. */
	else if (strcmp(method, "POST") != 0 && (strcmp(method, "GET") != 0 || req->body != NULL))
		add_value(x, "--request", method);
	if (has_form)
		return;
	if (req->body != NULL)
		add_value(x, "--data-raw", req->body);
	else if (strcmp(method, "POST") == 0)
		add_value(x, "--data-raw", "");
}

static bool has_own(const struct pairs *headers)
{
	/* Two that curl keeps to the first host, and two that say nothing of anybody. */
	static const char *const others[] = {"Authorization", "Cookie", "Accept", "Content-Type"};

	for (size_t i = 0; headers != NULL && i < headers->n; i++) {
		bool is_own = true;

		for (size_t k = 0; k < sizeof(others) / sizeof(others[0]); k++)
			if (strcasecmp(headers->items[i].name, others[k]) == 0)
				is_own = false;
		if (is_own)
			return true;
	}
	return false;
}

bool http_curl_follows(const struct http_request *req)
{
	return !has_own(req->headers) && !has_own(req->extra_headers);
}

int http_curl_arguments(const struct http_request *req, const struct http_curl_more *more,
			struct arena *a, const char ***out, size_t *n, struct err *e)
{
	static const struct pairs no_form;
	const struct pairs *form = more != NULL && more->form != NULL ? more->form : &no_form;
	static const struct http_handler nobody;
	struct http_transfer *t;
	struct arguments x = {.items = NULL};
	size_t n_lines = 0;

	if (http_library(e) < 0)
		return -1;
	t = http_transfer_new(NULL, req, &nobody, NULL);
	if (http_transfer_headers(t, e) != 0) {
		http_transfer_free(t);
		return -1;
	}
	for (const struct curl_slist *l = t->lines; l != NULL; l = l->next)
		n_lines++;
	x.items = arena_array(a, MAX_OPTIONS + 2 * (n_lines + form->n), sizeof(*x.items));
	add(&x, "curl");
	add(&x, "--disable"); /* no ~/.curlrc */
	add(&x, "--globoff");
	add(&x, "--compressed"); /* undoes gzip; the header below says what is asked for */
	add_value(&x, "--proto", "=http,https");
	if (req->timeout_ms > 0)
		add_value(&x, "--max-time",
			  arena_printf(a, "%lld.%03d", (long long)(req->timeout_ms / 1000),
				       (int)(req->timeout_ms % 1000)));
	if (req->max_redirects > 0 && http_curl_follows(req)) {
		add(&x, "--location");
		add_value(&x, "--max-redirs", arena_printf(a, "%ld", req->max_redirects));
	}
	add_route(&x, req, a);
	if (more != NULL && more->cookies != NULL) {
		add_value(&x, "--cookie", more->cookies);
		add_value(&x, "--cookie-jar", more->cookies);
	}
	add_value(&x, "--user-agent", "assize");
	for (const struct curl_slist *l = t->lines; l != NULL; l = l->next)
		add_value(&x, "--header", arena_strdup(a, l->data));
	add_method(&x, req, form->n > 0);
	add_form(&x, form, a);
	add(&x, req->url);
	http_transfer_free(t);
	*out = x.items;
	*n = x.n;
	return 0;
}
