/*
 * gate_scene: a gate that requires one check, and everything that would open it; a test then spoils
 * one thing. Included once by each test program of the gates, hence static functions.
 */
#ifndef ASSIZE_TESTS_GATE_SCENE_H
#define ASSIZE_TESTS_GATE_SCENE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "gates/gate.h"
#include "runner/base/arena.h"
#include "runner/model/kind.h"

#define NOW    INT64_C(1795383603000)
#define MINUTE INT64_C(60000)
#define HOUR   INT64_C(3600000)

struct scene {
	struct arena *arena;
	struct audit_kind kind;
	struct check check;
	struct check_info info;
	struct selector selector;
	struct rollback_set set;
	struct gate gate;
	struct evidence evidence[3];
	struct gate_item item;
	struct restoration_row rows[3];
	const char *tags[3], *commits[3];
	struct gate_input in;
};

static inline void scene_add_restorations(struct scene *s)
{
	for (int i = 0; i < 3; i++) {
		static const char *const tags[] = {"v1.2", "v1.1", "v1.0"};

		s->tags[i] = tags[i];
		s->commits[i] = "c0ffee";
		s->rows[i] = (struct restoration_row){
			.run_id = 11,
			.at_ms = NOW - HOUR,
			.run_state = RUN_COMPLETE,
			.restoration = {.commit = "c0ffee",
					.set = "releases",
					.tag = tags[i],
					.outcome = OUTCOME_PASS,
					.restore_us = 2000000},
		};
	}
}

static inline void scene_init(struct scene *s, struct arena *a)
{
	memset(s, 0, sizeof(*s));
	s->arena = a;
	s->kind.name = "rows";
	s->check = (struct check){.id = "fresh",
				  .name = "tasks/fresh",
				  .audit = "tasks",
				  .pos = {"assize.yaml", 7, 9},
				  .kind = &s->kind};
	s->info = (struct check_info){.name = "tasks/fresh", .kind = "rows", .file = "assize.yaml"};
	memset(s->check.hash, 0x5a, sizeof(s->check.hash));
	memset(s->info.hash, 0x5a, sizeof(s->info.hash));
	s->selector = (struct selector){.text = "tasks/*", .glob = "tasks/*", .max_age_ms = HOUR};
	s->gate = (struct gate){.name = "release",
				.pos = {"assize.yaml", 40, 3},
				.require = &s->selector,
				.n_require = 1,
				.max_age_ms = HOUR};
	s->set = (struct rollback_set){.name = "releases"};
	for (int i = 0; i < 3; i++) {
		static const char *const series[] = {"", "b", "c"};

		s->evidence[i] = (struct evidence){
			.run_id = 12,
			.run_state = RUN_COMPLETE,
			.subject = "v2",
			.result = {.check = &s->info,
				   .series = series[i],
				   .outcome = OUTCOME_PASS,
				   .value = {.type = VALUE_INT, .integer = 3},
				   .unit = "",
				   .bound = "<= 10",
				   .room = 0.3,
				   .n = -1,
				   .n_total = -1,
				   .share = NAN,
				   .measured_ms = NOW - MINUTE,
				   .attempts = 1},
		};
	}
	scene_add_restorations(s);
	s->item = (struct gate_item){.check = &s->check,
				     .selector = &s->selector,
				     .is_hard = true,
				     .max_age_ms = HOUR,
				     .evidence = s->evidence,
				     .n_evidence = 1,
				     .other_subject_ms = -1};
	s->in = (struct gate_input){
		.gate = &s->gate, .subject = "v2", .now_ms = NOW, .items = &s->item, .n_items = 1};
}

static inline void scene_add_rollback(struct scene *s, bool is_all)
{
	s->gate.rollback = &s->set;
	s->gate.is_rollback_all = is_all;
	s->gate.rollback_within_ms = 24 * HOUR;
	s->in.restorations = s->rows;
	s->in.n_restorations = 3;
	s->in.rollback_tags = s->tags;
	s->in.rollback_commits = s->commits;
	s->in.n_rollback_tags = 3;
}

/* The decision must come to outcome, and some line must say text. */
static inline void comes_to(struct scene *s, enum outcome outcome, const char *text)
{
	struct decision d;
	bool is_said = text == NULL;

	gate_decide(s->arena, &s->in, &d);
	for (size_t i = 0; i < d.n_lines; i++)
		is_said = is_said || strstr(d.lines[i].text, text) != NULL;
	if (!is_said || d.outcome != outcome || d.is_open != outcome_is_passing(outcome)) {
		for (size_t i = 0; i < d.n_lines; i++)
			print_message("%s %s: %s\n", d.lines[i].check,
				      outcome_name(d.lines[i].outcome), d.lines[i].text);
		fail_msg("%s instead of %s, \"%s\"", outcome_name(d.outcome), outcome_name(outcome),
			 text != NULL ? text : "");
	}
}

static inline int setup(void **state)
{
	struct arena *a = arena_new();
	struct scene *s = arena_alloc(a, sizeof(*s));

	scene_init(s, a);
	*state = s;
	return 0;
}

static inline int teardown(void **state)
{
	struct scene *s = *state;

	arena_free(s->arena);
	return 0;
}

#define SCENE_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
