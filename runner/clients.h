/*
 * clients: the libraries that checks ask databases and repositories with. Each takes some ten
 * milliseconds to load; on a thread that has no work yet they pass while the run's begin is written
 * to disk, and not in the time of the first check. What cannot be loaded is told by the check.
 */
#ifndef ASSIZE_RUNNER_CLIENTS_H
#define ASSIZE_RUNNER_CLIENTS_H

struct plan;

unsigned clients_of(const struct plan *plan); /* bits of the types of target they are for */
void clients_load(unsigned targets);

#endif
