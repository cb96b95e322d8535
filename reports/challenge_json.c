/*
 * The challenge as JSON; the shape is documented in challenge.h and only ever grows.
 */
#include "reports/challenge.h"

#include <math.h>

#include "reports/text.h"
#include "runner/base/buf.h"
#include "runner/io/digest.h"
#include "runner/io/json.h"

static const char *class_of(const struct attack_result *r)
{
	if (r->is_planned)
		return "planned";
	if (attack_is_noticed(r->outcome))
		return "noticed";
	if (attack_is_survivor(r->outcome))
		return "survived";
	return r->is_control && (r->outcome == ATTACK_STEADY || r->outcome == ATTACK_FALSE_ALARM)
		       ? "control"
		       : "uncounted";
}

static double or_nan(double v, bool is_known)
{
	return is_known ? v : NAN;
}

static void put_attack(struct json_writer *w, const struct attack_result *r)
{
	json_open(w, NULL, '{');
	json_put_text(w, "name", r->name);
	json_put_text(w, "object", r->object != NULL && r->object[0] != '\0' ? r->object : NULL);
	json_put_text(w, "words", r->words);
	json_put_text(w, "class", class_of(r));
	json_put_text(w, "outcome", r->is_planned ? NULL : attack_outcome_name(r->outcome));
	json_put_text(w, "reason", r->reason);
	json_put_text(w, "series", r->series);
	json_put_text(w, "before", r->before);
	json_put_text(w, "after", r->after);
	json_put_text(w, "bound", r->bound);
	json_put_text(w, "advice", r->advice);
	json_put_real(w, "turns_red", or_nan(r->turns_red, r->turns_red > 0));
	json_put_text(w, "turns_red_words", r->turns_red_words);
	json_put_bool(w, "is_erratic", r->is_erratic);
	json_put_int(w, "duration_us", r->duration_us);
	json_close(w, '}');
}

static void put_counts(struct json_writer *w, const struct challenged *c)
{
	json_put_int(w, "noticed", c->n_noticed);
	json_put_int(w, "survived", c->n_survived);
	json_put_int(w, "uncounted", c->n_uncounted);
	json_put_int(w, "steady", c->n_steady);
	json_put_int(w, "false_alarms", c->n_false_alarms);
}

void challenge_json_score(struct json_writer *w, const struct challenged *c)
{
	json_put_real(w, "score",
		      or_nan(challenged_score(c), c->reason == NULL && challenged_score(c) >= 0));
	put_counts(w, c);
}

void challenge_json_attacks(struct json_writer *w, const struct challenged *c)
{
	json_open(w, "attacks", '[');
	for (size_t i = 0; i < c->n_attacks; i++)
		put_attack(w, &c->attacks[i]);
	json_close(w, ']');
}

static void put_check(struct json_writer *w, const struct challenge_report *r,
		      const struct challenged *c)
{
	const struct check_info *info = c->check;
	char hex[SHA256_HEX];

	sha256_hex(info->hash, hex);
	json_open(w, NULL, '{');
	json_put_text(w, "name", info->name);
	json_put_text(w, "kind", info->kind);
	json_put_text(w, "title", info->title);
	json_put_text(w, "owner", info->owner);
	json_put_text(w, "target", info->target);
	json_put_int(w, "severity", info->severity);
	json_put_text(w, "file", info->file);
	json_put_int(w, "line", info->line);
	json_put_int(w, "column", info->col);
	json_put_text(w, "definition_sha256", hex);
	text_json_time(w, "at", c->at_ms);
	json_put_int(w, "duration_us", c->duration_us);
	json_put_bool(w, "is_challenged", challenge_is_challenged(r, c));
	json_put_text(w, "reason", c->reason);
	json_put_text(w, "help", c->help);
	challenge_json_score(w, c);
	challenge_json_attacks(w, c);
	json_close(w, '}');
}

void challenge_json(struct buf *out, const struct challenge_report *r)
{
	struct challenged all;
	struct json_writer w;

	challenge_total(r, &all);
	json_writer_init(&w, out, true);
	json_open(&w, NULL, '{');
	json_put_text(&w, "assize", "challenge/1");
	json_put_int(&w, "exit", challenge_exit_status(r));
	text_json_time(&w, "begin", r->begin_ms);
	json_put_int(&w, "duration_us", r->duration_us);
	json_put_bool(&w, "is_interrupted", r->is_interrupted);
	json_put_bool(&w, "is_survey", r->is_survey);
	json_put_real(&w, "at_least", r->at_least);
	json_open(&w, "definition", '{');
	json_put_text(&w, "file", r->definition_file);
	json_close(&w, '}');
	json_open(&w, "attacks", '{');
	json_put_int(&w, "counted", all.n_noticed + all.n_survived);
	put_counts(&w, &all);
	json_close(&w, '}');
	json_put_int(&w, "unchallenged", challenge_unchallenged(r));
	json_open(&w, "checks", '[');
	for (size_t i = 0; i < r->n; i++)
		put_check(&w, r, &r->items[i]);
	json_close(&w, ']');
	json_close(&w, '}');
}
