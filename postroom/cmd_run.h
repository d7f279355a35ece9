/* run, lab and test: the suite in the foreground. */
#ifndef POSTROOM_CMD_RUN_H
#define POSTROOM_CMD_RUN_H

/* argv[0] is the verb. Each returns the exit status. */
int cmd_run(int argc, char **argv);
int cmd_lab(int argc, char **argv);
int cmd_test(int argc, char **argv);

#endif
