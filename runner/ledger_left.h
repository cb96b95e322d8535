/*
 * ledger_left: what a killed `ledger export` or `import` has left beside the file it was making.
 */
#ifndef ASSIZE_RUNNER_LEDGER_LEFT_H
#define ASSIZE_RUNNER_LEDGER_LEFT_H

struct ledger_command;

/*
 * Removes and tells (unless --quiet) what was left for this path, through links; not while another
 * export or import is at work in its directory. What cannot be looked at or removed is left: it is
 * in nobody's way.
 *
 * Gives a descriptor that keeps others from removing what this one is about to make, to be closed
 * when it is made; -1 = there is none.
 */
int ledger_left_clear(struct ledger_command *c, const char *path);

#endif
