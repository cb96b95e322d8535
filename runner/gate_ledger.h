/*
 * gate_ledger: the record looked at for a gate that asks whether it is what was recorded.
 */
#ifndef ASSIZE_RUNNER_GATE_LEDGER_H
#define ASSIZE_RUNNER_GATE_LEDGER_H

struct app;
struct definition;
struct gate;
struct gate_ledger;
struct record;

/*
 * Verifies all of it by the keys and anchors of the definition. NULL = the gate does not ask; what
 * went wrong is in the result.
 */
const struct gate_ledger *gate_ledger_look(struct app *app, const struct definition *d,
					   const struct gate *gate, struct record *record);

#endif
