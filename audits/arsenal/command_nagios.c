/*
 * Plugins. A value that nobody expects anything of is read all the same when the plugin gives it a
 * critical range: one that is outside of it while the plugin says OK is a contradiction.
 */
#include <ctype.h>
#include <math.h>
#include <string.h>

#include "audits/arsenal/command.h"
#include "audits/nagios_read.h"
#include "runner/base/arena.h"
#include "runner/base/err.h"

static const char token_unknown[] = "U";

static const char *spliced(struct arena *a, const struct proc_result *r, size_t at, size_t n,
			   const char *text, size_t *n_out)
{
	size_t n_text = strlen(text), rest = r->out_len - at - n;
	char *out = arena_alloc(a, at + n_text + rest + 1);

	memcpy(out, r->out, at);
	memcpy(out + at, text, n_text);
	memcpy(out + at + n_text, r->out + at + n, rest);
	*n_out = at + n_text + rest;
	out[*n_out] = '\0';
	return out;
}

/* The number alone, so that its unit stays; what is not known has none. */
static size_t value_length(const struct proc_result *r, const struct nagios_value *place,
			   const char *token)
{
	const char *from = r->out + place->number_at;
	size_t most = place->at + place->n - place->number_at;
	const char *end = memchr(from, ';', most);

	if (token != token_unknown)
		return place->n_number;
	return end != NULL ? (size_t)(end - from) : most;
}

static int put_value(const struct saying *s, const struct command_value *v, const char *token,
		     struct command_ran *ran, struct err *e)
{
	const struct nagios_value *place = v->place;
	const struct proc_result *r = &ran->result;
	size_t n;
	const char *text = token != NULL ? spliced(s->arena, r, place->number_at,
						   value_length(r, place, token), token, &n)
					 : spliced(s->arena, r, place->at, place->n, "", &n);

	(void)e;
	command_put_document(s, ran, 0, text, n);
	return 0;
}

/* There are no texts: whatever is none of its numbers is one. */
static const char *no_number(struct arena *a, const char *text)
{
	(void)a;
	(void)text;
	return "n/a";
}

/* The name under which the check expects something of the label; NULL = of none. */
static const char *expected_name(const struct check *c, const char *label)
{
	const struct command_spec *spec = c->spec;

	for (size_t i = 0; i < spec->perfdata.n; i++)
		if (strcmp(spec->perfdata.items[i].value, label) == 0)
			return command_expects(c, spec->perfdata.items[i].name)
				       ? spec->perfdata.items[i].name
				       : NULL;
	return command_expects(c, "perfdata") ? label : NULL;
}

static bool is_letter(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

/* The word of a status in the first line; NULL = there is none. */
static const char *find_word(const struct proc_result *r, const char *word)
{
	const char *end = memchr(r->out, '\n', r->out_len);
	size_t n_line = end ? (size_t)(end - r->out) : r->out_len, n = strlen(word);

	for (size_t i = 0; i + n <= n_line; i++)
		if (memcmp(r->out + i, word, n) == 0 && (i == 0 || !is_letter(r->out[i - 1])) &&
		    (i + n == n_line || !is_letter(r->out[i + n])))
			return r->out + i;
	return NULL;
}

/* Its text says CRITICAL where it said OK, and it exits as before. */
static int say_critical(const struct saying *s, struct command_ran *ran, struct err *e)
{
	static const char *const words[] = {"OK", "WARNING"};
	struct nagios_output o = {.says = -1};
	const struct proc_result *r = &ran->result;

	for (size_t i = 0; i < sizeof(words) / sizeof(*words) && o.says < 0; i++) {
		const char *found = find_word(r, words[i]), *text;
		size_t n;

		if (found == NULL)
			continue;
		text = spliced(s->arena, r, (size_t)(found - r->out), strlen(words[i]), "CRITICAL",
			       &n);
		nagios_read(s->arena, NULL, text, n, &o);
		command_put_document(s, ran, 0, text, n);
	}
	if (o.says == 2)
		return 0;
	(void)err_set(e, ERR_MEASURE, "the plugin's text does not say its status in a word");
	return 1;
}

/* Only a number outside of the plugin's own critical range is one that somebody looks at. */
static void attack_range(struct challenge *c, const struct command_value *v,
			 const struct nagios_value *n)
{
	const struct nagios_range *r = &n->critical;
	struct attack *a;

	if (nagios_range_alerts(r, 0) && v->number != 0) {
		(void)command_attack_number(c, v, COMMAND_ZEROED);
	} else if (!r->is_inside && isfinite(r->end) && v->number > 0) {
		a = command_attack_number(c, v, COMMAND_DOUBLED);
		a->dose = fmax(a->dose, 2 * r->end / v->number);
		a->most = fmax(a->most, a->dose); /* twice what is critical */
	} else {
		command_attack_settled(c, v, ATTACK_OUT_OF_REACH,
				       "nothing is expected of it but the plugin's own range");
	}
}

static void attack_label(struct challenge *c, const struct nagios_value *n)
{
	const char *name = expected_name(c->check, n->label);
	struct command_value *v = arena_alloc(c->arena, sizeof(*v));
	const char *written = command_said(c)->result.out + n->number_at;

	if (n->problem)
		return;
	*v = (struct command_value){
		.name = n->label,
		.type = memchr(written, '.', n->n_number) ? VALUE_REAL : VALUE_INT,
		.has_point = memchr(written, '.', n->n_number) != NULL,
		.number = n->number,
		.text = arena_printf(c->arena, "%.*s%s", (int)n->n_number, written,
				     n->given_unit ? n->given_unit : ""),
		.put = put_value,
		.quoted = no_number,
		.unknown = token_unknown,
		.place = n,
	};
	if (name != NULL)
		command_attack_value(c, v);
	else if (n->critical_text != NULL)
		attack_range(c, v, n);
	else
		command_attack_settled(
			c, v, ATTACK_OUT_OF_REACH,
			"nothing is expected of it, and the plugin gives it no critical range");
}

void command_survey_nagios(struct challenge *c)
{
	const struct proc_result *r = &command_said(c)->result;
	struct nagios_output o;

	nagios_read(c->arena, c->world->definition->redactor, r->out, r->out_len, &o);
	if (o.says >= 0)
		(void)command_attack_add(c, COMMAND_STATUS_LOST, "",
					 &(struct command_plan){.say = say_critical});
	for (size_t i = 0; i < o.n; i++)
		attack_label(c, o.values[i]);
}
