/*
 * Selectors: the words of a command line, and why one matches nothing.
 */
#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/num.h"
#include "runner/base/str.h"
#include "runner/load_parts.h"
#include "runner/model/kind.h"

#define MAX_NAMES 20000 /* looked at for did-you-mean */

int selector_parse_severity(const char *text, int *op, int64_t *value)
{
	static const struct {
		const char *words;
		int op;
	} operators[] = {{"<=", 'l'}, {">=", 'g'}, {"==", '='}, {"<", '<'}, {">", '>'}, {"=", '='}};
	int found = '=';
	int64_t number;

	for (size_t i = 0; i < sizeof(operators) / sizeof(*operators); i++) {
		if (!str_starts(text, operators[i].words))
			continue;
		found = operators[i].op;
		text += strlen(operators[i].words);
		break;
	}
	while (*text == ' ')
		text++;
	if (num_parse_int(text, strlen(text), &number) || number < 0 || number > 10)
		return -1;
	*op = found;
	*value = number;
	return 0;
}

bool selector_has_match(const struct definition *d, const struct selector *s)
{
	for (size_t i = 0; i < d->n_checks; i++)
		if (selector_matches(s, d->checks[i]))
			return true;
	return false;
}

/* Candidates for did-you-mean; repeated names do no harm. */
struct names {
	struct arena *arena;
	const char **items;
	size_t n;
};

static void add_name(struct names *names, const char *name)
{
	if (names->n == MAX_NAMES)
		return;
	names->items = load_grow(names->arena, names->items, names->n, sizeof(*names->items));
	names->items[names->n++] = name;
}

static const char *closest(struct arena *a, const char *word, const struct names *names)
{
	int i = str_closest(word, names->items, names->n);

	return i < 0 ? NULL : arena_printf(a, "did you mean \"%s\"?", names->items[i]);
}

static bool part_has_match(const struct definition *d, const char *glob, const char *tag,
			   const char *kind)
{
	struct selector part = {.glob = glob, .tag = tag, .kind = kind};

	return selector_has_match(d, &part);
}

const char *selector_explain(struct arena *a, const struct definition *d, const struct selector *s,
			     const char **help)
{
	struct names names = {.arena = a};

	*help = NULL;
	if (s->tag && !part_has_match(d, NULL, s->tag, NULL)) {
		for (size_t i = 0; i < d->n_checks; i++)
			for (size_t k = 0; k < d->checks[i]->tags.n; k++)
				add_name(&names, d->checks[i]->tags.items[k]);
		*help = closest(a, s->tag, &names);
		return arena_printf(a, "no check has the tag \"%s\"", str_escaped(a, s->tag));
	}
	if (s->kind && !part_has_match(d, NULL, NULL, s->kind)) {
		for (size_t i = 0; i < d->n_checks; i++)
			add_name(&names, d->checks[i]->kind->name);
		*help = closest(a, s->kind, &names);
		return arena_printf(a, "no check is of kind \"%s\"", str_escaped(a, s->kind));
	}
	if (s->glob && !part_has_match(d, s->glob, NULL, NULL)) {
		bool is_full = strchr(s->glob, '/') != NULL;

		for (size_t i = 0; !is_full && i < d->n_audits; i++)
			add_name(&names, d->audits[i]->name);
		for (size_t i = 0; i < d->n_checks; i++)
			add_name(&names, is_full ? d->checks[i]->name : d->checks[i]->id);
		*help = closest(a, s->glob, &names);
		for (size_t i = 0; !is_full && i < d->n_checks; i++)
			if (strcmp(d->checks[i]->id, s->glob) == 0)
				*help = arena_printf(a, "did you mean \"%s\"?", d->checks[i]->name);
		return arena_printf(a, "no %s \"%s\"", is_full ? "check" : "audit",
				    str_escaped(a, s->glob));
	}
	if (s->severity_op) {
		struct selector part = {.severity_op = s->severity_op, .severity = s->severity};

		if (!selector_has_match(d, &part))
			return "no check has such a severity";
	}
	return "no check matches all of it";
}

static int parse_word(struct arena *a, const char *word, struct selector *out, struct err *e)
{
	*out = (struct selector){.text = word};
	if (str_starts(word, "tag:")) {
		out->tag = word + strlen("tag:");
	} else if (str_starts(word, "kind:")) {
		out->kind = word + strlen("kind:");
	} else if (str_starts(word, "severity") && word[8] != '\0' && strchr("<>=", word[8])) {
		if (selector_parse_severity(word + 8, &out->severity_op, &out->severity)) {
			(void)err_set(e, ERR_USAGE, "cannot read \"%s\"", str_escaped(a, word));
			return err_help(e,
					"write for example 'severity>=7'; severities are 0 to 10");
		}
	} else {
		out->glob = word;
	}
	return 0;
}

int selectors_parse(struct arena *a, const struct definition *d, const char *const *words, size_t n,
		    struct selector **out, struct err *e)
{
	struct selector *selectors = arena_array(a, n, sizeof(*selectors));

	for (size_t i = 0; i < n; i++) {
		const char *help;

		if (parse_word(a, words[i], &selectors[i], e))
			return -1;
		if (selector_has_match(d, &selectors[i]))
			continue;
		(void)err_set(e, ERR_USAGE, "\"%s\" selects nothing: %s", str_escaped(a, words[i]),
			      selector_explain(a, d, &selectors[i], &help));
		return err_help(e, "%s",
				help ? help : "assize plan shows the checks of a definition");
	}
	*out = selectors;
	return 0;
}
