/*
 * challenge_self_world: the private world of one sabotage, and what can be done to it.
 *
 * Definitions are text in which @NAME@ stands for what only the world knows: @PROGRAM@, @POLICY@
 * (the digest of the definition written first), and the moments @LAST_WEEK@, @YESTERDAY@ and
 * @TOMORROW@. Words of programs have them as well.
 */
#ifndef ASSIZE_RUNNER_CHALLENGE_SELF_WORLD_H
#define ASSIZE_RUNNER_CHALLENGE_SELF_WORLD_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct clock;
struct err;

#define SELF_RECORD	"record.db"
#define SELF_MAX_WORDS	16
#define SELF_DAY_MS	INT64_C(86400000)
#define SELF_TIMEOUT_MS 60000

/* In what surroundings the program is asked. */
enum self_way {
	SELF_FREELY = 0,
	SELF_WITHOUT_WRITING, /* the kernel refuses every change of a file */
	SELF_WITHOUT_ROOM,    /* no file may grow */
};

struct self_world {
	struct arena *arena;
	const struct clock *clock;
	const char *program, *dir;
	const atomic_bool *is_interrupted; /* MAY be NULL */
	int64_t begin_ms;		   /* of the world's making */
	const char *policy;		   /* NULL = not asked yet */
	/* what the last program said */
	int status; /* -1 = it was killed */
	const char *out, *err;
};

/* text: see above. */
int self_write(struct self_world *w, const char *name, const char *text, struct err *e);
/* The file that the checks of these worlds look at, of SELF_DATA_BYTES. */
int self_write_data(struct self_world *w, struct err *e);
/* words end with NULL. -1: it could not be run to its end. */
int self_run(struct self_world *w, enum self_way way, const char *const *words, struct err *e);
/* The program under attack, with the world's definition and record. */
int self_ask(struct self_world *w, enum self_way way, const char *const *words, struct err *e);
/* The same, which must exit with 0. */
int self_must(struct self_world *w, const char *const *words, struct err *e);

/* Moves every moment in the record. The record must be at rest. */
int self_shift(struct self_world *w, int64_t by_ms, struct err *e);
/* Another value in the row that holds the size of the data. */
int self_edit_row(struct self_world *w, struct err *e);
int self_tear_record(struct self_world *w, struct err *e);
int self_remove(struct self_world *w, const char *name, struct err *e);

#endif
