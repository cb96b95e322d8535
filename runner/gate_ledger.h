/*
 * gate_ledger: the record looked at for a gate that asks whether it is what was recorded.
 */
#ifndef ASSIZE_RUNNER_GATE_LEDGER_H
#define ASSIZE_RUNNER_GATE_LEDGER_H

struct app;
struct definition;
struct gate;
struct gate_ledger;
struct gate_trust;
struct record;

/*
 * Asks the anchors of the definition, which may take long and be watched: what is judged is read
 * later. NULL = the gate does not ask; what went wrong is told by the look.
 */
struct gate_trust *gate_ledger_ask(struct app *app, const struct definition *d,
				   const struct gate *gate, struct record *record);
/*
 * Verifies all of the record by what the anchors said. Evidence that was not read in the same
 * moment (record_hold()) is not what was verified.
 */
const struct gate_ledger *gate_ledger_look(struct app *app, const struct definition *d,
					   const struct gate *gate, const struct gate_trust *t,
					   struct record *record);

#endif
