/* oci_auth: a header taken apart, a URL put together. */
#include "audits/oci_auth.h"

#include <string.h>
#include <strings.h>

#include "runner/base/arena.h"
#include "runner/base/base64.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/io/json.h"

static const char token_chars[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				  "0123456789-._~+/=";

/* name="value" or name=value; moves behind it and its comma. false: malformed. */
static bool take_parameter(struct arena *a, const char **at, const char **name, const char **value)
{
	const char *s = *at + strspn(*at, " \t,");
	size_t n = strcspn(s, "= \t,\""), n_value = 0;
	char *text = arena_alloc(a, strlen(s) + 1);

	if (n == 0 || s[n] != '=')
		return false;
	*name = arena_strndup(a, s, n);
	s += n + 1;
	if (*s == '"') {
		for (s++; *s && *s != '"'; s++) {
			if (*s == '\\' && s[1])
				s++;
			text[n_value++] = *s;
		}
		if (*s++ != '"')
			return false;
	} else {
		n_value = strcspn(s, " \t,");
		memcpy(text, s, n_value);
		s += n_value;
	}
	*value = text;
	*at = s + strspn(s, " \t,");
	return true;
}

bool oci_challenge_parse(struct arena *a, const char *value, struct oci_challenge *out)
{
	struct oci_challenge c = {.is_bearer = strncasecmp(value, "bearer ", 7) == 0};
	const char *name, *text;

	if (!c.is_bearer && strncasecmp(value, "basic", 5) != 0)
		return false;
	if (!c.is_bearer) {
		*out = c;
		return true;
	}
	for (value += 7; *value;) {
		if (!take_parameter(a, &value, &name, &text))
			return false;
		if (strcasecmp(name, "realm") == 0)
			c.realm = text;
		else if (strcasecmp(name, "service") == 0)
			c.service = text;
		else if (strcasecmp(name, "scope") == 0)
			c.scope = text;
	}
	*out = c;
	return c.realm != NULL;
}

static void put_encoded(struct buf *out, const char *s)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				    "0123456789-._~:/,";

	for (; *s; s++) {
		if (strchr(plain, *s))
			(void)buf_putc(out, *s); /* a header is bounded */
		else
			(void)buf_printf(out, "%%%02X", (unsigned)(unsigned char)*s);
	}
}

const char *oci_token_url(struct arena *a, const struct oci_challenge *c)
{
	char separator = strchr(c->realm, '?') ? '&' : '?';
	struct buf b;

	buf_init(&b, BUF_UNBOUNDED); /* a header is bounded */
	(void)buf_puts(&b, c->realm);
	if (c->service) {
		(void)buf_printf(&b, "%cservice=", separator);
		put_encoded(&b, c->service);
		separator = '&';
	}
	if (c->scope) {
		(void)buf_printf(&b, "%cscope=", separator);
		put_encoded(&b, c->scope);
	}

	const char *url = arena_strdup(a, b.data);
	buf_release(&b);
	return url;
}

const char *oci_basic(struct arena *a, const char *user, const char *password)
{
	const char *both = arena_printf(a, "%s:%s", user, password);

	return arena_printf(a, "Basic %s", base64_encode(a, both, strlen(both)));
}

const char *oci_bearer(struct arena *a, const char *json, size_t n, struct err *e)
{
	static const char *const names[] = {"token", "access_token"};
	const char *bearer = NULL;
	struct json_doc *doc;
	struct json_value v;

	if (json_parse(json, n, &doc, e) < 0)
		return NULL;
	for (size_t i = 0; !bearer && i < 2; i++) {
		json_read(doc, json_member(json_root(doc), names[i]), &v);
		if (v.type == JSON_IS_TEXT && v.text[0] &&
		    v.text[strspn(v.text, token_chars)] == '\0')
			bearer = arena_printf(a, "Bearer %s", v.text);
	}
	json_free(doc);
	if (!bearer)
		(void)err_set(e, ERR_MEASURE, "there is no token in its answer");
	return bearer;
}
