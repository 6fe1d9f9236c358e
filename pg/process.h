/* Running PostgreSQL's own programs. */
#ifndef PROPOLIS_PG_PROCESS_H
#define PROPOLIS_PG_PROCESS_H

#include "base/buf.h"

#include <sys/types.h>

typedef struct ProcessRun {
    const char *const *argv;      /* NULL-ended; argv[0] is the path, or a name to find in PATH */
    const char *const *extra_env; /* "NAME=value", NULL-ended; NULL: none. Secrets go here, never into argv */
    Str input;                    /* standard input; short, or empty */
    int input_fd;                 /* standard input instead of that; 0: none */
    int output_fd;                /* standard output; 0: together with standard error */
    int log_fd;                   /* standard error; 0: captured for the error message */
    int held_fd;                  /* stays open in the program and its children (a lock that says they live); 0: none */
} ProcessRun;

/* Runs it to its end. A failure is ERR_INTERNAL whose message ends with the last line the program wrote. */
bool process_run(const ProcessRun *run, Err *err) WARN_UNUSED;
/* Starts it in a session of its own, so that a Ctrl-C at our terminal does not reach it. */
bool process_start(const ProcessRun *run, pid_t *ret, Err *err) WARN_UNUSED;
/* Runs it and returns the first line of its standard output in LINE. */
bool process_line(const char *const *argv, char *line, size_t capacity, Err *err) WARN_UNUSED;
/* "signal 9 (Killed)", "exit status 1" */
void process_describe_end(int wait_status, char *out, size_t capacity);

#endif
