/*
 * engine: makes probes happen. One thread drives all HTTP transfers, a few threads do what blocks.
 *
 * The owner submits jobs and takes them back finished; between the two a job belongs to the engine.
 * Jobs come back in the order they finish. The owner's thread also waits for signals here, so that
 * an interrupt is an ordinary event of its loop. All functions are for the owner's thread only.
 */
#ifndef ASSIZE_RUNNER_ENGINE_H
#define ASSIZE_RUNNER_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct engine;
struct err;
struct job;
struct plan;
struct probe_world;

/* n_threads: most blocking probes at once. Blocks SIGINT, SIGTERM, SIGHUP for the process' threads.
 */
int engine_start(const struct probe_world *world, const struct plan *plan, size_t n_threads,
		 struct engine **out, struct err *e);

/*
 * A job makes its probe. One that comes back with findings fetches what can be shown of them,
 * before any probe that waits, and keeps its times.
 */
void engine_submit(struct engine *g, struct job *job);

/*
 * Waits until jobs are finished, a signal arrives or wait_ms has passed. Returns the finished jobs
 * as a list (->next), oldest first, NULL when there are none. *signal is the signal, else 0.
 */
struct job *engine_wait(struct engine *g, int64_t wait_ms, int *signal);

/* Jobs under way (started, not finished): fills up to max, oldest first; returns how many there
 * are. */
size_t engine_running(struct engine *g, const struct job **out, size_t max);

/*
 * Ends threads and frees the engine: true. When work is still under way and may hang, nothing is
 * freed and the result is false: the process must end without joining (_Exit).
 */
bool engine_stop(struct engine *g);

#endif
