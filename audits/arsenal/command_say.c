/* What a program can say instead, whatever the format is. */
#include "audits/arsenal/command.h"

#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/base/num.h"
#include "runner/base/redact.h"
#include "runner/base/utf8.h"

#define LOOKED_BACK 8192 /* bytes in which a secret is looked for that a cut would go through */

static const char complaint[] = "assize: a line more\n";

int say_same(const struct saying *s, struct command_ran *ran, struct err *e)
{
	(void)s;
	(void)ran;
	(void)e;
	return 0;
}

static const char *joined(struct arena *a, const char *x, size_t n_x, const char *y, size_t n_y)
{
	char *out = arena_alloc(a, n_x + n_y + 1);

	if (n_x > 0)
		memcpy(out, x, n_x);
	if (n_y > 0)
		memcpy(out + n_x, y, n_y);
	out[n_x + n_y] = '\0';
	return out;
}

int say_more_errors(const struct saying *s, struct command_ran *ran, struct err *e)
{
	struct proc_result *r = &ran->result;

	(void)e;
	r->err = joined(s->arena, r->err, r->err_len, complaint, sizeof(complaint) - 1);
	r->err_len += sizeof(complaint) - 1;
	return 0;
}

int say_more_newline(const struct saying *s, struct command_ran *ran, struct err *e)
{
	(void)e;
	for (size_t i = 0; i < command_n_documents(s->spec, ran); i++) {
		struct command_document d = command_document_at(s->spec, ran, i);

		command_put_document(s, ran, i, joined(s->arena, d.text, d.n, "\n", 1), d.n + 1);
	}
	return 0;
}

/* As the kind finds the files where nobody wrote them. */
static void leave_report(const struct saying *s, struct command_ran *ran)
{
	struct err e = {0};
	struct command_report *before;

	if (!s->spec->report)
		return;
	before = command_report_before(s->arena, s->spec->report);
	ran->n_documents = 0;
	ran->documents = NULL;
	if (command_report_read(s->arena, before, (size_t)s->spec->max_output, &ran->documents,
				&ran->n_documents, &e) < 0)
		ran->documents_problem = arena_strdup(s->arena, e.message);
}

static int end_with(const struct saying *s, struct command_ran *ran, int status, const char *errors)
{
	ran->result.exit_status = status;
	ran->result.out = "";
	ran->result.out_len = 0;
	ran->result.err = errors;
	ran->result.err_len = strlen(errors);
	leave_report(s, ran);
	return 0;
}

int say_nothing(const struct saying *s, struct command_ran *ran, struct err *e)
{
	(void)e;
	return end_with(s, ran, 0, "");
}

int say_status_1(const struct saying *s, struct command_ran *ran, struct err *e)
{
	(void)s;
	(void)e;
	ran->result.exit_status = 1;
	return 0;
}

int say_status_2(const struct saying *s, struct command_ran *ran, struct err *e)
{
	(void)s;
	(void)e;
	ran->result.exit_status = 2;
	return 0;
}

int say_status_127(const struct saying *s, struct command_ran *ran, struct err *e)
{
	(void)e;
	return end_with(s, ran, 127, "sh: 1: assize-no-such-program: not found\n");
}

int say_to_stderr(const struct saying *s, struct command_ran *ran, struct err *e)
{
	struct proc_result *r = &ran->result;

	(void)e;
	r->err = joined(s->arena, r->err, r->err_len, r->out, r->out_len);
	r->err_len += r->out_len;
	r->out = "";
	r->out_len = 0;
	return 0;
}

int say_last_line(const struct saying *s, struct command_ran *ran, struct err *e)
{
	(void)e;
	for (size_t i = 0; i < command_n_documents(s->spec, ran); i++) {
		struct command_document d = command_document_at(s->spec, ran, i);
		size_t from = d.n;

		while (from > 0 && d.text[from - 1] == '\n')
			from--;
		while (from > 0 && d.text[from - 1] != '\n')
			from--;
		command_put_document(s, ran, i, d.text + from, d.n - from);
	}
	return 0;
}

/*
 * The first half of it: not to the middle of a character, which would be noticed for another
 * reason, nor of a secret, which nobody would recognise in what is left of it.
 */
static size_t half_of(const struct saying *s, const struct command_document *d)
{
	const struct redactor *r = s->challenge->world->definition->redactor;
	size_t n = utf8_fit(d->text, d->n, d->n / 2);

	while (n > 0) {
		size_t from = n > LOOKED_BACK ? n - LOOKED_BACK : 0;
		const char *end = arena_strndup(s->arena, d->text + from, n - from);

		if (strcmp(redact_cut(r, s->arena, end), redact_text(r, s->arena, end)) == 0)
			break;
		n = utf8_fit(d->text, d->n, n - 1);
	}
	return n;
}

int say_half(const struct saying *s, struct command_ran *ran, struct err *e)
{
	(void)e;
	for (size_t i = 0; i < command_n_documents(s->spec, ran); i++) {
		struct command_document d = command_document_at(s->spec, ran, i);
		size_t n = half_of(s, &d);

		command_put_document(s, ran, i, arena_strndup(s->arena, d.text, n), n);
	}
	return 0;
}

int say_nul(const struct saying *s, struct command_ran *ran, struct err *e)
{
	(void)e;
	for (size_t i = 0; i < command_n_documents(s->spec, ran); i++) {
		struct command_document d = command_document_at(s->spec, ran, i);
		size_t n = half_of(s, &d);
		const char *head = joined(s->arena, d.text, n, "", 1);

		command_put_document(s, ran, i, joined(s->arena, head, n + 1, d.text + n, d.n - n),
				     d.n + 1);
	}
	return 0;
}

/* ---- what it costs ---- */

static int64_t times(int64_t v, double factor)
{
	double product = (double)v * factor;

	return product < 9e18 ? (int64_t)(product + 0.5) : INT64_MAX;
}

int say_slow(const struct saying *s, struct command_ran *ran, struct err *e)
{
	(void)e;
	ran->result.duration_us = times(ran->result.duration_us, s->dose);
	return 0;
}

int say_busy(const struct saying *s, struct command_ran *ran, struct err *e)
{
	(void)e;
	ran->result.cpu_us = times(ran->result.cpu_us, s->dose);
	return 0;
}

int say_large(const struct saying *s, struct command_ran *ran, struct err *e)
{
	(void)e;
	ran->result.peak_bytes = times(ran->result.peak_bytes, s->dose);
	return 0;
}

/* "1.35", "2680" */
static const char *factor_text(struct arena *a, double factor)
{
	return arena_printf(a, factor < 100 ? "%.3g" : "%.0f", factor);
}

const char *words_of_time(const struct challenge *c, const struct attack *a, double dose)
{
	const struct proc_result *r = &command_said(c)->result;
	bool is_cpu = a->row == &arsenal_command_rows[COMMAND_BUSY];
	int64_t us = times(is_cpu ? r->cpu_us : r->duration_us, dose);
	char text[NUM_REAL_MAX];

	(void)num_format_duration(us / 1000, text); /* its length */
	return arena_printf(c->arena, "it takes %s times as %s, %s", factor_text(c->arena, dose),
			    is_cpu ? "much processor time" : "long", text);
}

const char *words_of_memory(const struct challenge *c, const struct attack *a, double dose)
{
	char text[NUM_REAL_MAX];

	(void)a;
	(void)num_format_size(times(command_said(c)->result.peak_bytes, dose), text);
	return arena_printf(c->arena, "it takes %s times as much memory, %s",
			    factor_text(c->arena, dose), text);
}
