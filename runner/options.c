/*
 * One table of options for all commands: a letter, a help line or an environment twin can then
 * never differ from one command to the next.
 */
#include "runner/options.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "runner/app.h"
#include "runner/base/arena.h"
#include "runner/base/num.h"
#include "runner/base/str.h"
#include "runner/io/shared_log.h"

enum option_type { OPTION_FLAG, OPTION_TEXT, OPTION_LIST, OPTION_PAIR, OPTION_COUNT, OPTION_COLOR };

struct option_row {
	const char *name;
	char letter; /* 0 = none */
	enum option_type type;
	const char *argument; /* NULL = takes none */
	size_t offset;
	int64_t max; /* COUNT */
	const char *help;
};

#define AT(field) offsetof(struct options, field)

static const struct option_row rows[] = {
	{"file", 'f', OPTION_TEXT, "FILE", AT(file), 0,
	 "definition file or directory, or git:REF:PATH (default: assize.yaml here)"},
	{"policy-sha256", 0, OPTION_TEXT, "HEX", AT(pinned), 0,
	 "refuse a definition, or a statement by one, with another digest; assize check prints it"},
	{"record", 0, OPTION_TEXT, "PATH", AT(record), 0,
	 "the record (default: .assize/record.db beside the definition), or a postgresql:// URL"},
	{"var", 0, OPTION_PAIR, "NAME=VALUE", AT(vars), 0,
	 "set a variable of the definition; may repeat"},
	{"subject", 's', OPTION_TEXT, "ID", AT(subject), 0,
	 "what the evidence is about: a commit, tag or artifact digest; \"any\" = no release"},
	{"due", 0, OPTION_FLAG, NULL, AT(is_due), 0,
	 "only checks whose schedule says they are due"},
	{"shard", 0, OPTION_TEXT, "I/N", AT(shard), 0,
	 "only the I-th of N parts of the selection, for N machines; a gate asks for all of them"},
	{"report", 0, OPTION_LIST, "FORMAT=FILE", AT(reports), 0,
	 "also write a report; formats as of assize report; may repeat"},
	{"attest", 0, OPTION_LIST, "FORMAT=FILE", AT(attests), 0,
	 "also write the decision as a signed statement (test-result, vsa, ...-dsse); may repeat"},
	{"sign-key", 0, OPTION_TEXT, "FILE", AT(sign_key), 0,
	 "private key of statements, Ed25519 in PEM; env:NAME = from that variable"},
	{"sqlite", 0, OPTION_LIST, "PATH", AT(sqlite), 0, "a SQLite database; may repeat"},
	{"postgres", 0, OPTION_LIST, "CONNECTION", AT(postgres), 0,
	 "a PostgreSQL database (\"host=db dbname=shop user=audit\"); may repeat"},
	{"mysql", 0, OPTION_LIST, "CONNECTION", AT(mysql), 0,
	 "a MySQL or MariaDB database, in the same form; may repeat"},
	{"odbc", 0, OPTION_LIST, "CONNECTION", AT(odbc), 0, "any other database; may repeat"},
	{"http", 0, OPTION_LIST, "URL", AT(http), 0, "a web page or API; may repeat"},
	{"metrics", 0, OPTION_LIST, "URL", AT(metrics), 0,
	 "a page of metrics, Prometheus text or OpenMetrics; may repeat"},
	{"artifact", 0, OPTION_LIST, "PATH", AT(artifact), 0,
	 "a file or folder that is shipped; may repeat"},
	{"oci", 0, OPTION_LIST, "IMAGE", AT(oci), 0,
	 "an image layout, or HOST/REPOSITORY:TAG of a registry; may repeat"},
	{"git", 0, OPTION_LIST, "PATH", AT(git), 0,
	 "a repository, whose newest release tags must stay restorable; may repeat"},
	{"user", 0, OPTION_TEXT, "NAME", AT(user), 0,
	 "who asks the registry, with the password of --password-env"},
	{"key", 0, OPTION_TEXT, "FILE", AT(key), 0, "the private key of the ledger"},
	{"self", 0, OPTION_FLAG, NULL, AT(is_self), 0,
	 "challenge assize itself: in small worlds of its own, gates must shut when sabotaged"},
	{"manifest", 0, OPTION_FLAG, NULL, AT(is_manifest), 0,
	 "list the digest of each member beside an archive"},
	{"header", 0, OPTION_LIST, "\"NAME: VALUE\"", AT(headers), 0,
	 "of every request to URLs, e.g. 'Authorization: Bearer ${env:TOKEN}'; may repeat"},
	{"ca-file", 0, OPTION_TEXT, "PATH", AT(ca_file), 0,
	 "issuers to trust for URLs (PEM), in place of the system's"},
	{"password-env", 0, OPTION_TEXT, "NAME", AT(password_env), 0,
	 "environment variable that holds the password of the servers named"},
	{"name", 0, OPTION_TEXT, "NAME", AT(name), 0,
	 "what the ledger is called in checkpoints, e.g. shop.example.com/audits"},
	{"trust", 0, OPTION_LIST, "KEY|FILE", AT(trust), 0,
	 "a key of the ledger as `ledger init` printed it, or a file of such lines; may repeat"},
	{"against", 0, OPTION_LIST, "FILE", AT(against), 0,
	 "a checkpoint that was kept elsewhere; may repeat"},
	{"origin", 0, OPTION_TEXT, "ORIGIN", AT(origin), 0,
	 "first line of every checkpoint of the record that is meant"},
	{"strict", 0, OPTION_FLAG, NULL, AT(is_strict), 0,
	 "what is only to be known counts as a doubt: exit status 2"},
	{"offline", 0, OPTION_FLAG, NULL, AT(is_offline), 0,
	 "ask no repository what it holds; receipts in the record are looked at"},
	{"unsigned", 0, OPTION_FLAG, NULL, AT(is_unsigned), 0,
	 "take a record over though nobody has signed for it; the ledger says so"},
	{"from", 0, OPTION_COUNT, "N", AT(from), INT64_MAX,
	 "begin with record N, or with N records"},
	{"size", 0, OPTION_COUNT, "N", AT(size), INT64_MAX, "among the first N records"},
	{"format", 0, OPTION_TEXT, "FORMAT", AT(format), 0,
	 "html, json, junit, junit-gitlab, tap, ctrf, sarif, gitlab-codequality, github, markdown, "
	 "openmetrics"},
	{"output", 'o', OPTION_TEXT, "FILE", AT(output), 0,
	 "write there (default: standard output)"},
	{"since", 0, OPTION_TEXT, "DURATION", AT(since), 0, "how far back to look, e.g. 30d"},
	{"older", 0, OPTION_TEXT, "DURATION", AT(older), 0,
	 "let go of what was measured longer ago than this, e.g. 180d"},
	{"dry-run", 0, OPTION_FLAG, NULL, AT(is_dry_run), 0,
	 "say what would go, and change nothing"},
	{"label", 0, OPTION_PAIR, "NAME=VALUE", AT(labels), 0,
	 "what tells this value from others of its name; may repeat"},
	{"unit", 0, OPTION_TEXT, "UNIT", AT(unit), 0,
	 "the unit of the value: %, ms, s, B, MiB, or a word of yours"},
	{"at", 0, OPTION_TEXT, "TIME", AT(at), 0,
	 "when it was true, as 2026-11-25T06:00:00Z (default: now)"},
	{"id", 0, OPTION_TEXT, "ID", AT(id), 0,
	 "stands for this measurement: recording it again changes nothing"},
	{"decision", 0, OPTION_TEXT, "ID", AT(decision), 0,
	 "that of a gate, as the gate printed it, instead of a run"},
	{"gate", 0, OPTION_LIST, "NAME", AT(gates), 0, "a gate at which it counts; may repeat"},
	{"series", 0, OPTION_TEXT, "SERIES", AT(series), 0,
	 "only this series of the check, as reports write it"},
	{"until", 0, OPTION_TEXT, "TIME", AT(until), 0,
	 "when it ends: 2026-12-04T09:00:00Z, or a duration from now, e.g. 7d"},
	{"owner", 0, OPTION_TEXT, "WHO", AT(owner), 0, "who answers for it"},
	{"reason", 0, OPTION_TEXT, "TEXT", AT(reason), 0, "why"},
	{"ticket", 0, OPTION_TEXT, "ID", AT(ticket), 0, "where the repair is followed"},
	{"by", 0, OPTION_TEXT, "WHO", AT(by), 0, "who decides this"},
	{"rates", 0, OPTION_FLAG, NULL, AT(is_rates), 0,
	 "how often results of every check passed, or of one day by day (default: 30 days)"},
	{"recorded", 0, OPTION_FLAG, NULL, AT(is_recorded), 0,
	 "what assize record was given: all names, or the values of one, of one series of it"},
	{"at-least", 0, OPTION_TEXT, "SHARE", AT(at_least), 0,
	 "the share of attacks that every check has to notice, e.g. 80% (default: 100%)"},
	{"challenges", 0, OPTION_FLAG, NULL, AT(is_challenges), 0,
	 "what checks noticed when they were challenged, or one check with its attacks"},
	{"limit", 'n', OPTION_COUNT, "N", AT(limit), 100000, "at most this many lines"},
	{"jobs", 'j', OPTION_COUNT, "N", AT(jobs), 64,
	 "threads for databases, files and commands (default: 8)"},
	{"cold", 0, OPTION_FLAG, NULL, AT(is_cold), 0,
	 "take the repository out of the page cache first"},
	{"end", 0, OPTION_FLAG, NULL, AT(is_end), 0,
	 "say that what was told of a check or gate which the definition has no more is over"},
	{"json", 0, OPTION_FLAG, NULL, AT(is_json), 0, "print JSON on standard output"},
	{"curl", 0, OPTION_FLAG, NULL, AT(is_curl), 0,
	 "print requests as lines for curl(1), secrets as their variables"},
	{"json-schema", 0, OPTION_FLAG, NULL, AT(is_json_schema), 0,
	 "print the JSON Schema of definitions, for editors"},
	{"mdoc", 0, OPTION_FLAG, NULL, AT(is_mdoc), 0, "print the kinds as a manual section"},
	{"quiet", 'q', OPTION_FLAG, NULL, AT(is_quiet), 0, "print nothing while all is well"},
	{"color", 0, OPTION_COLOR, "WHEN", AT(color), 0, "auto, always or never"},
	{"help", 'h', OPTION_FLAG, NULL, AT(is_help), 0, "this text"},
};

#define N_ROWS (sizeof(rows) / sizeof(rows[0]))

static bool is_accepted(const char *const *accepts, const struct option_row *row)
{
	if (row->type == OPTION_FLAG && strcmp(row->name, "help") == 0)
		return true;
	for (; *accepts != NULL; accepts++)
		if (strcmp(*accepts, row->name) == 0)
			return true;
	return false;
}

static int set_color(const char *value, int *out, struct err *e)
{
	static const char *const names[] = {"auto", "always", "never"};

	for (int i = 0; i < 3; i++) {
		if (strcmp(value, names[i]) != 0)
			continue;
		*out = i;
		return 0;
	}
	return err_set(e, ERR_USAGE, "cannot read --color=%s: it is auto, always or never", value);
}

static int set_pair(struct arena *a, struct pairs *pairs, const char *option, const char *value,
		    struct err *e)
{
	const char *eq = strchr(value, '=');
	struct pair *grown;

	if (eq == NULL || eq == value)
		return err_set(e, ERR_USAGE, "cannot read --%s %s: it is NAME=VALUE", option,
			       value);
	for (size_t i = 0; i < pairs->n; i++)
		if (strlen(pairs->items[i].name) == (size_t)(eq - value) &&
		    memcmp(pairs->items[i].name, value, (size_t)(eq - value)) == 0)
			return err_set(e, ERR_USAGE, "--%s %s is given twice", option,
				       str_escaped(a, pairs->items[i].name));
	grown = arena_array(a, pairs->n + 1, sizeof(*grown));
	if (pairs->n > 0)
		memcpy(grown, pairs->items, pairs->n * sizeof(*grown));
	grown[pairs->n].name = arena_strndup(a, value, (size_t)(eq - value));
	grown[pairs->n].value = arena_strdup(a, eq + 1);
	pairs->items = grown;
	pairs->n++;
	return 0;
}

static void add_text(struct arena *a, struct texts *list, const char *value)
{
	const char **grown = arena_array(a, list->n + 1, sizeof(*grown));

	if (list->n > 0)
		memcpy(grown, list->items, list->n * sizeof(*grown));
	grown[list->n] = value;
	list->items = grown;
	list->n++;
}

static int set_option(struct app *app, struct options *o, const struct option_row *row,
		      const char *value, struct err *e)
{
	char *base = (char *)o + row->offset;

	switch (row->type) {
	case OPTION_FLAG:
		*(bool *)base = true;
		return 0;
	case OPTION_TEXT:
		if (row->offset == AT(record) && shared_url_check(value, e) != 0)
			return -1;
		*(const char **)base = value;
		return 0;
	case OPTION_LIST:
		add_text(app->arena, (struct texts *)base, value);
		return 0;
	case OPTION_PAIR:
		return set_pair(app->arena, (struct pairs *)base, row->name, value, e);
	case OPTION_COLOR:
		return set_color(value, (int *)base, e);
	case OPTION_COUNT: {
		int64_t n;

		if (num_parse_int(value, strlen(value), &n) != 0 || n < 1 || n > row->max)
			return err_set(e, ERR_USAGE,
				       "cannot read --%s %s: it is a number from 1 to %lld",
				       row->name, value, (long long)row->max);
		*(int64_t *)base = n;
		return 0;
	}
	}
	return 0;
}

static int unknown(const char *const *accepts, const char *word, struct err *e)
{
	const char *names[N_ROWS];
	size_t n = 0;
	int best;

	for (size_t i = 0; i < N_ROWS; i++)
		if (is_accepted(accepts, &rows[i]))
			names[n++] = rows[i].name;
	(void)err_set(e, ERR_USAGE, "no such option here: %s", word); /* returned below */
	best = word[1] == '-' ? str_closest(word + 2, names, n) : -1;
	if (best >= 0)
		(void)err_help(e, "did you mean --%s?", names[best]); /* same */
	return -1;
}

static const struct option_row *find_long(const char *const *accepts, const char *name, size_t n)
{
	for (size_t i = 0; i < N_ROWS; i++)
		if (is_accepted(accepts, &rows[i]) && strlen(rows[i].name) == n &&
		    memcmp(rows[i].name, name, n) == 0)
			return &rows[i];
	return NULL;
}

static const struct option_row *find_letter(const char *const *accepts, char letter)
{
	for (size_t i = 0; i < N_ROWS; i++)
		if (rows[i].letter == letter && is_accepted(accepts, &rows[i]))
			return &rows[i];
	return NULL;
}

/* Whoever is on the machine can read the arguments of its processes. */
static int refuse_secret(const char *url, struct err *e)
{
	struct arena *a;
	struct shared_url parsed;

	if (!shared_url_is(url) || !shared_url_has_secret(url))
		return 0;
	a = arena_new();
	if (shared_url_parse(a, url, &parsed, e) == 0) {
		(void)err_set(e, ERR_USAGE, "cannot take a password in --record");
		(void)err_help(e, "arguments are seen by everybody on this machine: give it in "
				  "PGPASSWORD, ~/.pgpass, a service file, or with the URL in "
				  "ASSIZE_RECORD"); /* -1 below */
	}
	arena_free(a);
	return -1;
}

/* A list grows, and a flag says the same again; of two other values one would be passed over. */
static bool may_repeat(const struct option_row *row)
{
	return row->type == OPTION_FLAG || row->type == OPTION_LIST || row->type == OPTION_PAIR;
}

/* The option of a word that begins with '-', and the value in it; NULL = there is none of them. */
static const struct option_row *row_of(const char *const *accepts, const char *word,
				       const char **value)
{
	const char *eq = strchr(word, '=');

	if (word[1] == '-') {
		*value = eq != NULL ? eq + 1 : NULL;
		return find_long(accepts, word + 2,
				 eq ? (size_t)(eq - word - 2) : strlen(word + 2));
	}
	*value = word[2] != '\0' ? word + 2 : NULL;
	return find_letter(accepts, word[1]);
}

/* One word that begins with '-'; *used counts further words it took as its argument. */
static int parse_word(struct app *app, const char *const *accepts, char **argv, int left,
		      struct options *o, bool given[], int *used, struct err *e)
{
	const char *value;
	const struct option_row *row = row_of(accepts, argv[0], &value);

	if (row == NULL)
		return unknown(accepts, argv[0], e);
	if (row->argument == NULL && value != NULL)
		return err_set(e, ERR_USAGE, "option --%s takes no value", row->name);
	if (row->argument != NULL && value == NULL) {
		if (left < 2)
			return err_set(e, ERR_USAGE, "option --%s needs %s behind it", row->name,
				       row->argument);
		value = argv[1];
		*used = 1;
	}
	if (given[row - rows] && !may_repeat(row)) {
		(void)err_set(e, ERR_USAGE, "option --%s is given twice", row->name);
		return err_help(e, "say it once: which of two counts must not be a guess");
	}
	given[row - rows] = true;
	if (row->offset == AT(record) && refuse_secret(value, e) != 0)
		return -1;
	return set_option(app, o, row, value, e);
}

/*
 * What ASSIZE_JSON_SCHEMA says for --json-schema, in name. "" counts as unset; flags take 1, true,
 * yes. None for --help: a gate that only prints its help must not be what a pipeline takes for an
 * open one.
 */
static const char *twin_of(struct app *app, const struct option_row *row, char name[64])
{
	const char *value;
	size_t n = strlen("ASSIZE_");

	if (strcmp(row->name, "help") == 0)
		return NULL;
	memcpy(name, "ASSIZE_", n);
	for (const char *p = row->name; *p != '\0'; p++)
		name[n++] = *p == '-' ? '_' : (char)toupper((unsigned char)*p);
	name[n] = '\0';
	value = app->env(app->env_ctx, name);
	if (value == NULL || value[0] == '\0')
		return NULL;
	if (row->type == OPTION_FLAG && strcmp(value, "1") != 0 && strcmp(value, "true") != 0 &&
	    strcmp(value, "yes") != 0)
		return NULL;
	return value;
}

static int take_environment(struct app *app, const char *const *accepts, struct options *o,
			    const bool given[], struct err *e)
{
	for (size_t i = 0; i < N_ROWS; i++) {
		const char *value;
		char name[64];

		if (given[i] || !is_accepted(accepts, &rows[i]))
			continue;
		value = twin_of(app, &rows[i], name);
		if (value != NULL && set_option(app, o, &rows[i], value, e) != 0)
			return err_context(e, "environment variable %s", name);
	}
	return 0;
}

/* "-" is a word, and so is a negative number: no option's letter is a digit. */
static bool is_option(const char *word)
{
	return word[0] == '-' && word[1] != '\0' && word[1] != '.' &&
	       !isdigit((unsigned char)word[1]);
}

int options_parse(struct app *app, const char *const *accepts, int argc, char **argv,
		  struct options *out, struct err *e)
{
	struct options o = {0};
	bool given[N_ROWS] = {false};
	bool is_over = false; /* "--" seen */

	o.words = arena_array(app->arena, (size_t)argc + 1, sizeof(*o.words));
	for (int i = 1; i < argc; i++) {
		int used = 0;

		if (!is_over && strcmp(argv[i], "--") == 0) {
			is_over = true;
		} else if (!is_over && is_option(argv[i])) {
			if (parse_word(app, accepts, argv + i, argc - i, &o, given, &used, e) != 0)
				return -1;
			i += used;
		} else {
			o.words[o.n_words++] = argv[i];
		}
	}
	if (take_environment(app, accepts, &o, given, e) != 0)
		return -1;
	if (o.output != NULL && strcmp(o.output, "-") == 0) {
		o.output = NULL;
		o.is_to_stdout = true;
	}
	*out = o;
	return 0;
}

void options_outputs(struct app *app, const char *const *accepts, int argc, char **argv,
		     struct options *out)
{
	static const size_t wanted[] = {AT(reports), AT(attests), AT(is_due)};
	bool given[N_ROWS] = {false};
	struct err ignored = {0};

	*out = (struct options){0};
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
		const struct option_row *row = NULL;
		const char *value;

		if (is_option(argv[i]))
			row = row_of(accepts, argv[i], &value);
		if (row == NULL)
			continue;
		if (row->argument != NULL && value == NULL && (value = argv[++i]) == NULL)
			return;
		for (size_t k = 0; k < sizeof(wanted) / sizeof(wanted[0]); k++)
			if (row->offset == wanted[k]) /* a list or a flag takes whatever it is */
				(void)set_option(app, out, row, value, &ignored);
		given[row - rows] = true;
	}
	for (size_t i = 0; i < N_ROWS; i++)
		for (size_t k = 0; k < sizeof(wanted) / sizeof(wanted[0]); k++) {
			const char *value;
			char name[64];

			if (given[i] || rows[i].offset != wanted[k] ||
			    !is_accepted(accepts, &rows[i]))
				continue;
			value = twin_of(app, &rows[i], name);
			if (value != NULL)
				(void)set_option(app, out, &rows[i], value, &ignored); /* same */
		}
}

static const char *meaning_of(const struct option_row *row, const struct option_meaning *here)
{
	for (; here != NULL && here->option != NULL; here++)
		if (strcmp(here->option, row->name) == 0)
			return here->help;
	return row->help;
}

void options_help(struct app *app, const char *const *accepts, const struct option_meaning *here)
{
	for (size_t i = 0; i < N_ROWS; i++) {
		char left[64];

		if (!is_accepted(accepts, &rows[i]))
			continue;
		(void)snprintf(left, sizeof(left), "%c%c%s --%s %s", /* names are short */
			       rows[i].letter ? '-' : ' ', rows[i].letter ? rows[i].letter : ' ',
			       rows[i].letter ? "," : " ", rows[i].name,
			       rows[i].argument != NULL ? rows[i].argument : "");
		(void)fprintf(app->out, "  %-26s %s\n", left, meaning_of(&rows[i], here));
	}
}
