/*
 * testd_session: what testd answers under /session/: a shop with a login, for journeys.
 *
 *	POST   /session/login      user "ada" and password "love lace&", form or JSON: a cookie and
 *	                           {"token", "user"}; anything else is 401
 *	GET    /session/form       a page with a hidden field "csrf"; wants the cookie
 *	POST   /session/orders     wants the cookie and the X-CSRF-Token: 201 and {"id"}
 *	GET    /session/orders/N   200 or 404
 *	DELETE /session/orders/N   204 or 404
 *	GET    /session/count      how many orders there are; wants nothing
 *	GET    /session/cookies    {"cookies": the header as it came}
 *	GET    /session/enter      a redirect that sets a cookie; where it leads to, an
 *	                           Authorization is given, and the page quotes both
 *	GET    /session/latin1     a page in ISO 8859-1
 *	POST   /session/rpc        JSON-RPC 2.0: eth_call and eth_blockNumber; an error otherwise
 *
 * One shop for all clients. Private to testd.c.
 */
#ifndef ASSIZE_TESTS_TOOLS_TESTD_SESSION_H
#define ASSIZE_TESTS_TOOLS_TESTD_SESSION_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/tools/testd_modes.h"

#define SHOP_ORDERS 64
#define SHOP_COOKIE "sid=c00k1e-of-ada"
#define SHOP_TOKEN  "t0ken-of-ada"
#define SHOP_CSRF   "csrf-4711"

struct shop {
	bool has_order[SHOP_ORDERS];
	int n_made;
};

/* Texts of the answer; body is at most 512 bytes. */
struct shop_answer {
	char head[512], body[512];
};

static bool shop_has(const char *request, const char *what)
{
	return strcasestr(request, what) != NULL;
}

static bool shop_fail(struct shop_answer *a, const char *status, const char *why)
{
	snprintf(a->head, sizeof(a->head), "HTTP/1.1 %s\r\n" JSON, status);
	snprintf(a->body, sizeof(a->body), "{\"error\": \"%s\"}\n", why);
	return true;
}

static bool shop_login(struct shop_answer *a, const char *body)
{
	bool is_form = strcmp(body, "user=ada&password=love%20lace%26") == 0 ||
		       strcmp(body, "user=ada&password=love+lace%26") == 0;
	bool is_json =
		shop_has(body, "\"user\":\"ada\"") && shop_has(body, "\"password\":\"love lace&\"");

	if (!is_form && !is_json)
		return shop_fail(a, "401 Unauthorized", "no such user or password");
	snprintf(a->head, sizeof(a->head),
		 OK JSON "Set-Cookie: " SHOP_COOKIE "; Path=/; HttpOnly\r\n"
			 "Set-Cookie: seen=1; Path=/session\r\nX-Request-Id: r-17\r\n");
	snprintf(a->body, sizeof(a->body),
		 "{\"token\": \"" SHOP_TOKEN "\", \"user\": {\"name\": \"ada\", \"id\": 7}}\n");
	return true;
}

static bool shop_order(struct shop *s, struct shop_answer *a, const char *method, int id)
{
	if (id < 0 || id >= SHOP_ORDERS || !s->has_order[id])
		return shop_fail(a, "404 Not Found", "no such order");
	if (strcmp(method, "DELETE") == 0) {
		s->has_order[id] = false;
		snprintf(a->head, sizeof(a->head), "HTTP/1.1 204 No Content\r\n\r\n");
		return true;
	}
	snprintf(a->head, sizeof(a->head), OK JSON);
	snprintf(a->body, sizeof(a->body), "{\"id\": %d, \"state\": \"open\", \"sum\": 42.5}\n",
		 id);
	return true;
}

static bool shop_make(struct shop *s, struct shop_answer *a, const char *request)
{
	if (!shop_has(request, SHOP_COOKIE))
		return shop_fail(a, "403 Forbidden", "log in first");
	if (!shop_has(request, "X-CSRF-Token: " SHOP_CSRF))
		return shop_fail(a, "403 Forbidden", "the CSRF token is missing or wrong");
	if (s->n_made + 1 >= SHOP_ORDERS)
		return shop_fail(a, "507 Insufficient Storage", "too many orders");
	s->has_order[++s->n_made] = true;
	snprintf(a->head, sizeof(a->head),
		 "HTTP/1.1 201 Created\r\n" JSON "Location: /session/orders/%d\r\n", s->n_made);
	snprintf(a->body, sizeof(a->body), "{\"id\": %d}\n", s->n_made);
	return true;
}

static bool shop_rpc(struct shop_answer *a, const char *body)
{
	const char *result = NULL;

	if (shop_has(body, "\"eth_blockNumber\""))
		result = "0x12d687";
	else if (shop_has(body, "\"eth_call\"") && shop_has(body, "0x70a08231"))
		result = "0x00000000000000000000000000000000000000000000000000000000000f4240";
	else if (shop_has(body, "\"eth_call\""))
		result = "0x00000000000000000000000100000000000000000000000000000000000f4240";
	snprintf(a->head, sizeof(a->head), OK JSON);
	if (result != NULL)
		snprintf(a->body, sizeof(a->body),
			 "{\"jsonrpc\": \"2.0\", \"id\": 1, \"result\": \"%s\"}\n", result);
	else
		snprintf(a->body, sizeof(a->body),
			 "{\"jsonrpc\": \"2.0\", \"id\": 1, \"error\": {\"code\": -32601, "
			 "\"message\": \"the method does not exist\"}}\n");
	return true;
}

static bool shop_tell(struct shop *s, struct shop_answer *a, const char *request)
{
	const char *cookie = strcasestr(request, "\r\nCookie: ");
	int n = 0;

	for (int i = 0; i < SHOP_ORDERS; i++)
		n += s->has_order[i];
	snprintf(a->head, sizeof(a->head), OK JSON);
	if (cookie != NULL)
		snprintf(a->body, sizeof(a->body), "{\"orders\": %d, \"cookies\": \"%.*s\"}\n", n,
			 (int)strcspn(cookie + 10, "\r"), cookie + 10);
	else
		snprintf(a->body, sizeof(a->body), "{\"orders\": %d, \"cookies\": \"\"}\n", n);
	return true;
}

/* What a visitor is known by, given in two ways. */
static bool shop_enter(struct shop_answer *a, bool is_entered)
{
	snprintf(a->head, sizeof(a->head), "%s",
		 is_entered ? OK JSON "Authorization: Bearer be4rer-of-ada\r\n"
			    : "HTTP/1.1 302 Found\r\nSet-Cookie: ticket=s%3Aticket-of-4da; "
			      "Path=/\r\nLocation: /session/entered\r\n");
	snprintf(a->body, sizeof(a->body), "{\"known\": \"s:ticket-of-4da, be4rer-of-ada\"}\n");
	return true;
}

/* path is behind "/session"; request is all of it, NUL terminated. false: nothing there. */
static bool shop_answer(struct shop *s, struct shop_answer *a, const char *path,
			const char *request)
{
	const char *end = strstr(request, "\r\n\r\n"), *body = end != NULL ? end + 4 : "";
	char method[16] = "GET";
	bool is_post;

	a->body[0] = '\0';
	(void)sscanf(request, "%15s", method); /* a request begins with one */
	is_post = strcmp(method, "POST") == 0;
	if (strcmp(path, "/login") == 0 && is_post)
		return shop_login(a, body);
	if (strcmp(path, "/form") == 0) {
		if (!shop_has(request, SHOP_COOKIE))
			return shop_fail(a, "403 Forbidden", "log in first");
		snprintf(a->head, sizeof(a->head), OK HTML);
		snprintf(a->body, sizeof(a->body),
			 "<form><input type=\"hidden\" name=\"csrf\" value=\"" SHOP_CSRF
			 "\"></form>\n");
		return true;
	}
	if (strncmp(path, "/enter", 6) == 0)
		return shop_enter(a, strcmp(path, "/entered") == 0);
	if (strcmp(path, "/latin1") == 0) {
		snprintf(a->head, sizeof(a->head),
			 "HTTP/1.1 200 OK\r\nContent-Type: text/html; Charset=\"ISO-8859-1\"\r\n");
		snprintf(a->body, sizeof(a->body), "<p>caf\xe9</p>\n");
		return true;
	}
	if (strcmp(path, "/orders") == 0 && is_post)
		return shop_make(s, a, request);
	if (strncmp(path, "/orders/", 8) == 0)
		return shop_order(s, a, method, atoi(path + 8));
	if (strncmp(path, "/rpc", 4) == 0 && is_post)
		return shop_rpc(a, body);
	if (strcmp(path, "/count") == 0 || strcmp(path, "/cookies") == 0)
		return shop_tell(s, a, request);
	return false;
}

#endif
