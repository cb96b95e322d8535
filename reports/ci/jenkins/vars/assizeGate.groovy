/*
 * A gate as a step of a pipeline. With this directory as a shared library:
 *
 *     stage('gate') { steps { assizeGate gate: 'release' } }
 *
 * The build fails unless the gate is open; Jenkins shows its cases and keeps the page for reviewers.
 * Arguments: gate; subject (the commit), definition, record, command (assize). They reach the command by
 * the environment, never as a part of the script. Where nothing was checked out there is no commit, and the
 * subject has to be given: a missing one is refused.
 */
def call(Map arguments) {
    if (!arguments.gate) {
        error('assizeGate: which gate? gate: NAME is missing')
    }
    int status = -1
    withEnv(["GATE_NAME=${arguments.gate}",
             "GATE_SUBJECT=${arguments.subject ?: env.GIT_COMMIT ?: ''}",
             "GATE_DEFINITION=${arguments.definition ?: ''}",
             "GATE_RECORD=${arguments.record ?: ''}",
             "GATE_COMMAND=${arguments.command ?: 'assize'}"]) {
        status = sh(label: "gate ${arguments.gate}", returnStatus: true, script: '''
            set -- --subject "$GATE_SUBJECT" --report junit=assize.xml --report html=assize.html
            [ -z "$GATE_DEFINITION" ] || set -- "$@" --file "$GATE_DEFINITION"
            [ -z "$GATE_RECORD" ] || set -- "$@" --record "$GATE_RECORD"
            rm -f assize.xml assize.html
            exec "$GATE_COMMAND" gate "$@" -- "$GATE_NAME"
        ''')
    }
    if (fileExists('assize.xml')) {
        junit testResults: 'assize.xml', skipMarkingBuildUnstable: true
        archiveArtifacts artifacts: 'assize.xml,assize.html', allowEmptyArchive: true
    }
    if (status != 0) {
        error("gate ${arguments.gate} is not open: assize exited with status ${status}")
    }
}
