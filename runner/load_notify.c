/*
 * Sinks: who is told of what. Exactly one key says what a sink is; the others qualify it. The URL
 * of a webhook is its password, so its path is masked wherever it might turn up.
 */
#include <string.h>
#include <strings.h>

#include "runner/base/arena.h"
#include "runner/base/node.h"
#include "runner/base/redact.h"
#include "runner/base/str.h"
#include "runner/load_parts.h"
#include "runner/model/notify.h"

#define MAX_SINKS	20
#define MAX_RECIPIENTS	50
#define MIN_SECRET_PATH 16 /* shorter paths hide nothing and would mask other texts */
#define DAY_MS		86400000

#define FIELD(name) offsetof(struct notify_raw, name)

const struct key_row notify_rows[] = {
	{.name = "webhook",
	 .type = KEY_TEXT,
	 .offset = FIELD(webhook),
	 .help = "a URL to which the news is posted as JSON (assize: notify/1)",
	 .example = "\"${env:HOOK_URL}\""},
	{.name = "slack",
	 .type = KEY_TEXT,
	 .offset = FIELD(slack),
	 .help = "an incoming webhook of Slack, or of Mattermost, Rocket.Chat and others who read "
		 "the same",
	 .example = "\"${env:SLACK_URL}\""},
	{.name = "alertmanager",
	 .type = KEY_TEXT,
	 .offset = FIELD(alertmanager),
	 .help = "base URL of an Alertmanager (API v2); an alert stands until its recovery is told",
	 .example = "\"http://127.0.0.1:9093\""},
	{.name = "smtp",
	 .type = KEY_TEXT,
	 .offset = FIELD(smtp),
	 .help = "a mail server: smtp://HOST:PORT, where STARTTLS is required unless it is this "
		 "machine, or smtps://HOST:PORT",
	 .example = "\"smtp://mail.example.com:587\""},
	{.name = "command",
	 .type = KEY_TEXTS,
	 .offset = FIELD(command),
	 .flags = KEY_NO_SECRET,
	 .help = "a program and its arguments, run without a shell in the definition's directory; "
		 "the news is JSON on its standard input, and exit status 0 means delivered",
	 .example = "[scripts/page, --team, ops]"},
	{.name = "ping",
	 .type = KEY_TEXT,
	 .offset = FIELD(ping),
	 .help = "a URL that is asked for with /start before and /STATUS after each assize run, "
		 "whatever it found (healthchecks.io and its like)",
	 .example = "\"https://hc-ping.com/${env:PING_ID}\""},
	{.name = "headers",
	 .type = KEY_PAIRS,
	 .offset = FIELD(headers),
	 .help = "webhook, slack, alertmanager and ping only: headers sent with every request",
	 .example = "{ Authorization: \"Bearer ${env:HOOK_TOKEN}\" }"},
	{.name = "ca_file",
	 .type = KEY_PATH,
	 .flags = KEY_POLICY,
	 .offset = FIELD(ca_file),
	 .help = "all but command: certificate authorities to trust instead of the system's (PEM); "
		 "with it a mail server on this machine must speak STARTTLS as well",
	 .example = "ca.pem"},
	{.name = "from",
	 .type = KEY_TEXT,
	 .offset = FIELD(from),
	 .help = "smtp only, required there: address of the sender",
	 .example = "assize@example.com"},
	{.name = "to",
	 .type = KEY_TEXTS,
	 .offset = FIELD(to),
	 .help = "smtp only, required there: addresses of the recipients",
	 .example = "[ops@example.com]"},
	{.name = "user",
	 .type = KEY_TEXT,
	 .offset = FIELD(user),
	 .help = "smtp only: name to log in with",
	 .example = "assize"},
	{.name = "password",
	 .type = KEY_TEXT,
	 .offset = FIELD(password),
	 .help = "smtp only: password to log in with",
	 .example = "\"${env:SMTP_PASSWORD}\""},
	{.name = "env",
	 .type = KEY_PAIRS,
	 .offset = FIELD(env),
	 .help = "command only: the whole environment, besides PATH=" COMMAND_PATH
		 " and LC_ALL=C.UTF-8",
	 .example = "{ TOKEN: \"${env:TOKEN}\" }"},
	{.name = "sandbox",
	 .type = KEY_GROUP,
	 .offset = FIELD(sandbox),
	 .sub = command_sandbox_keys,
	 .help = "command only: what the kernel keeps from the program, as for kind command",
	 .example = "{ read: [scripts], network: any }"},
	{.name = "on",
	 .type = KEY_TEXTS,
	 .offset = FIELD(on),
	 .flags = KEY_NO_SECRET,
	 .help = "what is told: failure, recovery, undecided, gate_shut, gate_open, overdue, "
		 "incomplete; all of it unless given",
	 .example = "[failure, recovery, gate_shut]"},
	{.name = "select",
	 .type = KEY_LIST,
	 .offset = FIELD(select),
	 .sub = match_rows,
	 .sub_size = sizeof(struct selector_raw),
	 .help = "of which checks: the list is OR, the keys of one entry AND; all unless given",
	 .example = "[ { tag: release }, { audit: tasks } ]"},
	{.name = "severity",
	 .type = KEY_INT,
	 .offset = FIELD(severity),
	 .min = 0,
	 .max = 10,
	 .def = "0",
	 .help = "of checks of at least this severity",
	 .example = "7"},
	{.name = "repeat",
	 .type = KEY_DURATION,
	 .offset = FIELD(repeat_ms),
	 .min = 60000,
	 .max = INT64_C(366) * DAY_MS,
	 .help = "tell what still stands again after so long, when it is measured; once unless "
		 "given",
	 .example = "4h"},
	{.name = "timeout",
	 .type = KEY_DURATION,
	 .offset = FIELD(timeout_ms),
	 .min = 100,
	 .max = 30000,
	 .def = "5s",
	 .help = "how long one attempt may take",
	 .example = "10s"},
	{.name = "retries",
	 .type = KEY_INT,
	 .offset = FIELD(retries),
	 .min = 0,
	 .max = 10,
	 .def = "2",
	 .help = "try again so often, after 1 s, 2 s, 4 s, ...; all of it within 30 s",
	 .example = "3"},
	KEY_END,
};

#define BIT(type) (1u << (type))
#define OVER_HTTP                                                                                  \
	(BIT(NOTIFY_WEBHOOK) | BIT(NOTIFY_SLACK) | BIT(NOTIFY_ALERTMANAGER) | BIT(NOTIFY_PING))

/* The node that says what the sink is; NULL with a diagnostic unless there is exactly one. */
static struct node *type_node(struct loader *l, const struct group *g, const struct node *node,
			      enum notify_type *type)
{
	struct node *found = NULL;

	for (int t = 0; t <= NOTIFY_LAST; t++) {
		struct node *value = node_get(node, notify_type_name((enum notify_type)t));

		if (!value)
			continue;
		if (found) {
			(void)diags_at(l->diags, value->pos, "split it into two",
				       "notify \"%s\" is both %s and %s", g->name,
				       notify_type_name(*type),
				       notify_type_name((enum notify_type)t));
			return NULL;
		}
		found = value;
		*type = (enum notify_type)t;
	}
	if (!found && !keys_has_unknown(notify_rows, node))
		(void)diags_at(l->diags, g->pos,
			       "add one of webhook, slack, alertmanager, smtp, command, ping",
			       "notify \"%s\" does not say how", g->name);
	return found;
}

static void check_options(struct loader *l, const struct group *g, const struct node *node,
			  enum notify_type type)
{
	const struct {
		const char *key, *owners;
		unsigned bits;
	} options[] = {
		{"headers", "what is told over HTTP", OVER_HTTP},
		{"ca_file", "what is told over the network", OVER_HTTP | BIT(NOTIFY_SMTP)},
		{"from", "smtp", BIT(NOTIFY_SMTP)},
		{"to", "smtp", BIT(NOTIFY_SMTP)},
		{"user", "smtp", BIT(NOTIFY_SMTP)},
		{"password", "smtp", BIT(NOTIFY_SMTP)},
		{"env", "command", BIT(NOTIFY_COMMAND)},
		{"sandbox", "command", BIT(NOTIFY_COMMAND)},
		{"on", "what is told of news; a ping is sent for every run", ~BIT(NOTIFY_PING)},
		{"select", "what is told of news; a ping is sent for every run", ~BIT(NOTIFY_PING)},
		{"severity", "what is told of news; a ping is sent for every run",
		 ~BIT(NOTIFY_PING)},
		{"repeat", "what is told of news; a ping is sent for every run", ~BIT(NOTIFY_PING)},
	};

	for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++) {
		const struct node *value = node_get(node, options[i].key);

		if (value && !(BIT(type) & options[i].bits))
			(void)diags_at(l->diags, value->pos, "remove it",
				       "\"%s\" of notify \"%s\" belongs to %s", options[i].key,
				       g->name, options[i].owners);
	}
}

/* What stands behind "scheme://", when the scheme is one of two; else NULL. */
static const char *after_scheme(const char *url, const char *plain, const char *protected)
{
	if (strncasecmp(url, plain, strlen(plain)) == 0)
		return url + strlen(plain);
	if (strncasecmp(url, protected, strlen(protected)) == 0)
		return url + strlen(protected);
	return NULL;
}

/* The URL is not shown: it may be a secret as a whole. */
static void check_url(struct loader *l, const struct node *node, enum notify_type type)
{
	const char *name = notify_type_name(type), *host, *refused;
	bool is_mail = type == NOTIFY_SMTP;

	if (node->type != NODE_SCALAR || node->len == 0)
		return; /* reported by its row */
	host = is_mail ? after_scheme(node->text, "smtp://", "smtps://")
		       : after_scheme(node->text, "http://", "https://");
	/* A path is put behind some. */
	refused = is_mail ? "/?#" : type == NOTIFY_ALERTMANAGER || type == NOTIFY_PING ? "?#" : "#";
	if (!host || strcspn(host, "/?#") == 0 || strpbrk(host, " \t\r\n") ||
	    strpbrk(host, refused)) {
		(void)diags_at(l->diags, node->pos,
			       is_mail ? "for example \"smtp://mail.example.com:587\""
				       : "for example \"https://hooks.example.com/assize\"",
			       "\"%s\" must be %s", name,
			       is_mail ? "smtp:// or smtps://, a host and a port"
			       : refused[0] == '?'
				       ? "an http or https URL without query or fragment"
				       : "an http or https URL without fragment");
		return;
	}
	if (memchr(host, '@', strcspn(host, "/?")))
		(void)diags_at(l->diags, node->pos,
			       is_mail ? "use user: and password: \"${env:NAME}\""
				       : "use headers: { Authorization: \"Basic ${env:NAME}\" }",
			       "the URL of \"%s\" cannot hold credentials", name);
	else if (!is_mail && strlen(host + strcspn(host, "/?")) >= MIN_SECRET_PATH)
		redactor_add(l->definition->redactor, host + strcspn(host, "/?"));
}

/* Bare, and nothing a header or an envelope could end at. */
static bool is_address(const char *s)
{
	const char *at = strchr(s, '@');

	if (!at || at == s || at[1] == '\0' || strchr(at + 1, '@') || strlen(s) > 254)
		return false;
	for (; *s; s++)
		if (*s <= ' ' || *s > '~' || strchr("<>()[]\\,;:\"", *s))
			return false;
	return true;
}

static void check_address(struct loader *l, const char *key, const char *address, struct pos pos)
{
	if (!is_address(address))
		(void)diags_at(l->diags, pos, "for example ops@example.com",
			       "\"%s\" must be a bare mail address", key);
}

static void check_mail(struct loader *l, const struct group *g, const struct notify_raw *raw,
		       const struct node *node)
{
	if (!raw->from && !node_get(node, "from"))
		(void)diags_at(l->diags, g->pos, "add from: assize@example.com",
			       "notify \"%s\" does not say who sends its mail", g->name);
	if (raw->to.n == 0 && !node_get(node, "to"))
		(void)diags_at(l->diags, g->pos, "add to: [ops@example.com]",
			       "notify \"%s\" does not say who gets its mail", g->name);
	if (raw->from)
		check_address(l, "from", raw->from, keys_pos(node, "from"));
	for (size_t i = 0; i < raw->to.n; i++)
		check_address(l, "to", raw->to.items[i], raw->to.positions[i]);
	if (raw->to.n > MAX_RECIPIENTS)
		(void)diags_at(l->diags, keys_pos(node, "to"), "use a list address",
			       "more than %d recipients", MAX_RECIPIENTS);
	if ((raw->user != NULL) != (raw->password != NULL))
		(void)diags_at(l->diags, keys_pos(node, raw->user ? "user" : "password"), NULL,
			       "\"user\" and \"password\" need one another");
}

/* A program is held to the rules of kind command, which names whom it talks to as a check. */
static void check_program(struct loader *l, const struct notify_sink *s,
			  const struct notify_raw *raw, const struct node *node)
{
	struct command_spec spec = {.run = s->run, .env = s->env, .sandbox = raw->sandbox};
	struct check c = {
		.name = arena_printf(l->arena, "notify/%s", s->name),
		.spec = &spec,
		.spec_node = node,
	};

	command_check_argv(&l->keys, &c, "command", &spec.run);
	command_check_env(&l->keys, &c, &spec.env);
	command_sandbox_check(&l->keys, &c);
}

static unsigned read_on(struct loader *l, const struct texts *words)
{
	const char *names[TRANSITION_LAST + 1];
	unsigned on = 0;

	for (int k = 0; k <= TRANSITION_LAST; k++)
		names[k] = transition_name((enum transition_kind)k);
	for (size_t i = 0; i < words->n; i++) {
		int found = -1, closest;

		for (int k = 0; k <= TRANSITION_LAST; k++)
			found = strcmp(words->items[i], names[k]) == 0 ? k : found;
		if (found >= 0) {
			on |= TRANSITION_BIT(found);
			continue;
		}
		closest = str_closest(words->items[i], names, TRANSITION_LAST + 1);
		(void)diags_at(l->diags, words->positions[i],
			       closest >= 0 ? arena_printf(l->arena, "did you mean \"%s\"?",
							   names[closest])
					    : "known are failure, recovery, undecided, gate_shut, "
					      "gate_open, overdue, incomplete",
			       "nothing is told of \"%s\"", str_escaped(l->arena, words->items[i]));
	}
	return words->n == 0 ? TRANSITION_ALL : on;
}

static void fill(struct loader *l, struct notify_sink *s, const struct notify_raw *raw,
		 const struct node *node)
{
	s->headers = raw->headers;
	s->ca_file = raw->ca_file;
	s->from = raw->from;
	s->user = raw->user;
	s->password = raw->password;
	s->to = raw->to;
	s->run = raw->command;
	s->env = raw->env;
	s->sandbox = node_get(node, "sandbox") ? &raw->sandbox : NULL;
	s->timeout_ms = raw->timeout_ms;
	s->retries = raw->retries;
	s->severity = raw->severity;
	s->repeat_ms = raw->repeat_ms;
	s->on = read_on(l, &raw->on);
	s->select = load_entries(l, &raw->select, node_get(node, "select"), &s->n_select);
}

void load_sink(struct loader *l, const struct group *g, const struct node *node)
{
	const struct notify_raw *raw = g->value;
	struct definition *d = l->definition;
	struct notify_sink *s = arena_alloc(l->arena, sizeof(*s));
	const char *const urls[] = {raw->webhook, raw->slack, raw->alertmanager,
				    raw->smtp,	  NULL,	      raw->ping}; /* enum notify_type */
	struct node *what;

	if (!load_name(l, &l->sinks, "notify", g, s) || node->type != NODE_MAPPING)
		return;
	s->name = g->name;
	s->pos = g->pos;
	what = type_node(l, g, node, &s->type);
	if (!what)
		return;
	fill(l, s, raw, node);
	s->url = urls[s->type];
	if (s->type == NOTIFY_SMTP)
		check_mail(l, g, raw, node);
	if (s->type == NOTIFY_COMMAND)
		check_program(l, s, raw, node);
	else
		check_url(l, what, s->type);
	check_options(l, g, node, s->type);
	if (d->n_sinks == MAX_SINKS)
		(void)diags_at(l->diags, g->pos, NULL, "more than %d in notify", MAX_SINKS);
	d->sinks = load_grow(l->arena, d->sinks, d->n_sinks, sizeof(struct notify_sink *));
	d->sinks[d->n_sinks++] = s;
}
