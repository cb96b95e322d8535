/*
 * command: a monitoring plugin. Its status is its verdict and its ranges are its own; they are not
 * judged a second time, but they are compared: a plugin that says OK while a value is outside of
 * its critical range contradicts itself, and nobody knows which half is right. So does one that
 * exits with a better status than its text names: a pipe in a wrapper loses the status, and negate
 * turns it without a word unless it is told to (-s).
 */
#include <ctype.h>
#include <string.h>

#include "audits/command.h"
#include "audits/nagios_read.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/str.h"
#include "runner/io/proc.h"

#define MAX_NAMED 10

enum { PLUGIN_OK = 0, PLUGIN_WARNING = 1, PLUGIN_CRITICAL = 2, PLUGIN_UNKNOWN = 3 };

static const char *contradiction(struct arena *a, int status, const struct nagios_output *o)
{
	static const char *const names[] = {"OK", "WARNING", "CRITICAL", "UNKNOWN"};

	if (status != PLUGIN_OK && status != PLUGIN_WARNING)
		return NULL;
	if (o->says > status)
		return arena_printf(a,
				    "the plugin exits with %d (%s), but its text says %s: its "
				    "status was lost (by a pipe?) or turned (negate -s turns the "
				    "text, too)",
				    status, names[status], names[o->says]);
	for (size_t i = 0; i < o->n; i++) {
		const struct nagios_value *v = o->values[i];

		if (!v->problem && v->critical_text && nagios_range_alerts(&v->critical, v->number))
			return arena_printf(
				a,
				"the plugin says %s, but its \"%s\" is %s its own critical "
				"range %s",
				names[status], str_escaped(a, v->label),
				v->critical.is_inside ? "inside of" : "outside of",
				v->critical_text);
	}
	return NULL;
}

static bool is_blank(const char *s, size_t n)
{
	size_t i = 0;

	while (i < n && isspace((unsigned char)s[i]))
		i++;
	return i == n;
}

/* Why there is no verdict; NULL when there is one. */
static const char *no_verdict(const struct command_view *v, int status,
			      const struct nagios_output *o)
{
	struct arena *a = v->probe->arena;
	const char *says = *o->text ? arena_printf(a, ": %s", command_shown(v, o->text)) : "";

	if (status == PLUGIN_UNKNOWN)
		return arena_printf(a, "the plugin says that it does not know (UNKNOWN)%s", says);
	if (status < PLUGIN_OK || status > PLUGIN_UNKNOWN)
		return arena_printf(a, "exit status %d is none that a plugin has (0 to 3)%s",
				    status, says);
	if (is_blank(v->result->out, v->result->out_len) && status != PLUGIN_CRITICAL)
		return "the plugin printed nothing, and a plugin says at least its status";
	return contradiction(a, status, o);
}

/* A bound on the value in no unit; NULL = there is none. */
static const char *plain_bound(const struct command_view *view, const char *name)
{
	const struct check *c = view->probe->checks[0];

	for (size_t i = 0; i < c->n_expects; i++) {
		const struct named_expectation *x = &c->expects[i];

		if (strcmp(x->name, name) != 0)
			continue;
		if (x->has_expect && x->expect.plain)
			return x->expect.plain;
		return x->has_warn ? x->warn.plain : NULL;
	}
	return NULL;
}

/*
 * Plugins print what suits them, 150 ms today and 1.2 s tomorrow, so a plain bound is one in a unit
 * that nobody knows: in the base unit 150 ms would be below 200 s, in the printed one 1.2 s below
 * 200 s, too.
 */
static struct measurement measure(const struct command_view *view, const char *name,
				  const struct nagios_value *v)
{
	const char *plain = v->factor != 1 ? plain_bound(view, name) : NULL;
	struct measurement m;

	if (v->problem)
		return measurement_none(name, v->problem);
	if (plain)
		return measurement_none(
			name,
			arena_printf(view->probe->arena,
				     "the plugin gives it in %s, and the bound %s has no unit: "
				     "write %s%s, or whatever is meant",
				     v->given_unit, plain, plain, v->given_unit));
	m = v->value.type == VALUE_INT ? measurement_int(name, v->value.integer, v->unit)
				       : measurement_real(name, v->value.real, v->unit);
	m.is_rounded = v->is_rounded;
	return m;
}

/* "it reported: a, b, c" */
static const char *missing(struct arena *a, const char *label, const struct nagios_output *o)
{
	struct buf b;
	const char *text;

	buf_init(&b, 600);
	(void)buf_puts(&b, "the plugin reported no \""); /* what does not fit is left out */
	str_escape(&b, label, strlen(label));
	(void)buf_puts(&b, o->n > 0 ? "\"; it reported: " : "\", nor any other performance data");
	for (size_t i = 0; i < o->n && i < MAX_NAMED; i++) {
		(void)buf_puts(&b, i > 0 ? ", " : "");
		str_escape(&b, o->values[i]->label, strlen(o->values[i]->label));
	}
	text = arena_strndup(a, b.data, b.len);
	buf_release(&b);
	return text;
}

/* The name that the definition gives a label; NULL = none. */
static const char *given_name(const struct command_spec *spec, const char *label)
{
	for (size_t i = 0; i < spec->perfdata.n; i++)
		if (strcmp(spec->perfdata.items[i].value, label) == 0)
			return spec->perfdata.items[i].name;
	return NULL;
}

static void emit_values(const struct command_view *v, const struct nagios_output *o)
{
	struct arena *a = v->probe->arena;

	for (size_t i = 0; i < o->n; i++) {
		struct label *label = arena_alloc(a, sizeof(*label));
		struct measurement m = measure(v, "perfdata", o->values[i]);

		if (given_name(v->spec, o->values[i]->label))
			continue;
		*label = (struct label){.name = "label", .value = o->values[i]->label};
		m.labels = label;
		m.n_labels = 1;
		command_emit(v, m);
	}
	/* Nobody knows what it would have been: who judges all of them cannot pass over it. */
	if (o->problem)
		command_emit(v, measurement_none("perfdata", o->problem));
	for (size_t i = 0; i < v->spec->perfdata.n; i++) {
		const struct pair *wanted = &v->spec->perfdata.items[i];
		const struct nagios_value *found = NULL;

		for (size_t k = 0; k < o->n && !found; k++)
			if (strcmp(o->values[k]->label, wanted->value) == 0)
				found = o->values[k];
		command_emit(v,
			     found ? measure(v, wanted->name, found)
				   : measurement_none(wanted->name, missing(a, wanted->value, o)));
	}
}

void command_emit_nagios(struct command_view *v)
{
	struct arena *a = v->probe->arena;
	struct nagios_output o = {.text = ""};
	int status = v->result->exit_status;
	struct measurement m = measurement_int("status", status, "");

	if (!v->reason) {
		const char *why;

		nagios_read(a, v->probe->world->definition->redactor, v->result->out,
			    v->result->out_len, &o);
		why = no_verdict(v, status, &o);
		if (why)
			m = measurement_none("status", why);
		else if (o.problem)
			m.reason = o.problem;
		/* Values of a plugin that does not know are not known either. */
		if (why && status != PLUGIN_OK && status != PLUGIN_WARNING)
			v->reason = why;
	}
	command_emit(v, m);
	emit_values(v, &o);
}
